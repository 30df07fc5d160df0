"""Metric attributions as resources: made, changed, listed, deleted, and what they refuse."""

import pytest
from personalize_data import avro
from personalize_office import NOW, PLAYS, TEMPO, VALUE
from personalize_world import ROLE


class TestResource:
    def test_described_listed_and_paged(self, office):
        """Metrics have a list of their own."""
        arn = office.attribute(PLAYS, TEMPO, VALUE)
        found = office.control.describe_metric_attribution(metricAttributionArn=arn)
        found = found["metricAttribution"]
        assert (found["name"], found["status"]) == ("m", "ACTIVE")
        assert found["metricsOutputConfig"] == {"roleArn": ROLE}
        listed = office.control.list_metric_attributions(datasetGroupArn=office.world.arns["group"])
        assert [one["metricAttributionArn"] for one in listed["metricAttributions"]] == [arn]
        pages = office.control.get_paginator("list_metric_attribution_metrics").paginate(
            metricAttributionArn=arn, PaginationConfig={"PageSize": 1}
        )
        assert [page["metrics"] for page in pages] == [[PLAYS], [TEMPO], [VALUE]]

    def test_update_adds_and_removes(self, office):
        """What is removed goes first, so a metric can be replaced; the order is that of adding."""
        arn = office.attribute(PLAYS, TEMPO)
        again = PLAYS | {"eventType": "skip"}
        office.clock.now += 10
        office.control.update_metric_attribution(
            metricAttributionArn=arn, removeMetrics=["plays"], addMetrics=[again, VALUE]
        )
        listed = office.control.list_metric_attribution_metrics(metricAttributionArn=arn)
        assert listed["metrics"] == [TEMPO, again, VALUE]
        found = office.control.describe_metric_attribution(metricAttributionArn=arn)
        assert found["metricAttribution"]["lastUpdatedDateTime"].timestamp() == NOW + 10

    def test_bad_updates_change_nothing(self, office):
        """A name that is taken, one that is not there, an eleventh metric."""
        arn = office.attribute(PLAYS)
        errors = office.control.exceptions
        many = [PLAYS | {"metricName": f"n{number}"} for number in range(10)]
        for error, change in [
            (errors.ResourceAlreadyExistsException, {"addMetrics": [PLAYS]}),
            (errors.InvalidInputException, {"removeMetrics": ["tempo"]}),
            (errors.InvalidInputException, {"addMetrics": many}),
            (errors.InvalidInputException, {"addMetrics": [PLAYS | {"expression": "MAX()"}]}),
        ]:
            with pytest.raises(error):
                office.control.update_metric_attribution(metricAttributionArn=arn, **change)
        listed = office.control.list_metric_attribution_metrics(metricAttributionArn=arn)
        assert listed["metrics"] == [PLAYS]

    def test_group_has_one(self, office):
        """And the datasets that it refers to stay as long; the group, too."""
        arn = office.attribute(TEMPO)
        with pytest.raises(office.control.exceptions.LimitExceededException, match="can have one"):
            office.attribute(PLAYS, name="second")
        tracker = office.control.list_event_trackers()["eventTrackers"][0]["eventTrackerArn"]
        office.control.delete_event_tracker(eventTrackerArn=tracker)
        for kind in ("Items", "Interactions"):
            with pytest.raises(office.control.exceptions.ResourceInUseException, match="/m"):
                office.control.delete_dataset(datasetArn=office.world.arns[kind])
        office.control.delete_metric_attribution(metricAttributionArn=arn)
        for kind in ("Items", "Interactions"):
            office.control.delete_dataset(datasetArn=office.world.arns[kind])
        with pytest.raises(office.control.exceptions.ResourceNotFoundException):
            office.control.describe_metric_attribution(metricAttributionArn=arn)

    def test_items_that_it_does_not_refer_to_may_go(self, office):
        """Counting events needs none."""
        office.attribute(PLAYS)
        office.control.delete_dataset(datasetArn=office.world.arns["Items"])

    @pytest.mark.parametrize(
        "expression",
        [
            "COUNT()",
            "samplecount()",
            "SUM()",
            "SUM(TEMPO)",
            "SUM(Users.AGE)",
            "SUM(Items.GENRE)",
            "SUM(Items.MOOD)",
            "SUM(Interactions.EVENT_TYPE)",
        ],
    )
    def test_expression_names_a_numeric_column(self, office, expression):
        """Of Items or Interactions; everything else is refused."""
        with pytest.raises(office.control.exceptions.InvalidInputException, match="expression"):
            office.attribute(PLAYS | {"expression": expression})

    def test_events_need_types(self, world):
        """An Interactions dataset without EVENT_TYPE, or none, has nothing to tell apart by."""
        world.group()
        for prepare in (
            lambda: None,
            lambda: world.dataset(
                "Interactions",
                avro("Interactions", "USER_ID:string", "ITEM_ID:string", "TIMESTAMP:long"),
            ),
        ):
            prepare()
            with pytest.raises(world.control.exceptions.InvalidInputException, match="EVENT_TYPE"):
                world.control.create_metric_attribution(
                    name="m",
                    datasetGroupArn=world.arns["group"],
                    metrics=[PLAYS],
                    metricsOutputConfig={"roleArn": ROLE},
                )

    def test_the_arn_must_be_given(self, world):
        """Though the service's model does not require it."""
        refused = world.control.exceptions.InvalidInputException
        for operation in ("list_metric_attribution_metrics", "update_metric_attribution"):
            with pytest.raises(refused, match="metricAttributionArn must be given"):
                getattr(world.control, operation)()
        arn = f"arn:aws:personalize:{world.region}:123456789012:metric-attribution/m"
        with pytest.raises(refused, match="does not exist"):
            world.control.list_metric_attribution_metrics(metricAttributionArn=arn)

    def test_it_has_no_tags(self, office):
        """Its operation takes none."""
        arn = office.attribute(PLAYS)
        with pytest.raises(office.control.exceptions.InvalidInputException, match="no tags"):
            office.control.list_tags_for_resource(resourceArn=arn)
