import csv
import io
from datetime import UTC, datetime

import pytest
from aws_world import BUCKET, DEPLOYMENT, listening, track_id

from musicrec import events
from musicrec.datasets import catalogue, daily, manifest
from musicrec.datasets.catalogue import CatalogNotPublishedError
from musicrec.datasets.checks import DatasetCheckError
from musicrec.deployment import DeploymentNotFoundError
from musicrec.personalize import exports, foundation, imports
from musicrec.processor.hot_path import interaction

RUN_DATE = "2026-03-02"


@pytest.fixture
def heard(aws, tmp_path):
    """A stack in which 40 listeners have played for a week, 30 tracks of which 20 are known."""
    happened = listening()
    aws.hear(happened, tmp_path)
    return happened


def rows_of(aws, kind, run_date=RUN_DATE):
    """A built CSV as dictionaries, read by the rules of the import."""
    text = aws.read(f"datasets/{run_date}/{kind}.csv")
    return list(csv.DictReader(io.StringIO(text), escapechar="\\", doublequote=False))


def objects_of(aws):
    """When every object of the bucket was written last."""
    rows = aws.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return {row["Key"]: (row["ETag"], row["LastModified"]) for row in rows}


def count_of(aws, name):
    """How often an operation of Personalize was called."""
    return aws.calls.count(name)


