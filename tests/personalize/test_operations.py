"""Operating Personalize from nothing to recommendations and back, on the embedded one."""

from datetime import UTC, datetime

import pytest
from aws_world import DEPLOYMENT, listening
from botocore.exceptions import ClientError

from musicrec.datasets.schemas import INTERACTIONS, ITEMS
from musicrec.parameters import UNSET
from musicrec.personalize import (
    campaigns,
    exports,
    filters,
    foundation,
    imports,
    resources,
    solutions,
    teardown,
)
from musicrec.personalize.foundation import FoundationNotFoundError
from musicrec.personalize.imports import ImportNameError
from musicrec.personalize.resources import ResourceMismatchError
from musicrec.personalize.teardown import Step, TeardownBlockedError
from musicrec.personalize.waiting import ResourceFailedError
from musicrec.processor.hot_path import interaction

RECIPE = "aws-user-personalization-v2"
SOLUTION = "musicrec-user-personalization-v2"


@pytest.fixture
def ground(aws):
    """The foundation alone."""
    return foundation.ensure(aws.clients, DEPLOYMENT)


@pytest.fixture
def solution(aws, imported):
    """A solution on what was imported."""
    return solutions.ensure(
        aws.clients, imported, SOLUTION, RECIPE, event_weights=solutions.EVENT_WEIGHTS
    )


@pytest.fixture
def version(aws, solution):
    """A trained version."""
    return solutions.train(aws.clients, solution)


def creations(aws):
    """The operations that made something, in order."""
    return [call for call in aws.calls if call.startswith("Create")]


def put_csv(aws, key, rows):
    """Put interactions into the bucket as a CSV."""
    lines = [",".join(INTERACTIONS.names), *rows]
    aws.clients.s3.put_object(
        Bucket=DEPLOYMENT.bucket, Key=key, Body="\n".join(lines).encode() + b"\n"
    )
    return f"s3://{DEPLOYMENT.bucket}/{key}"


def a_thousand(kind="play"):
    """Rows enough for an import."""
    return [f"u{n % 40},i{n % 7},{1_772_323_200 + n},{kind}," for n in range(1200)]


def start(aws, ground, uri, sha256="0" * 64, run_date="2026-03-02"):
    """Start an import of interactions."""
    return imports.start(
        aws.clients,
        DEPLOYMENT,
        ground,
        kind="interactions",
        uri=uri,
        sha256=sha256,
        run_date=run_date,
    )


class TestFoundation:
    def test_makes_everything_once(self, aws, ground):
        """A second run finds what the first made and makes nothing."""
        made = creations(aws)
        assert foundation.ensure(aws.clients, DEPLOYMENT) == ground
        assert creations(aws) == made
        assert sorted(made) == sorted(
            ["CreateDatasetGroup", "CreateEventTracker", *["CreateDataset", "CreateSchema"] * 3]
        )

    def test_publishes_the_tracking_id(self, aws, ground):
        """The hot path reads it from the stack's parameter."""
        assert aws.parameter("tracking_id") == ground.tracking_id

    def test_load_finds_what_ensure_made(self, aws, ground):
        """Other notebooks get the same ARNs without making anything."""
        assert foundation.load(aws.clients, DEPLOYMENT) == ground

    def test_load_of_nothing_names_what_is_missing(self, aws):
        """Before the first run the message says what to do."""
        with pytest.raises(FoundationNotFoundError, match=r"no dataset group musicrec.*ensure"):
            foundation.load(aws.clients, DEPLOYMENT)

    def test_refuses_a_schema_of_other_columns(self, aws):
        """A schema of an older shape is not silently taken for ours."""
        aws.clients.personalize.create_schema(name="musicrec-interactions", schema=ITEMS.avro())
        with pytest.raises(ResourceMismatchError, match="musicrec-interactions exists with"):
            foundation.ensure(aws.clients, DEPLOYMENT)


