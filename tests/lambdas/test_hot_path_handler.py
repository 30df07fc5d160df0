import json

import boto3
import pytest
from light_handlers import context, load, metrics, shape
from moto import mock_aws

from musicrec.settings import MissingSettingError

PARAMETER = "/musicrec/tracking_id"


@pytest.fixture
def handler(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "hot_path")
    monkeypatch.setenv("TRACKING_ID_PARAMETER", PARAMETER)
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="poison")["QueueUrl"]
        monkeypatch.setenv("POISON_QUEUE_URL", url)
        yield load("hot_path")


@pytest.fixture
def sent(handler, monkeypatch):
    """Calls of PutEvents; moto lacks the service."""
    calls = []

    class Personalize:
        def put_events(self, **call):
            calls.append(call)

    real = handler.client

    def client(service, **options):
        return Personalize() if service == "personalize-events" else real(service, **options)

    monkeypatch.setattr(handler, "client", client)
    return calls


@pytest.fixture
def _tracker(handler):  # noqa: ARG001 # AWS must be there first
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="tracker-1", Type="String")


@pytest.mark.usefixtures("_tracker")
class TestBatch:
    def test_interactions_reach_personalize(self, handler, sent, capsys):
        """A batch of one session is one call with the events' own ids and times."""
        answer = handler.lambda_handler(shape("kinesis.json"), context("hot-path"))
        assert answer == {"batchItemFailures": []}
        (call,) = sent
        assert call["trackingId"] == "tracker-1"
        assert [one["sentAt"].timestamp() for one in call["eventList"]] == [
            1772366399, 1772366401, 1772366402, 1772366686,
        ]  # fmt: skip
        assert [one["eventType"] for one in call["eventList"]] == [
            "play", "skip", "play", "complete",
        ]  # fmt: skip
        printed = metrics(capsys.readouterr().out)
        assert printed["PutEventsCalls"] == 1
        assert printed["BatchSize"] == printed["InteractionsSent"] == 4
        assert printed["Lag"] > 0

    def test_poison_does_not_stop_the_batch(self, handler, sent, capsys):
        """Unreadable records go to the queue with the function's name; the good one is sent."""
        answer = handler.lambda_handler(shape("kinesis_poison.json"), context("hot-path"))
        assert answer == {"batchItemFailures": []}
        assert len(sent) == 1
        queued = boto3.client("sqs").receive_message(
            QueueUrl=handler.load_settings().poison_queue_url, MaxNumberOfMessages=10
        )["Messages"]
        bodies = [json.loads(message["Body"]) for message in queued]
        assert {body["consumer"] for body in bodies} == {"hot_path"}
        assert len(bodies) == metrics(capsys.readouterr().out)["Poison"] == 5

    def test_failures_are_handed_back_by_sequence_number(self, handler, sent):
        """What Personalize does not take now is named in the answer."""
        event = shape("kinesis.json")
        late = context("hot-path")
        late.get_remaining_time_in_millis = lambda: 10
        answer = handler.lambda_handler(event, late)
        assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == [
            raw["kinesis"]["sequenceNumber"] for raw in event["Records"]
        ]
        assert sent == []


class TestNoTracker:
    def test_the_batch_succeeds_and_says_so(self, handler, sent, capsys, caplog):
        """Before there is a tracker nothing is sent, nothing fails, and it can be seen."""
        answer = handler.lambda_handler(shape("kinesis.json"), context("hot-path"))
        assert answer == {"batchItemFailures": []}
        assert sent == []
        assert metrics(capsys.readouterr().out)["InteractionsHeldBack"] == 4
        assert "no event tracker yet" in caplog.text


def test_a_missing_variable_is_named(handler, monkeypatch):
    """Without its settings the function fails at once and says which is missing."""
    monkeypatch.delenv("POISON_QUEUE_URL")
    with pytest.raises(MissingSettingError, match="POISON_QUEUE_URL"):
        handler.lambda_handler(shape("kinesis.json"), context("hot-path"))
