"""Those who read streams for the embedded Lambda and Firehose: reshards, old iterators, retention."""

import base64
from itertools import count
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from kinesis_world import FIRST, HASH_KEYS, HOUR, Kinesis, RefusedError

from musicrec.local.firehose.reader import StreamReader
from musicrec.local.shard_reader import ShardReader

LOW, HIGH = "0", str(HASH_KEYS - 1)


class Client:
    """As much of boto3's client as the readers use."""

    class ExpiredIteratorException(ClientError):  # noqa: N818 - boto3's name
        """The iterator is too old."""

    def __init__(self, kinesis):
        self.kinesis = kinesis
        self.meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_, **__: None))
        self.exceptions = SimpleNamespace(
            ExpiredIteratorException=self.ExpiredIteratorException,
            ResourceNotFoundException=LookupError,
        )

    def get_shard_iterator(self, **params):
        """GetShardIterator."""
        return self.kinesis.call("GetShardIterator", dedicated=True, **params)

    def get_records(self, **params):
        """GetRecords, with data and times as boto3 has them."""
        try:
            answer = self.kinesis.call("GetRecords", dedicated=True, **params)
        except RefusedError as error:
            if error.code == "ExpiredIteratorException":
                told = {"Error": {"Code": error.code, "Message": error.message}}
                raise self.ExpiredIteratorException(told, "GetRecords") from error
            raise
        for record in answer["Records"]:
            record["Data"] = base64.b64decode(record["Data"])
            arrival = record["ApproximateArrivalTimestamp"]
            record["ApproximateArrivalTimestamp"] = SimpleNamespace(timestamp=lambda at=arrival: at)
        return answer

    def get_paginator(self, operation):
        """The pages of ListShards."""
        assert operation == "list_shards"
        return SimpleNamespace(paginate=lambda **p: [self.kinesis.call("ListShards", **p)])


@pytest.fixture
def kinesis():
    return Kinesis()


def shard_reader(kinesis, kind="TRIM_HORIZON", checkpoint=None):
    """A reader of the first shard."""
    return ShardReader(
        Client(kinesis),
        "plays",
        FIRST,
        start={"ShardIteratorType": kind},
        checkpoint=checkpoint,
        clock=lambda: kinesis.now,
    )


def numbers(records):
    return [int(record.sequence_number) for record in records]


class TestShardReader:
    def test_an_old_iterator_is_replaced(self, kinesis):
        """After more than five minutes reading goes on where it was."""
        kinesis.put(b"1", b"2")
        reader = shard_reader(kinesis)
        assert numbers(reader.read()) == [1, 2]
        kinesis.now += 600
        kinesis.put(b"3")
        assert numbers(reader.read()) == [3]

    def test_an_old_latest_iterator_skips_nothing(self, kinesis):
        """A reader that began at LATEST and slept reads all that came since it began."""
        kinesis.put(b"old")
        kinesis.now += 1
        reader = shard_reader(kinesis, "LATEST")
        kinesis.now += 200
        kinesis.put(b"new")
        kinesis.now += 200
        assert numbers(reader.read()) == [2]

    def test_ends_with_a_closed_shard(self, kinesis):
        """The reader has ended once everything on a closed shard was read."""
        kinesis.put(b"1")
        reader = shard_reader(kinesis)
        assert not reader.ended
        kinesis.split()
        assert numbers(reader.read()) == [1]
        assert reader.ended
        assert reader.read() == []

    def test_a_checkpoint_beyond_the_retention(self, kinesis):
        """Records that are gone are skipped; reading begins with the oldest there is."""
        kinesis.put(b"1", b"2")
        kinesis.now += 25 * HOUR
        kinesis.put(b"3")
        assert numbers(shard_reader(kinesis, checkpoint="1").read()) == [3]


class TestStreamReader:
    @pytest.fixture
    def reader(self, kinesis):
        return StreamReader(Client(kinesis), "plays")

    def read(self, reader):
        return [int(record.data) for records in reader.read_to_end() for record in records]

    def test_parents_before_children_in_one_pass(self, kinesis, reader):
        """What was written over three generations comes in the order of writing, in one pass."""
        written = count(1)
        for _ in range(3):
            kinesis.put(*[b"%d" % next(written) for _ in range(4)], ExplicitHashKey=LOW)
            last = max(kinesis.shards(ShardFilter={"Type": "AT_LATEST"}).values(),
                       key=lambda shard: -int(shard["HashKeyRange"]["StartingHashKey"]))  # fmt: skip
            kinesis.split(last["ShardId"])
        kinesis.put(b"13", ExplicitHashKey=LOW)
        assert self.read(reader) == list(range(1, 14))
        assert self.read(reader) == []

    def test_new_shards_are_found_and_old_ones_dropped(self, kinesis, reader):
        """Reading goes on over reshards between passes, and over the end of the retention."""
        kinesis.put(b"1")
        assert self.read(reader) == [1]
        kinesis.put(b"2")
        kinesis.split()
        kinesis.put(b"3", ExplicitHashKey=LOW)
        kinesis.put(b"4", ExplicitHashKey=HIGH)
        assert self.read(reader) == [2, 3, 4]
        kinesis.now += 25 * HOUR
        kinesis.put(b"5", ExplicitHashKey=LOW)
        assert self.read(reader) == [5]
