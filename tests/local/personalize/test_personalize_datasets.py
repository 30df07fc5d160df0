"""Dataset groups, datasets, trackers, tags: life cycle, quotas, order of deletion."""

import re

import pytest
from botocore.exceptions import ClientError
from personalize_data import INTERACTIONS, item_rows


class TestDatasetGroups:
    def test_group_is_active_at_the_first_look(self, world):
        """Nobody has to wait."""
        arn = world.group()
        found = world.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
        assert found["status"] == "ACTIVE"

    def test_five_groups_and_no_more(self, world):
        """The region's quota is AWS's."""
        for n in range(5):
            world.group(f"g{n}")
        with pytest.raises(world.control.exceptions.LimitExceededException, match="More than 5"):
            world.group("g5")

    def test_role_and_key_belong_together(self, world):
        """A role without a key is refused."""
        with pytest.raises(world.control.exceptions.InvalidInputException, match="kmsKeyArn"):
            world.control.create_dataset_group(name="g", roleArn="arn:aws:iam::123456789012:role/r")

    def test_group_with_datasets_stays(self, world):
        """Deletion goes from the leaves to the root."""
        group = world.group()
        dataset = world.dataset("Interactions")
        with pytest.raises(world.control.exceptions.ResourceInUseException, match=dataset):
            world.control.delete_dataset_group(datasetGroupArn=group)
        world.control.delete_dataset(datasetArn=dataset)
        world.control.delete_dataset_group(datasetGroupArn=group)
        assert world.control.list_dataset_groups()["datasetGroups"] == []


class TestDatasets:
    def test_arn_has_group_and_type(self, world):
        """The dataset's own name is not in it."""
        world.group("music")
        arn = world.dataset("Interactions", name="mine")
        assert arn.endswith(":dataset/music/INTERACTIONS")

    def test_one_dataset_of_a_type(self, world):
        """The second is refused although it has another name."""
        world.group()
        world.dataset("Interactions")
        with pytest.raises(world.control.exceptions.ResourceAlreadyExistsException):
            world.dataset("Interactions", name="other")

    def test_schema_must_be_of_the_type(self, world):
        """An Interactions schema makes no Items dataset."""
        world.group()
        with pytest.raises(world.control.exceptions.InvalidInputException, match="not ITEMS"):
            world.dataset("Items", schema=INTERACTIONS)

    @pytest.mark.parametrize(
        ("kind", "text"), [("Actions", "does not emulate"), ("Dreams", "Invalid dataset type")]
    )
    def test_other_types_are_refused(self, world, kind, text):
        """Actions are known but not emulated; anything else is unknown."""
        world.group()
        with pytest.raises(world.control.exceptions.InvalidInputException, match=text):
            world.dataset(kind, schema=INTERACTIONS)

    def test_tracker_holds_the_interactions(self, world):
        """A dataset with an event tracker cannot go."""
        world.group()
        dataset = world.dataset("Interactions")
        tracker = world.control.create_event_tracker(name="t", datasetGroupArn=world.arns["group"])[
            "eventTrackerArn"
        ]
        with pytest.raises(world.control.exceptions.ResourceInUseException, match="event-tracker"):
            world.control.delete_dataset(datasetArn=dataset)
        world.control.delete_event_tracker(eventTrackerArn=tracker)
        world.control.delete_dataset(datasetArn=dataset)

    def test_event_interactions_may_be_deleted_though_absent(self, world):
        """AWS's old clean-up notebook does it."""
        arn = f"arn:aws:personalize:{world.region}:123456789012:dataset/g/EVENT_INTERACTIONS"
        world.control.delete_dataset(datasetArn=arn)

    def test_listing_can_be_narrowed_to_a_group(self, world):
        """Another group's datasets are not shown."""
        first = world.group("one")
        world.dataset("Interactions")
        world.group("two")
        world.dataset("Items")
        found = world.control.list_datasets(datasetGroupArn=first)["datasets"]
        assert [entry["datasetType"] for entry in found] == ["INTERACTIONS"]


class TestEventTrackers:
    def test_tracker_is_named_once_and_has_an_arn_of_eight_characters(self, world):
        """The ARN does not hold the name, and the name is still taken for another group."""
        world.group()
        arn = world.control.create_event_tracker(name="a", datasetGroupArn=world.arns["group"])[
            "eventTrackerArn"
        ]
        assert re.fullmatch(r"arn:aws:personalize:[^:]+:\d{12}:event-tracker/[0-9a-f]{8}", arn)
        with pytest.raises(world.control.exceptions.ResourceAlreadyExistsException):
            world.control.create_event_tracker(name="a", datasetGroupArn=world.group("other"))

    def test_group_has_one(self, world):
        """A second tracker is refused."""
        world.group()
        world.control.create_event_tracker(name="a", datasetGroupArn=world.arns["group"])
        with pytest.raises(world.control.exceptions.LimitExceededException):
            world.control.create_event_tracker(name="b", datasetGroupArn=world.arns["group"])

    def test_describe_gives_the_tracking_id(self, world):
        """The same as create."""
        world.group()
        made = world.control.create_event_tracker(name="a", datasetGroupArn=world.arns["group"])
        found = world.control.describe_event_tracker(eventTrackerArn=made["eventTrackerArn"])
        assert found["eventTracker"]["trackingId"] == made["trackingId"]
        assert found["eventTracker"]["accountId"] == "123456789012"


class TestTags:
    def test_tags_come_and_go(self, world):
        """Given at creation, changed, removed."""
        arn = world.control.create_dataset_group(name="g", tags=[{"tagKey": "a", "tagValue": "1"}])[
            "datasetGroupArn"
        ]
        world.control.tag_resource(
            resourceArn=arn,
            tags=[{"tagKey": "a", "tagValue": "2"}, {"tagKey": "b", "tagValue": "3"}],
        )
        world.control.untag_resource(resourceArn=arn, tagKeys=["b", "unknown"])
        found = world.control.list_tags_for_resource(resourceArn=arn)["tags"]
        assert found == [{"tagKey": "a", "tagValue": "2"}]

    def test_fifty_tags_at_most(self, world):
        """The fifty-first is one too many."""
        tags = [{"tagKey": f"k{n}", "tagValue": ""} for n in range(51)]
        with pytest.raises(world.control.exceptions.TooManyTagsException):
            world.control.create_dataset_group(name="g", tags=tags)


class TestRegions:
    def test_regions_know_nothing_of_each_other(self, embedded):
        """The same name is free in another region."""
        one, two = embedded.world(), embedded.world()
        one.group("music")
        two.group("music")
        assert len(two.control.list_dataset_groups()["datasetGroups"]) == 1

    def test_reset_forgets_everything(self, embedded):
        """After a reset the resources are gone and names are free."""
        world = embedded.world().load(items=item_rows())
        embedded.app.reset()
        assert world.control.list_dataset_groups()["datasetGroups"] == []
        with pytest.raises(ClientError, match="trackingId"):
            world.send("u", {"eventType": "play", "itemId": "i", "sentAt": 1})