class TestListed:
    def test_reads_every_page(self, aws):
        """What stands on a later page is found, so that nothing is made twice."""
        for number in range(130):
            aws.clients.personalize.create_schema(name=f"s{number}", schema=ITEMS.avro())
        rows = list(resources.listed(aws.clients.personalize, "list_schemas", "schemas"))
        assert len(rows) == 130

    def test_loser_of_a_race_takes_what_the_winner_made(self, aws):
        """Two runs that both found nothing end with one resource."""
        client = aws.clients.personalize
        found = iter([None, "arn:winner"])
        client.create_schema(name="s", schema=ITEMS.avro())
        arn = resources.create_or_get(
            lambda: next(found),
            lambda: client.create_schema(name="s", schema=ITEMS.avro())["schemaArn"],
        )
        assert arn == "arn:winner"


class TestImports:
    def test_same_content_is_imported_once(self, aws, ground):
        """The same hash starts no second job, even on another day."""
        uri = put_csv(aws, "x.csv", a_thousand())
        first = start(aws, ground, uri)
        again = start(aws, ground, uri, run_date="2026-03-05")
        assert (first.started, again.started) == (True, False)
        assert again.arn == first.arn

    def test_job_is_called_by_date_and_hash(self, aws, ground):
        """The name says which run and which content."""
        job = start(aws, ground, put_csv(aws, "x.csv", a_thousand()), sha256="ab" * 32)
        assert job.arn.endswith("/musicrec-interactions-2026-03-02-abababab")

    def test_content_that_came_back_is_imported_again(self, aws, ground):
        """After A and B, A is news: a FULL import had replaced it."""
        uri = put_csv(aws, "x.csv", a_thousand())
        for digit in "ab":
            imports.wait(aws.clients, start(aws, ground, uri, sha256=digit * 64).arn)
        third = start(aws, ground, uri, sha256="a" * 64)
        assert third.started
        assert third.arn.endswith("-aaaaaaaa-2")

    def test_failed_import_is_tried_again_under_another_name(self, aws, ground):
        """Jobs are never deleted, so the repetition gets a number."""
        uri = put_csv(aws, "x.csv", ["u,i,no time,play,"] * 1000)
        failed = start(aws, ground, uri)
        with pytest.raises(ResourceFailedError, match="TIMESTAMP"):
            imports.wait(aws.clients, failed.arn)
        put_csv(aws, "x.csv", a_thousand())
        again = start(aws, ground, uri)
        assert again.arn == f"{failed.arn}-2"
        assert imports.wait(aws.clients, again.arn)["status"] == "ACTIVE"

    def test_too_long_a_name_is_named(self, aws, ground):
        """A stack whose name leaves no room gets a clear error before the call."""
        with pytest.raises(ImportNameError, match="shorter name"):
            start(aws, ground, "s3://b/x.csv", run_date="2026-03-02" + "x" * 40)


@pytest.mark.slow
class TestSolutions:
    def test_automatic_training_is_off(self, aws, solution):
        """Nothing trains, and bills, by itself."""
        described = aws.clients.personalize.describe_solution(solutionArn=solution)["solution"]
        assert described["performAutoTraining"] is False

    def test_skips_are_left_out_of_training(self, aws, solution):
        """Plays and completions are listed with their weights, skips are not."""
        described = aws.clients.personalize.describe_solution(solutionArn=solution)["solution"]
        listed = described["solutionConfig"]["eventsConfig"]["eventParametersList"]
        assert {row["eventType"]: row["weight"] for row in listed} == {"play": 0.3, "complete": 1.0}

    def test_another_recipe_under_the_same_name_is_refused(self, aws, imported, solution):
        """A solution cannot change its recipe, so the mismatch is said."""
        with pytest.raises(ResourceMismatchError, match="aws-popularity-count"):
            solutions.ensure(aws.clients, imported, SOLUTION, "aws-popularity-count")
        assert solution

    def test_training_twice_takes_the_same_version(self, aws, solution, version):
        """Without a new import there is nothing to learn, and nothing is billed."""
        assert solutions.train(aws.clients, solution) == version
        assert creations(aws).count("CreateSolutionVersion") == 1

    def test_new_import_calls_for_a_new_version(self, aws, imported, solution, version):
        """Data that came after the training began is trained on."""
        uri = put_csv(aws, "x.csv", a_thousand())
        imports.wait(aws.clients, start(aws, imported, uri).arn)
        assert solutions.train(aws.clients, solution) != version

    def test_retraining_can_be_demanded(self, aws, solution, version):
        """With `retrain` a version is trained whatever there is."""
        assert solutions.train(aws.clients, solution, retrain=True) != version

    def test_metrics_come_by_name(self, aws, version):
        """The service's own names and values between 0 and 1."""
        found = solutions.metrics(aws.clients, version)
        assert list(found) == sorted(found)
        assert 0 <= found["normalized_discounted_cumulative_gain_at_10"] <= 1


