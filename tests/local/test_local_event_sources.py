"""Event source mappings against the running server: what is stored in moto comes alive."""

import json
import time

import pytest
from local_helpers import make_function, make_stream, put, put_all

from musicrec.local.server import EmbeddedAws

pytestmark = pytest.mark.slow

NOTE = """
import base64, json, os
def lambda_handler(event, context):
    plays = [json.loads(base64.b64decode(r["kinesis"]["data"])) for r in event["Records"]]
    with open(os.environ["OUT"], "a") as file:
        file.write(json.dumps(plays) + "\\n")
    %s
"""
SUCCEED = NOTE % "return None"
RAISE_ON_BAD = NOTE % "assert 'bad' not in plays"
REPORT_BAD = (
    NOTE
    % """return {"batchItemFailures": [
        {"itemIdentifier": r["kinesis"]["sequenceNumber"]}
        for r, play in zip(event["Records"], plays) if play == "bad"
    ]}"""
)


@pytest.fixture(scope="module")
def server():
    with EmbeddedAws() as server:
        yield server


class World:
    """One stream, one function that notes its batches, and a mapping between them."""

    def __init__(self, server, name, out):
        self.server, self.aws, self.name, self.out = server, server.aws, name, out
        self.stream_arn = make_stream(self.aws, name)

    def map(self, code, **settings):
        """Make the function and the mapping; returns the mapping's id."""
        self.function(code)
        settings = {"StartingPosition": "TRIM_HORIZON", **settings}
        answer = self.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=self.stream_arn, FunctionName=self.name, **settings
        )
        return answer["UUID"]

    def function(self, code):
        """Make the function alone."""
        make_function(self.aws, self.name, code, Environment={"Variables": {"OUT": str(self.out)}})

    def put(self, *documents):
        """Put documents on the stream."""
        put(self.aws, self.name, documents)

    def batches(self):
        """Drain, and return the batches that the function saw."""
        self.server.drain(30)
        return self.noted()

    def noted(self):
        """The batches that the function has seen so far."""
        if not self.out.exists():
            return []
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def queue(self):
        """Make a queue; returns its ARN and a function that reads its messages."""
        sqs = self.aws.client("sqs")
        url = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]

        def read():
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            return [json.loads(message["Body"]) for message in messages]

        return arn["QueueArn"], read


@pytest.fixture
def world(server, request, tmp_path):
    name = request.node.name.removeprefix("test_")[:60]
    world = World(server, name, tmp_path / "batches")
    yield world
    api = server.aws.client("lambda")
    for mapping in api.list_event_source_mappings()["EventSourceMappings"]:
        api.delete_event_source_mapping(UUID=mapping["UUID"])


class TestDelivery:
    def test_records_arrive_in_order_and_once(self, world):
        """Everything on a shard reaches the function, in order, in batches of the asked size."""
        world.put(*range(25))
        world.map(SUCCEED, BatchSize=10)
        batches = world.batches()
        assert [n for batch in batches for n in batch] == list(range(25))
        assert max(map(len, batches)) == 10

    def test_put_wakes_the_worker(self, world):
        """A record is delivered soon after it was put, without a drain."""
        world.map(SUCCEED)
        world.batches()
        world.put("now")
        deadline = time.monotonic() + 3
        while not world.noted():
            assert time.monotonic() < deadline, "the worker slept on"

    def test_latest_skips_what_was_there(self, world):
        """A mapping that starts at LATEST sees only what is put after it was made."""
        world.put("old")
        world.map(SUCCEED, StartingPosition="LATEST")
        world.put("new")
        assert world.batches() == [["new"]]

    def test_window_gathers_a_batch(self, world):
        """Records put within the batching window make one batch; a drain does not wait for it."""
        world.map(SUCCEED, MaximumBatchingWindowInSeconds=300)
        for n in range(5):
            world.put(n)
        started = time.monotonic()
        assert world.batches() == [[0, 1, 2, 3, 4]]
        assert time.monotonic() - started < 20

    def test_event_is_lambdas(self, world):
        """The function sees Lambda's Kinesis event, role, ARN, shard and all."""
        code = (
            "import json, os\ndef lambda_handler(event, context):\n"
            "    open(os.environ['OUT'], 'a').write(json.dumps(event['Records']) + '\\n')"
        )
        world.map(code)
        world.put("x")
        ((record,),) = world.batches()
        assert record["eventSourceARN"] == world.stream_arn
        assert record["eventName"] == "aws:kinesis:record"
        assert record["invokeIdentityArn"].endswith(":role/tests")
        number = record["kinesis"]["sequenceNumber"]
        assert record["eventID"] == f"shardId-000000000000:{number}"
        assert abs(record["kinesis"]["approximateArrivalTimestamp"] - time.time()) < 60

    def test_all_shards_are_read(self, server, tmp_path):
        """A mapping reads every shard of its stream."""
        aws = server.aws
        world = World(server, "wide", tmp_path / "batches")
        aws.client("kinesis").delete_stream(StreamName="wide")
        world.stream_arn = make_stream(aws, "wide", shards=4)
        world.map(SUCCEED)
        records = [{"Data": json.dumps(n), "PartitionKey": f"user-{n}"} for n in range(200)]
        aws.client("kinesis").put_records(StreamName="wide", Records=records)
        batches = world.batches()
        assert sorted(n for batch in batches for n in batch) == list(range(200))
        assert len(batches) >= 4
        aws.client("kinesis").delete_stream(StreamName="wide")