class TestWrite:
    def test_has_one_interaction_for_every_play_completion_and_skip(self, aws, heard):
        """Every event that goes to Personalize is one row, and no other event is."""
        made = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        expected = sorted(
            (event.user_id, event.track_id, str(event.occurred_at // 1000), event.event_type.value)
            for event in heard
            if events.is_interaction(event)
        )
        rows = rows_of(aws, "interactions")
        assert sorted(tuple(row.values())[:4] for row in rows) == expected
        assert made.datasets["interactions"].rows == len(expected)
        assert sum(made.days.values()) == len(expected)

    def test_values_equal_those_of_the_stream(self, aws, heard):
        """EVENT_VALUE is the very number that the hot path sends for the same event."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        streamed = {
            (event.user_id, event.occurred_at // 1000, event.event_type.value): interaction(
                event
            ).get("eventValue")
            for event in heard
            if events.is_interaction(event)
        }
        for row in rows_of(aws, "interactions"):
            key = (row["USER_ID"], int(row["TIMESTAMP"]), row["EVENT_TYPE"])
            value = float(row["EVENT_VALUE"]) if row["EVENT_VALUE"] else None
            assert value == streamed[key]

    def test_duplicates_are_dropped_and_counted(self, aws, heard):
        """Events delivered twice give the same file, and the manifest says how many there were."""
        first = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        aws.put_in_lake(heard[:100])
        second = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert second.datasets["interactions"].sha256 == first.datasets["interactions"].sha256
        dropped = (made.datasets["interactions"].dropped for made in (first, second))
        before, after = dropped
        copies = sum(events.is_interaction(event) for event in heard[:100])
        assert after["duplicate event"] - before["duplicate event"] == copies
        assert after["not an interaction"] - before["not an interaction"] == 100 - copies

    @pytest.mark.usefixtures("heard")
    def test_unknown_tracks_become_items_named_by_their_events(self, aws):
        """A track that the catalogue lacks is an item with its artist and without features."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        rows = {row["ITEM_ID"]: row for row in rows_of(aws, "items")}
        assert len(rows) == 30
        unknown = rows[track_id(25)]
        assert (unknown["ARTIST"], unknown["GENRES"], unknown["ENERGY"]) == ("Björk", "", "")
        assert rows[track_id(4)]["GENRES"] == "ambient|techno"

    @pytest.mark.usefixtures("heard")
    def test_seen_tracks_join_the_catalogue(self, aws):
        """After a build the catalogue names what was merely seen, and keeps what it knew."""
        assert daily.write(aws.clients, DEPLOYMENT, RUN_DATE).tracks_added == 10
        with catalogue.downloaded(aws.clients.s3, BUCKET) as refreshed:
            assert len(refreshed) == 30
            assert refreshed.get(track_id(25)).artists == ("Björk",)
            assert refreshed.get(track_id(4)).genres == ("ambient", "techno")

    @pytest.mark.usefixtures("heard")
    def test_users_come_from_the_profiles(self, aws):
        """There is one row a listener, with the features of the profile."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        rows = rows_of(aws, "users")
        assert [row["USER_ID"] for row in rows] == [f"user-{user:03}" for user in range(40)]
        assert {row["FAVOURITE_GENRE"] for row in rows} <= {"j-pop", "ambient", "techno"}

    @pytest.mark.usefixtures("heard")
    def test_everything_is_covered(self, aws):
        """All interactions refer to a row of USERS and to one of ITEMS."""
        made = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert made.coverage == {"users": 1.0, "items": 1.0}
        assert [finding for finding in made.findings if finding.severity == "error"] == []

    @pytest.mark.usefixtures("heard")
    def test_second_run_changes_nothing(self, aws):
        """The same inputs on the same date leave every object of the bucket alone."""
        first = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        before = objects_of(aws)
        assert daily.write(aws.clients, DEPLOYMENT, RUN_DATE) == first
        assert objects_of(aws) == before

    @pytest.mark.usefixtures("heard")
    def test_missing_file_is_written_again(self, aws):
        """A file that somebody deleted comes back although its content is not new."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        aws.clients.s3.delete_object(Bucket=BUCKET, Key=f"datasets/{RUN_DATE}/users.csv")
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert len(rows_of(aws, "users")) == 40

    def test_invalid_rows_of_the_lake_stay_out(self, aws, heard):
        """A row that is not a valid event is counted and gives no interaction."""
        good = events.to_mapping(heard[0])
        bad = good | {"event_id": events.new_event_id("bad"), "track_id": "too short"}
        aws.put_rows(heard[0].occurred_on, [bad])
        made = daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert made.datasets["interactions"].dropped["invalid event"] == 1
        assert "too short" not in aws.read(f"datasets/{RUN_DATE}/interactions.csv")

    def test_without_a_catalogue_it_says_what_to_do(self, aws):
        """No catalogue in the bucket is an error that names the next step."""
        with pytest.raises(CatalogNotPublishedError, match="publish the Kaggle tracks file"):
            daily.write(aws.clients, DEPLOYMENT, RUN_DATE)


@pytest.mark.slow
class TestBuild:
    @pytest.mark.usefixtures("heard")
    def test_imports_what_it_wrote(self, aws):
        """Personalize holds exactly the interactions of the file once the jobs are done."""
        made = daily.build(aws.clients, "musicrec", RUN_DATE)
        for arn in made.import_jobs.values():
            assert imports.wait(aws.clients, arn)["status"] == "ACTIVE"
        ground = foundation.load(aws.clients, DEPLOYMENT)
        held = exports.count_interactions(
            aws.clients, DEPLOYMENT, ground, now=datetime(2026, 3, 2, tzinfo=UTC)
        )
        assert held.rows == made.datasets["interactions"].rows
        assert held.users == 40
        assert held.types == made.event_types

    @pytest.mark.usefixtures("heard")
    def test_records_the_jobs(self, aws):
        """The manifest in the bucket has the ARN of each import job."""
        made = daily.build(aws.clients, "musicrec", RUN_DATE)
        assert set(made.import_jobs) == {"interactions", "users", "items"}
        assert manifest.load(aws.clients.s3, BUCKET, RUN_DATE) == made

    @pytest.mark.usefixtures("heard")
    def test_publishes_the_tracking_id(self, aws):
        """The hot path finds the event tracker that the first build made."""
        daily.build(aws.clients, "musicrec", RUN_DATE)
        ground = foundation.load(aws.clients, DEPLOYMENT)
        assert aws.parameter("tracking_id") == ground.tracking_id

    @pytest.mark.usefixtures("heard")
    def test_second_run_starts_no_import(self, aws):
        """The same inputs give the same manifest, the same objects and the same three jobs."""
        first = daily.build(aws.clients, "musicrec", RUN_DATE)
        before = objects_of(aws)
        assert daily.build(aws.clients, "musicrec", RUN_DATE) == first
        assert objects_of(aws) == before
        assert count_of(aws, "CreateDatasetImportJob") == 3

    @pytest.mark.usefixtures("heard")
    def test_next_day_without_news_starts_no_import_of_interactions(self, aws):
        """A later run of unchanged content relies on the import that there was."""
        first = daily.build(aws.clients, "musicrec", RUN_DATE)
        second = daily.build(aws.clients, "musicrec", "2026-03-03")
        assert second.import_jobs["interactions"] == first.import_jobs["interactions"]

    @pytest.mark.usefixtures("heard")
    def test_growth_on_the_same_day_is_imported_under_a_new_name(self, aws):
        """New events of the day replace the files and start a job called by the new hash."""
        first = daily.build(aws.clients, "musicrec", RUN_DATE)
        aws.put_in_lake(listening(users=1, start="2026-03-01", seed=99))
        second = daily.build(aws.clients, "musicrec", RUN_DATE)
        job = second.import_jobs["interactions"]
        assert job != first.import_jobs["interactions"]
        assert job.endswith(second.datasets["interactions"].sha256[:8])
        assert second.import_jobs["items"] == first.import_jobs["items"]

    def test_errors_stop_the_import(self, aws, tmp_path):
        """Too few interactions: the files are there to look at, Personalize was never called."""
        happened = listening(users=3, plays=5)
        aws.hear(happened, tmp_path)
        with pytest.raises(DatasetCheckError, match="at least 1000 are needed"):
            daily.build(aws.clients, "musicrec", RUN_DATE)
        assert manifest.load(aws.clients.s3, BUCKET, RUN_DATE).import_jobs == {}
        assert aws.calls == []

    def test_names_the_stack_that_is_not_deployed(self, aws):
        """An unknown stack is an error that names its parameter."""
        with pytest.raises(DeploymentNotFoundError, match="/other/deployment"):
            daily.build(aws.clients, "other", RUN_DATE)
