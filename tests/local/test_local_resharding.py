"""Event source mappings over reshards: every record once, each key's records in order."""

import json
import threading
import time
from collections import defaultdict

import boto3
import pytest
from botocore.config import Config
from local_helpers import make_function, make_stream

from musicrec.local.server import EmbeddedAws

pytestmark = pytest.mark.slow

# One write a batch: batches of several shards are noted at once.
NOTE = """
import base64, json, os
def lambda_handler(event, context):
    seen = [[r["kinesis"]["partitionKey"], int(base64.b64decode(r["kinesis"]["data"]))]
            for r in event["Records"]]
    file = os.open(os.environ["OUT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, json.dumps(seen).encode() + b"\\n")
    os.close(file)
"""
KEYS = [f"user-{number}" for number in range(20)]


@pytest.fixture(scope="module")
def server():
    with EmbeddedAws() as server:
        yield server


class World:
    """A stream, writers that count for each key, and a function that notes what it sees."""

    def __init__(self, server, name, out, shards=2):
        self.server, self.name, self.out = server, name, out
        self.kinesis = server.aws.client("kinesis")
        self.stream_arn = make_stream(server.aws, name, shards)
        environment = {"Variables": {"OUT": str(out)}}
        self.function = make_function(server.aws, name, NOTE, Environment=environment)
        self.written = defaultdict(int)

    def map(self, position="TRIM_HORIZON", **settings):
        """Map the stream to the function."""
        self.server.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=self.stream_arn,
            FunctionName=self.name,
            StartingPosition=position,
            **settings,
        )

    def write(self, rounds=1):
        """Put the next number of every key, so many times; each key by itself keeps its order."""
        for _ in range(rounds):
            records = []
            for key in KEYS:
                self.written[key] += 1
                records.append({"PartitionKey": key, "Data": str(self.written[key])})
            answer = self.kinesis.put_records(StreamName=self.name, Records=records)
            assert answer["FailedRecordCount"] == 0

    def open_shards(self):
        """The shards that take records, by hash key."""
        latest = {"Type": "AT_LATEST"}
        shards = self.kinesis.list_shards(StreamName=self.name, ShardFilter=latest)["Shards"]
        return sorted(shards, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def split(self, shard):
        """Split a shard in the middle."""
        first, last = map(int, shard["HashKeyRange"].values())
        self.kinesis.split_shard(
            StreamName=self.name,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((first + last) // 2 + 1),
        )

    def merge(self, shard, adjacent):
        """Merge two shards."""
        self.kinesis.merge_shards(
            StreamName=self.name,
            ShardToMerge=shard["ShardId"],
            AdjacentShardToMerge=adjacent["ShardId"],
        )

    def count(self, target):
        """Change the number of shards."""
        self.kinesis.update_shard_count(
            StreamName=self.name, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
        )

    def seen(self):
        """What the function saw of each key, in its order, once all is processed."""
        self.server.drain(60)
        return self.noted()

    def noted(self):
        """What the function has seen so far."""
        seen = defaultdict(list)
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        for line in lines:
            for key, number in json.loads(line):
                seen[key].append(number)
        return seen

    def expected(self, first=1):
        """Every number of every key from the first on."""
        return {key: list(range(first, last + 1)) for key, last in self.written.items()}

    def workers(self):
        """The shards that are being worked on, by the names of the threads."""
        prefix = f"{self.name}-shardId-"
        names = (thread.name for thread in threading.enumerate())
        return {name.removeprefix(f"{self.name}-") for name in names if name.startswith(prefix)}


@pytest.fixture
def world(server, request, tmp_path):
    name = request.node.name.removeprefix("test_")[:60]
    world = World(server, name, tmp_path / "seen")
    yield world
    api = server.aws.client("lambda")
    for mapping in api.list_event_source_mappings()["EventSourceMappings"]:
        api.delete_event_source_mapping(UUID=mapping["UUID"])


class TestWhileWriting:
    def test_split_merge_and_count(self, world):
        """Records that are written while the stream is reshaped arrive once and in order."""
        world.map(BatchSize=30)
        stopping = threading.Event()

        def write():
            while not stopping.is_set():
                world.write()
                stopping.wait(0.02)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            world.split(world.open_shards()[0])
            world.split(world.open_shards()[2])
            world.merge(*world.open_shards()[1:3])
            world.count(6)
            world.count(3)
        finally:
            stopping.set()
            writer.join()
        world.write()
        assert world.seen() == world.expected()
        assert world.workers() == {shard["ShardId"] for shard in world.open_shards()}

    def test_children_begin_soon(self, world):
        """Records of a child are delivered soon after a reshard, without a drain."""
        world.map()
        world.seen()
        world.split(world.open_shards()[0])
        world.write()
        deadline = time.monotonic() + 3
        while world.noted() != world.expected():
            assert time.monotonic() < deadline, "the parent's worker slept on"


class TestBacklog:
    def test_parents_are_finished_first(self, world):
        """A backlog over three generations is processed in the order of its keys."""
        for _ in range(3):
            world.write(10)
            world.split(world.open_shards()[0])
            world.merge(*world.open_shards()[-2:])
        world.write(10)
        world.map(BatchSize=50, ParallelizationFactor=1)
        assert world.seen() == world.expected()

    def test_a_failing_parent_holds_its_children(self, world):
        """While the function fails on a parent's records, nothing of its children is processed."""
        api = world.server.aws.client("lambda")
        api.put_function_concurrency(FunctionName=world.name, ReservedConcurrentExecutions=0)
        world.map()
        world.write(5)
        for shard in world.open_shards():
            world.split(shard)
        world.write(5)
        with pytest.raises(TimeoutError):
            world.server.drain(1)
        assert world.workers() == {"shardId-000000000000", "shardId-000000000001"}
        api.delete_function_concurrency(FunctionName=world.name)
        assert world.seen() == world.expected()


class TestStartingPositions:
    def test_latest_reads_children_from_their_beginning(self, world):
        """A mapping at LATEST skips what was there, but nothing of shards that come later."""
        world.write(3)
        world.split(world.open_shards()[0])
        world.map("LATEST")
        world.write(2)
        world.count(5)
        world.write(2)
        assert world.seen() == world.expected(first=4)

    def test_a_stream_made_anew_begins_anew(self, world):
        """Nothing of a deleted stream's shards is taken for those of the next of its name."""
        world.map()
        world.write()
        world.split(world.open_shards()[0])
        world.seen()
        world.kinesis.delete_stream(StreamName=world.name)
        make_stream(world.server.aws, world.name, 2)
        world.write()
        assert world.seen() == world.expected()


class TestReaders:
    def test_a_reader_s_iterator_leads_to_the_children(self, world):
        """A client that follows AWS's rules reads everything: parent, its end, its children."""
        world.write(4)
        first = world.open_shards()[0]["ShardId"]
        world.split(world.open_shards()[0])
        world.write(4)
        found, waiting = [], [first]
        while waiting:
            shard_id = waiting.pop()
            iterator = self.iterator(world, shard_id)
            while iterator is not None:
                answer = world.kinesis.get_records(ShardIterator=iterator)
                found += [(r["PartitionKey"], int(r["Data"])) for r in answer["Records"]]
                waiting += [child["ShardId"] for child in answer.get("ChildShards", [])]
                iterator = answer.get("NextShardIterator") if answer["Records"] else None
        keys = {key for key, _ in found}
        assert sorted(found) == [(key, n) for key in sorted(keys) for n in range(1, 9)]

    def test_lambda_s_reads_leave_five_a_second_to_others(self, world):
        """A client beside a busy mapping has a shard's reads for itself, and no more than those."""
        world.map(BatchSize=10)
        world.write(20)
        world.seen()
        aws = world.server.aws
        client = boto3.client(
            "kinesis",
            endpoint_url=aws.endpoint_url,
            region_name=aws.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        iterator = self.iterator(world, "shardId-000000000000")

        def read(times):
            return [client.get_records(ShardIterator=iterator)["Records"] for _ in range(times)]

        assert all(read(5))
        with pytest.raises(client.exceptions.ProvisionedThroughputExceededException):
            read(200)

    def iterator(self, world, shard_id):
        """From a shard's beginning."""
        return world.kinesis.get_shard_iterator(
            StreamName=world.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
