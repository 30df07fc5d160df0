"""Where counts are reported: streamed events to CloudWatch, imports to S3 as well."""

import pytest
from personalize_data import HEADERS, item_rows
from personalize_domain import fill, recommender
from personalize_office import ATTRIBUTED, BEGINNING, NOW, PLAYS, QUARTER, TEMPO, VALUE, Office
from personalize_world import ROLE

from musicrec.local.personalize.life_cycle import LifeCycle


class TestStreamedEvents:
    def test_events_are_counted_by_source(self, office):
        """In capitals, as AWS's samples find them; a source that is not told has a name too."""
        office.attribute(PLAYS)
        for number, source in enumerate(("shelf", "Shelf", "mail", None)):
            office.send(f"i1-{number:02}", source=source)
        office.send(kind="skip", source="shelf")
        assert office.reported("PLAYS") == {
            ("SHELF", BEGINNING): 2,
            ("MAIL", BEGINNING): 1,
            ("SOURCE_NAME_UNDEFINED", BEGINNING): 1,
        }

    def test_columns_are_summed_up(self, office):
        """Of the items, whichever way they came, and of the events; case does not matter."""
        office.attribute(TEMPO, VALUE)
        office.world.events.put_items(
            datasetArn=office.world.arns["Items"],
            items=[{"itemId": "new", "properties": '{"tempo": 7.5, "year": 2000}'}],
        )
        for item in ("i1-03", "new", "unknown"):
            office.send(item, "complete", source="s")
        office.send(source="s", eventValue=0.5)
        office.send("i1-04", source="s")
        assert office.reported("TEMPO") == {("S", BEGINNING): pytest.approx(100.3 + 7.5)}
        assert office.reported("VALUE") == {("S", BEGINNING): 0.5}

    def test_quarters_of_an_hour_are_apart(self, office):
        """By the time of the event, not that of the call."""
        office.attribute(PLAYS)
        office.send(when=BEGINNING, source="s")
        office.send(when=BEGINNING - 1, source="s")
        assert office.reported("PLAYS") == {("S", BEGINNING): 1, ("S", BEGINNING - QUARTER): 1}

    def test_event_taken_once_counts_once(self, office):
        """What eventId or content tells to be known is left out."""
        office.attribute(PLAYS)
        for _ in range(2):
            office.send(source="s")
            office.send("i1-05", source="s", eventId="e")
        assert office.reported("PLAYS") == {("S", BEGINNING): 2}

    def test_old_and_future_events_are_not_sent(self, office):
        """CloudWatch takes two weeks back and two hours ahead."""
        office.attribute(PLAYS)
        office.send(when=NOW - 14 * 86_400, source="s")
        office.send(when=NOW + 3 * 3600, source="s")
        assert office.reported("PLAYS") == {}

    def test_nothing_before_it_is_made_nor_after_it_is_gone(self, office):
        """And nothing while it is being made."""
        office.send("i1-00", source="s")
        office.app.life_cycle = LifeCycle(transitions="slow")
        office.attribute(PLAYS)
        office.send("i1-01", source="s")
        office.clock.now += 60
        office.send("i1-02", source="s")
        office.control.delete_metric_attribution(metricAttributionArn=office.arn)
        office.send("i1-03", source="s")
        assert office.reported("PLAYS") == {("S", BEGINNING): 1}

    def test_hundred_sources_are_reported(self, office):
        """Later ones are taken and not counted."""
        office.attribute(PLAYS)
        for number in range(101):
            office.send(f"x{number}", source=f"s{number:03}")
        found = {source for source, _ in office.reported("PLAYS")}
        assert found == {f"S{number:03}" for number in range(100)}

    def test_source_is_exported_where_there_is_a_column(self, clocked):
        """As sent."""
        office = Office(*clocked, ATTRIBUTED)
        office.send(source="shelf")
        (row,) = office.world.export()
        assert row["EVENT_ATTRIBUTION_SOURCE"] == "shelf"


class TestRecommendations:
    def test_recommendation_leads_to_its_recommender(self, office):
        """Or campaign, by ARN; a source that the event names goes before it."""
        office.leave()
        fill(office.world)
        arn = recommender(office.world, "aws-vod-top-picks")
        office.world.finished(
            lambda: office.control.describe_recommender(recommenderArn=arn)["recommender"]
        )
        tracker = office.control.create_event_tracker(
            name="tracker", datasetGroupArn=office.world.arns["group"]
        )
        office.world.arns["tracking_id"] = tracker["trackingId"]
        office.attribute(PLAYS | {"eventType": "Watch"})
        answer = office.world.runtime.get_recommendations(recommenderArn=arn, userId="u001")
        known = {"kind": "Watch", "recommendationId": answer["recommendationId"]}
        office.send("i0-00", **known)
        office.send("i0-01", source="shelf", **known)
        office.send("i0-02", kind="Watch", recommendationId="RID-unknown")
        assert office.reported("PLAYS") == {
            (arn, BEGINNING): 1,
            ("SHELF", BEGINNING): 1,
            ("SOURCE_NAME_UNDEFINED", BEGINNING): 1,
        }