@pytest.mark.slow
class TestCampaigns:
    def test_answers_and_is_published(self, aws, version):
        """Recommendations can be asked of the published ARN."""
        arn = campaigns.ensure(aws.clients, DEPLOYMENT, version)
        assert aws.parameter("campaign_arn") == arn
        answer = aws.clients.personalize_runtime.get_recommendations(
            campaignArn=arn, userId="user-001"
        )
        assert answer["itemList"]

    def test_moves_to_another_version(self, aws, solution, version):
        """The campaign stays, its version changes; a third call changes nothing."""
        arn = campaigns.ensure(aws.clients, DEPLOYMENT, version)
        newer = solutions.train(aws.clients, solution, retrain=True)
        assert campaigns.ensure(aws.clients, DEPLOYMENT, newer) == arn
        described = aws.clients.personalize.describe_campaign(campaignArn=arn)["campaign"]
        assert described["solutionVersionArn"] == newer
        campaigns.ensure(aws.clients, DEPLOYMENT, newer)
        assert aws.calls.count("UpdateCampaign") == 1

    def test_arm_of_a_comparison_is_not_published(self, aws, version):
        """Only the campaign called as the stack is what listeners are served from."""
        campaigns.ensure(aws.clients, DEPLOYMENT, version, name="musicrec-arm-b")
        assert aws.parameter("campaign_arn") is None


class TestFilters:
    def test_is_made_once_and_published(self, aws, ground):
        """A second run finds the filter that the first made."""
        arn = filters.ensure_no_skips(aws.clients, DEPLOYMENT, ground)
        assert filters.ensure_no_skips(aws.clients, DEPLOYMENT, ground) == arn
        assert aws.parameter("filter_arn") == arn
        assert creations(aws).count("CreateFilter") == 1

    def test_the_filter_of_what_requests_choose_is_published(self, aws, ground):
        """The recommendations API finds it beside the fixed one."""
        arn = filters.ensure_on_request(aws.clients, DEPLOYMENT, ground)
        assert filters.ensure_on_request(aws.clients, DEPLOYMENT, ground) == arn
        assert aws.parameter("on_request_filter_arn") == arn
        assert aws.parameter("filter_arn") is None

    def test_other_expression_under_the_same_name_is_refused(self, aws, ground):
        """Filters cannot change, so a silent difference would mislead."""
        filters.ensure_no_skips(aws.clients, DEPLOYMENT, ground)
        other = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("play")'
        with pytest.raises(ResourceMismatchError, match="musicrec-no-skips"):
            filters.ensure(aws.clients, ground, "musicrec-no-skips", other)


