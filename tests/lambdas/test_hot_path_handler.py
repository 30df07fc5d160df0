import base64
import json

import boto3
import pytest
from light_handlers import context, emf, load, metrics, shape
from moto import mock_aws

from musicrec import records
from musicrec.settings import MissingSettingError

PARAMETER = "/musicrec/tracking_id"


def of_listener(record, number):
    """The same play, of another listener."""
    event = json.loads(base64.b64decode(record["kinesis"]["data"]))
    told = json.dumps(event | {"user_id": f"listener {number}"}).encode()
    return record | {"kinesis": record["kinesis"] | {"data": base64.b64encode(told).decode()}}


@pytest.fixture
def handler(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "hot_path")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
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

    @pytest.mark.usefixtures("sent")
    def test_poison_that_comes_again_is_not_queued_again(self, handler):
        """An environment knows from one invocation to the next what it queued."""
        for _ in range(2):
            handler.lambda_handler(shape("kinesis_poison.json"), context("hot-path"))
        answer = boto3.client("sqs").get_queue_attributes(
            QueueUrl=handler.load_settings().poison_queue_url,
            AttributeNames=["ApproximateNumberOfMessages"],
        )
        batch = records.decode(shape("kinesis_poison.json"))
        assert answer["Attributes"]["ApproximateNumberOfMessages"] == str(len(batch.poison))

    def test_metrics_have_units_and_one_dimension(self, handler, sent, capsys):  # noqa: ARG002 # calls
        """The printed document is one that CloudWatch makes metrics of, by service alone."""
        handler.lambda_handler(shape("kinesis.json"), context("hot-path"))
        (printed,) = emf(capsys.readouterr().out)
        (directive,) = printed["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("musicrec", [["service"]])
        assert printed["service"] == "hot_path"
        units = {one["Name"]: one["Unit"] for one in directive["Metrics"]}
        assert units == {
            "BatchSize": "Count", "InteractionsSent": "Count", "InteractionsHeldBack": "Count",
            "PutEventsCalls": "Count", "EventsPerCall": "Count", "Poison": "Count",
            "HandedBack": "Count", "Lag": "Milliseconds",
        }  # fmt: skip
        assert printed["EventsPerCall"] == [4]

    def test_the_size_of_every_group_is_a_value(self, handler, sent, capsys):
        """However many calls a batch takes, the metric holds how many events stood in each."""
        event = shape("kinesis.json")
        first = event["Records"][0]
        event["Records"] = [of_listener(first, number) for number in range(150)]
        handler.lambda_handler(event, context("hot-path"))
        printed = emf(capsys.readouterr().out)
        values = [value for one in printed for value in one.get("EventsPerCall", ())]
        assert values == [1] * len(sent) == [1] * 150

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
