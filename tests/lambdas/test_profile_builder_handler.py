import json

import boto3
import pytest
from light_handlers import context, emf, load, metrics, shape
from moto import mock_aws

from musicrec import catalog, events, records
from musicrec.catalog import Track
from musicrec.catalog_cache import CatalogMissingError
from musicrec.processor.profiles import ProfileStore

LISTENER = "björk.guðmundsdóttir"


@pytest.fixture
def handler(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "profile_builder")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
    monkeypatch.setenv("PROFILE_TABLE", "profiles")
    monkeypatch.setenv("CATALOG_URI", "s3://bucket/catalog/catalog.sqlite")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="poison")["QueueUrl"]
        monkeypatch.setenv("POISON_QUEUE_URL", url)
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("dynamodb").create_table(
            TableName="profiles",
            KeySchema=[
                {"AttributeName": "user_id", "KeyType": "HASH"},
                {"AttributeName": "part", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user_id", "AttributeType": "S"},
                {"AttributeName": "part", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield load("profile_builder")


@pytest.fixture
def _catalog(handler, tmp_path):  # noqa: ARG001 # AWS must be there first
    path = tmp_path / "built.sqlite"
    track = Track(
        track_id="7ouMYWpwJ422jRcDASZB7P",
        name="初恋",
        artists=("宇多田ヒカル",),
        genres=("j-pop",),
        features={"tempo": 96.0},
    )
    catalog.write([track], path)
    boto3.client("s3").upload_file(str(path), "bucket", "catalog/catalog.sqlite")


def profile():
    return ProfileStore(boto3.client("dynamodb"), "profiles").get(LISTENER)


@pytest.mark.usefixtures("_catalog")
class TestBatch:
    def test_events_enter_the_profile_with_their_tracks(self, handler, capsys):
        """After a batch the listener's profile holds every event and the known tracks' features."""
        answer = handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
        assert answer == {"batchItemFailures": []}
        made = profile()
        assert made.events == {"play": 2, "skip": 1, "complete": 1}
        assert made.favourite_genres() == [("j-pop", 1.0)]
        assert made.audio["tempo"].mean == 96.0
        printed = metrics(capsys.readouterr().out)
        assert (printed["EventsApplied"], printed["ProfileWrites"]) == (4, 1)

    def test_metrics_have_units(self, handler, capsys):
        """Lag is a time, everything else a count."""
        handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
        (printed,) = emf(capsys.readouterr().out)
        (directive,) = printed["_aws"]["CloudWatchMetrics"]
        units = {one["Name"]: one["Unit"] for one in directive["Metrics"]}
        assert units == {
            "BatchSize": "Count", "EventsApplied": "Count", "Duplicates": "Count",
            "ProfileWrites": "Count", "WriteConflicts": "Count", "Poison": "Count",
            "HandedBack": "Count", "Lag": "Milliseconds",
        }  # fmt: skip

    def test_events_of_an_unreadable_profile_are_poison(self, handler, capsys):
        """A profile that nobody can read does not block the shard: its events are queued."""
        item = {"user_id": {"S": LISTENER}, "part": {"S": "profile"}, "state": {"B": b"?"}}
        boto3.client("dynamodb").put_item(TableName="profiles", Item=item)
        answer = handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
        assert answer == {"batchItemFailures": []}
        assert metrics(capsys.readouterr().out)["Poison"] == 4
        queued = boto3.client("sqs").receive_message(
            QueueUrl=handler.load_settings().poison_queue_url
        )
        assert "rebuild" in json.loads(queued["Messages"][0]["Body"])["reason"]

    def test_a_redelivered_batch_changes_nothing(self, handler):
        """The same batch again leaves the same profile."""
        handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
        before = profile()
        handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
        assert profile() == before

    def test_poison_does_not_stop_the_batch(self, handler, capsys):
        """Unreadable records are queued; the readable one enters its profile."""
        answer = handler.lambda_handler(shape("kinesis_poison.json"), context("profile-builder"))
        assert answer == {"batchItemFailures": []}
        assert profile().event_count == 1
        assert metrics(capsys.readouterr().out)["Poison"] == 5

    def test_failures_are_handed_back_by_sequence_number(self, handler):
        """Without time to write, every record is named in the answer, copies too."""
        event = shape("kinesis.json")
        late = context("profile-builder")
        late.get_remaining_time_in_millis = lambda: 10
        answer = handler.lambda_handler(event, late)
        assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == [
            raw["kinesis"]["sequenceNumber"] for raw in event["Records"]
        ]


def test_without_a_catalogue_the_batch_fails(handler):
    """Events folded without features would differ from a rebuild: the batch is left for later."""
    with pytest.raises(CatalogMissingError, match="s3://bucket"):
        handler.lambda_handler(shape("kinesis.json"), context("profile-builder"))
    assert profile() is None


def test_the_recorded_shapes_hold_events_of_today():
    """The recorded Kinesis shape holds events that the current definition accepts."""
    for record in records.decode(shape("kinesis.json")).records:
        assert events.decode(events.encode(record.event)) == record.event