class TestFailure:
    def test_partial_failure_redelivers_from_the_failure_on(self, world):
        """The reported record and all behind it come again; what came before does not."""
        arn, read = world.queue()
        world.put("a", "b", "bad", "d")
        world.map(
            REPORT_BAD,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )
        assert world.batches() == [["a", "b", "bad", "d"], ["bad", "d"]]
        (document,) = read()
        assert document["KinesisBatchInfo"]["startSequenceNumber"] == "3"
        assert document["KinesisBatchInfo"]["batchSize"] == 2

    def test_bisect_loses_the_bad_record_alone(self, world):
        """Halving finds the bad record; its place goes to the queue and the rest is processed."""
        arn, read = world.queue()
        world.put("a", "b", "bad", "d")
        world.map(
            RAISE_ON_BAD,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )
        assert world.batches() == [["a", "b", "bad", "d"], ["a", "b"], ["bad", "d"], ["bad"], ["d"]]
        (document,) = read()
        info = document["KinesisBatchInfo"]
        assert (info["startSequenceNumber"], info["endSequenceNumber"]) == ("3", "3")
        assert info["shardId"] == "shardId-000000000000"
        assert info["streamArn"] == world.stream_arn
        assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert document["responseContext"]["functionError"] == "Unhandled"

    def test_exhausted_retries_let_the_shard_go_on(self, world):
        """After its retries a bad batch is given up, and the next one is processed."""
        world.put("bad")
        world.map(RAISE_ON_BAD, MaximumRetryAttempts=2, BatchSize=1)
        world.put("good")
        assert world.batches() == [["bad"], ["bad"], ["bad"], ["good"]]

    def test_blocked_shard_does_not_drain(self, world):
        """A batch that fails for ever blocks its shard, and a drain says where."""
        world.put("bad")
        world.map(RAISE_ON_BAD)
        with pytest.raises(TimeoutError, match=r"blocked_shard.*shardId-000000000000"):
            world.server.drain(1.0)
        assert 2 <= len(world.noted()) <= 6


class TestLifecycle:
    def test_disabled_mapping_goes_on_where_it_was(self, world):
        """Disabling stops delivery, enabling resumes behind the last processed record."""
        api = world.aws.client("lambda")
        uuid = world.map(SUCCEED)
        world.put(1)
        world.batches()
        api.update_event_source_mapping(UUID=uuid, Enabled=False)
        world.put(2)
        assert world.batches() == [[1]]
        api.update_event_source_mapping(UUID=uuid, Enabled=True)
        assert world.batches() == [[1], [2]]

    def test_changed_settings_take_effect(self, world):
        """A new batch size is used from the next batch on, and nothing comes twice."""
        uuid = world.map(SUCCEED, BatchSize=100)
        world.put(1)
        world.batches()
        world.aws.client("lambda").update_event_source_mapping(UUID=uuid, BatchSize=2)
        world.put(2, 3, 4)
        assert world.batches() == [[1], [2, 3], [4]]

    def test_deleted_mapping_delivers_nothing(self, world):
        """After DeleteEventSourceMapping nothing is invoked any more."""
        uuid = world.map(SUCCEED)
        world.aws.client("lambda").delete_event_source_mapping(UUID=uuid)
        world.put(1)
        assert world.batches() == []

    def test_stream_that_is_made_again(self, world):
        """When its stream is deleted the worker ends; a new stream of that name is read anew."""
        kinesis = world.aws.client("kinesis")
        world.map(SUCCEED)
        world.put(1)
        world.batches()
        kinesis.delete_stream(StreamName=world.name)
        kinesis.create_stream(StreamName=world.name, ShardCount=1)
        world.put(2)
        assert world.batches()[-1] == [2]

    def test_moto_invokes_nothing_itself(self, world):
        """A put on a mapped stream succeeds although there is no Docker."""
        world.map(SUCCEED)
        answer = world.aws.client("kinesis").put_record(
            StreamName=world.name, Data=b'"one"', PartitionKey="k"
        )
        assert answer["SequenceNumber"] == "1"
        assert world.batches() == [["one"]]


class TestThroughput:
    def test_twenty_thousand_records_on_four_shards(self, server, tmp_path):
        """A burst is processed completely: every record is counted once, by two functions."""
        stream_arn = make_stream(server.aws, "burst", shards=4)
        api = server.aws.client("lambda")
        code = (
            "import os\ndef lambda_handler(event, context):\n"
            "    fd = os.open(os.environ['OUT'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
            "    os.write(fd, b'.' * len(event['Records']))\n    os.close(fd)"
        )
        for name in ("burst-a", "burst-b"):
            out = {"Variables": {"OUT": str(tmp_path / name)}}
            make_function(server.aws, name, code, Environment=out)
            api.create_event_source_mapping(
                EventSourceArn=stream_arn,
                FunctionName=name,
                StartingPosition="LATEST",
                BatchSize=500,
                MaximumBatchingWindowInSeconds=1,
            )
        for start in range(0, 20_000, 500):
            records = [
                {"Data": b"x" * 400, "PartitionKey": f"user-{n}"} for n in range(start, start + 500)
            ]
            put_all(server.aws, "burst", records)
        processed = server.drain(60)["event_sources"]
        assert (processed["burst-a"], processed["burst-b"]) == (20_000, 20_000)
        for name in ("burst-a", "burst-b"):
            assert (tmp_path / name).stat().st_size == 20_000