def rows(count=1000, when=NOW - 30):
    """Plays, all in one quarter of an hour."""
    return [(f"u{n:04}", f"i{n % 4}-{n % 30:02}", when, "play", 0.5) for n in range(count)]


class TestImports:
    def publish(self, office, content=None, name="import", **options):
        """Import interactions; the reports that are on S3 then."""
        location = office.world.put_csv("i.csv", HEADERS["Interactions"], content or rows())
        done = office.world.import_csv("Interactions", location, name, **options)
        assert done["status"] == "ACTIVE", done
        s3, bucket = office.world.embedded.s3, office.world.bucket
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="reports/").get("Contents", [])
        return {
            entry["Key"].removeprefix("reports/"): s3.get_object(Bucket=bucket, Key=entry["Key"])[
                "Body"
            ]
            .read()
            .decode()
            for entry in listed
        }

    def destination(self, office):
        """Where reports go."""
        return {"s3DataDestination": {"path": f"s3://{office.world.bucket}/reports/"}}

    def test_report_is_written_where_the_job_asks(self, office):
        """In AWS's columns, newest first, whatever the age of the data."""
        office.attribute(PLAYS, TEMPO, VALUE, **self.destination(office))
        old = rows(400, when=NOW - 100 * 86_400)
        found = self.publish(office, rows(600) + old, publishAttributionMetricsToS3=True)
        old_beginning = NOW - 100 * 86_400 - (NOW - 100 * 86_400) % QUARTER
        new_beginning = NOW - 30 - (NOW - 30) % QUARTER
        assert found == {
            f"AggregatedAttributionMetrics - BULK - {NOW}.csv": "\n".join(
                [
                    "METRIC_NAME,EVENT_TYPE,VALUE,MATH_FUNCTION,EVENT_ATTRIBUTION_SOURCE,TIMESTAMP",
                    f"PLAYS,PLAY,600.0,samplecount,SOURCE_NAME_UNDEFINED,{new_beginning}",
                    f"PLAYS,PLAY,400.0,samplecount,SOURCE_NAME_UNDEFINED,{old_beginning}",
                    f"VALUE,PLAY,300.0,sum,SOURCE_NAME_UNDEFINED,{new_beginning}",
                    f"VALUE,PLAY,200.0,sum,SOURCE_NAME_UNDEFINED,{old_beginning}",
                    "",
                ]
            )
        }
        assert office.reported("PLAYS") == {}  # a FULL import is none that comes bit by bit

    def test_no_report_unless_asked(self, office):
        """An INCREMENTAL import goes to CloudWatch, as far as it is new."""
        office.attribute(PLAYS, **self.destination(office))
        assert self.publish(office) == {}
        more = rows(600, when=NOW - 20) + rows(400, when=NOW - 15 * 86_400)
        assert self.publish(office, more, "more", importMode="INCREMENTAL") == {}
        beginning = NOW - 20 - (NOW - 20) % QUARTER
        assert office.reported("PLAYS") == {("SOURCE_NAME_UNDEFINED", beginning): 600}

    def test_report_needs_an_attribution_with_a_destination(self, office):
        """And is one of interactions."""
        refused = office.control.exceptions.InvalidInputException
        for prepare in (lambda: None, lambda: office.attribute(PLAYS)):
            prepare()
            with pytest.raises(refused, match="publishAttributionMetricsToS3 needs"):
                self.publish(office, publishAttributionMetricsToS3=True)
        office.control.update_metric_attribution(
            metricAttributionArn=office.arn,
            metricsOutputConfig={"roleArn": ROLE} | self.destination(office),
        )
        location = office.world.put_csv("items.csv", HEADERS["Items"], item_rows())
        with pytest.raises(refused, match="publishAttributionMetricsToS3 needs"):
            office.world.import_csv("Items", location, "again", publishAttributionMetricsToS3=True)
        assert self.publish(office, publishAttributionMetricsToS3=True)

    def test_report_that_cannot_be_written_fails_the_job(self, office):
        """Nothing is imported then."""
        office.attribute(PLAYS, s3DataDestination={"path": "s3://no-such-bucket/reports"})
        location = office.world.put_csv("i.csv", HEADERS["Interactions"], rows())
        done = office.world.import_csv("Interactions", location, publishAttributionMetricsToS3=True)
        assert done["failureReason"] == "Insufficient privileges for accessing data in Amazon S3."
        assert office.world.export() == []