@pytest.mark.slow
class TestExports:
    def count(self, aws, ground, mode="ALL", second=0):
        """What Personalize holds."""
        return exports.count_interactions(
            aws.clients,
            DEPLOYMENT,
            ground,
            now=datetime(2026, 3, 2, 12, 0, second, tzinfo=UTC),
            ingestion_mode=mode,
        )

    def test_streamed_copies_of_imported_events_count_once(self, aws, imported):
        """The same event in bulk and by the stream is one interaction."""
        before = self.count(aws, imported)
        for event in listening(users=1):
            if event.event_type.value in ("play", "complete", "skip"):
                aws.clients.personalize_events.put_events(
                    trackingId=imported.tracking_id,
                    userId=event.user_id,
                    sessionId=event.session_id,
                    eventList=[interaction(event)],
                )
        assert self.count(aws, imported, second=1) == before
        assert self.count(aws, imported, "PUT", second=2).users == 1

    def test_of_nothing_is_zero(self, aws, ground):
        """An empty dataset counts as empty."""
        assert self.count(aws, ground).rows == 0


@pytest.mark.slow
class TestTeardown:
    def test_plan_is_in_the_order_that_the_service_wants(self, aws, imported, version):
        """Campaign, solution, tracker, filter, datasets, group, schemas, parameters."""
        campaigns.ensure(aws.clients, DEPLOYMENT, version)
        filters.ensure_no_skips(aws.clients, DEPLOYMENT, imported)
        kinds = [step.kind for step in teardown.plan(aws.clients, DEPLOYMENT)]
        assert list(dict.fromkeys(kinds)) == [
            "campaign",
            "solution",
            "event tracker",
            "filter",
            "dataset",
            "dataset group",
            "schema",
            "parameter",
        ]
        assert kinds.count("parameter") == 3

    def test_dry_run_deletes_nothing(self, aws, ground):
        """The default only says what would go."""
        steps = teardown.plan(aws.clients, DEPLOYMENT)
        assert teardown.execute(aws.clients, steps) == []
        assert foundation.load(aws.clients, DEPLOYMENT) == ground

    def test_leaves_nothing_of_the_stack_and_everything_of_others(self, aws, imported, version):
        """All of the stack goes, a schema of somebody else stays, and a second plan is empty."""
        campaigns.ensure(aws.clients, DEPLOYMENT, version)
        filters.ensure_no_skips(aws.clients, DEPLOYMENT, imported)
        aws.clients.personalize.create_schema(name="theirs", schema=ITEMS.avro())
        named = [key for key in teardown.PARAMETERS if aws.parameter(key)]
        steps = teardown.plan(aws.clients, DEPLOYMENT)
        assert teardown.execute(aws.clients, steps, dry_run=False) == steps
        assert teardown.plan(aws.clients, DEPLOYMENT) == []
        assert {aws.parameter(key) for key in named} == {UNSET}
        left = aws.clients.personalize.list_schemas()["schemas"]
        assert [schema["name"] for schema in left] == ["theirs"]

    def test_what_has_gone_meanwhile_is_no_error(self, aws, ground):
        """A plan that was carried out half can be carried out again."""
        steps = teardown.plan(aws.clients, DEPLOYMENT)
        tracker = next(step for step in steps if step.kind == "event tracker")
        aws.clients.personalize.delete_event_tracker(eventTrackerArn=ground.event_tracker_arn)
        done = teardown.execute(aws.clients, steps, dry_run=False)
        assert tracker not in done
        assert len(done) == len(steps) - 1

    def test_nothing_is_deleted_while_something_is_being_made(self, aws, ground):
        """A resource in the making blocks the whole plan, before anything is gone."""
        steps = teardown.plan(aws.clients, DEPLOYMENT)
        making = Step(kind="campaign", name="c", arn="arn", status="CREATE IN_PROGRESS")
        with pytest.raises(TeardownBlockedError, match="campaign c is CREATE IN_PROGRESS"):
            teardown.execute(aws.clients, [*steps, making], dry_run=False)
        assert foundation.load(aws.clients, DEPLOYMENT) == ground

    def test_other_errors_of_the_service_are_not_hidden(self, aws, ground):
        """A refusal to delete reaches whoever asked."""
        group = Step(kind="dataset group", name="musicrec", arn=ground.dataset_group_arn)
        with pytest.raises(ClientError, match="ResourceInUse"):
            teardown.execute(aws.clients, [group], dry_run=False)
