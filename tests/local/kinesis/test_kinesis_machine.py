"""Any sequence of puts, reads, reshards and waiting, against a model that keeps everything."""

import base64
from hashlib import md5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kinesis_world import HASH_KEYS, HOUR, Kinesis

from musicrec.local.kinesis import log

pytestmark = pytest.mark.slow

RETENTION = 24 * HOUR
KEYS = st.sampled_from([f"user-{number}" for number in range(12)])
WAITS = st.sampled_from([0.0, 0.001, 1.0, HOUR, 7 * HOUR, 25 * HOUR])


def hashed(key):
    return int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)


class Row:
    """A record as the model keeps it."""

    def __init__(self, entry, key, data, at):
        self.shard_id, self.sequence = entry["ShardId"], int(entry["SequenceNumber"])
        self.key, self.data, self.at = key, data, at


class KinesisMachine(RuleBasedStateMachine):
    """The model is a list of all records that were accepted, with shard, number and time."""

    @initialize(shards=st.integers(1, 4))
    def begin(self, shards):
        """A stream with nothing on it, whose segments are so small that there are many."""
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(log, "SEGMENT_RECORDS", 5)
        self.kinesis = Kinesis(shards=shards)
        self.rows = []
        self.reshards = self.payloads = 0

    def teardown(self):
        """Give segments their size back."""
        self.patch.undo()

    @rule(keys=st.lists(KEYS, min_size=1, max_size=6))
    def put(self, keys):
        """Put records with several keys."""
        records = []
        for key in keys:
            self.payloads += 1
            records.append({"Data": b"%d" % self.payloads, "PartitionKey": key})
        answer = self.kinesis.call("PutRecords", StreamName="plays", Records=records)
        assert answer["FailedRecordCount"] == 0
        at = int(self.kinesis.now * 1000)
        for entry, record in zip(answer["Records"], records, strict=True):
            self.rows.append(Row(entry, record["PartitionKey"], record["Data"], at))

    @precondition(lambda self: self.reshards < 8)
    @rule(data=st.data())
    def split(self, data):
        """Split an open shard, in the middle or near its beginning."""
        shard = data.draw(st.sampled_from(self.open_shards()))
        first, last = self.range_of(shard)
        middle = data.draw(st.sampled_from([(first + last) // 2, first + 1 + (last - first) // 16]))
        self.kinesis.call("SplitShard", StreamName="plays", ShardToSplit=shard["ShardId"],
                          NewStartingHashKey=str(middle))  # fmt: skip
        self.reshards += 1

    @precondition(lambda self: self.reshards < 8 and len(self.open_shards()) > 1)
    @rule(data=st.data())
    def merge(self, data):
        """Merge two neighbours, named in either order."""
        shards = sorted(self.open_shards(), key=self.range_of)
        at = data.draw(st.integers(0, len(shards) - 2))
        pair = data.draw(st.permutations([shards[at]["ShardId"], shards[at + 1]["ShardId"]]))
        self.kinesis.merge(*pair)
        self.reshards += 1

    @rule(seconds=WAITS)
    def wait(self, seconds):
        """Let time pass, at times more than the retention."""
        self.kinesis.now += seconds

    @rule(data=st.data(), limit=st.integers(1, 5))
    def read(self, data, limit):
        """Read a shard from any position, page by page; it has what the model has there."""
        shard_id = data.draw(st.sampled_from(sorted(self.kinesis.shards())))
        rows = [row for row in self.living() if row.shard_id == shard_id]
        position, expected = data.draw(self.positions(shard_id, rows))
        iterator = self.kinesis.iterator(shard_id, **position)
        assert self.pages(iterator, limit) == [(row.sequence, row.data) for row in expected]

    def positions(self, shard_id, rows):
        """A position of every kind, and the rows that lie behind it."""
        places = [({"kind": "TRIM_HORIZON"}, rows), ({"kind": "LATEST"}, [])]
        for row in (row for row in self.rows if row.shard_id == shard_id):
            number = {"StartingSequenceNumber": str(row.sequence)}
            at = [each for each in rows if each.sequence >= row.sequence]
            after = [each for each in rows if each.sequence > row.sequence]
            places.append(({"kind": "AT_SEQUENCE_NUMBER", **number}, at))
            places.append(({"kind": "AFTER_SEQUENCE_NUMBER", **number}, after))
            since = [each for each in rows if each.at >= row.at]
            places.append(({"kind": "AT_TIMESTAMP", "Timestamp": row.at / 1000}, since))
        return st.sampled_from(places)

    def pages(self, iterator, limit=10_000):
        """Everything that an iterator leads to."""
        found = []
        while iterator is not None:
            answer = self.kinesis.call(
                "GetRecords", ShardIterator=iterator, Limit=limit, dedicated=True
            )
            records = answer["Records"]
            found += [(int(r["SequenceNumber"]), base64.b64decode(r["Data"])) for r in records]
            if not records:
                assert answer["MillisBehindLatest"] == 0
                break
            iterator = answer.get("NextShardIterator")
        return found

    def living(self):
        """The rows that the retention covers."""
        horizon = int(self.kinesis.now * 1000) - int(RETENTION * 1000)
        return [row for row in self.rows if row.at >= horizon]

    def open_shards(self):
        """As ListShards has them."""
        return list(self.kinesis.shards(ShardFilter={"Type": "AT_LATEST"}).values())

    @staticmethod
    def range_of(shard):
        """First and last hash key."""
        keys = shard["HashKeyRange"]
        return int(keys["StartingHashKey"]), int(keys["EndingHashKey"])

    @invariant()
    def nothing_is_lost_or_twice(self):
        """All shards together hold what the retention covers, each record once."""
        held = [
            row for each in self.kinesis.shards() for row in self.pages(self.kinesis.iterator(each))
        ]
        assert sorted(held) == sorted((row.sequence, row.data) for row in self.living())

    @invariant()
    def numbers_increase(self):
        """Of a shard, and of a key over all generations, the later record has the higher number."""
        sequences = [row.sequence for row in self.rows]
        assert sequences == sorted(set(sequences))

    @invariant()
    def open_shards_partition_the_hash_keys(self):
        """Every hash key belongs to one open shard, and a key's record goes to its own."""
        ranges = sorted(map(self.range_of, self.open_shards()))
        assert [first for first, _ in ranges] == [0, *(last + 1 for _, last in ranges[:-1])]
        assert ranges[-1][1] == HASH_KEYS - 1
        shards = self.kinesis.shards()
        for row in self.rows:
            if row.shard_id in shards:
                first, last = self.range_of(shards[row.shard_id])
                assert first <= hashed(row.key) <= last

    @invariant()
    def keys_keep_their_order_from_parents_to_children(self):
        """Read parents first, every key's records come in the order in which they were put."""
        read = []
        for shard_id in self.kinesis.shards():  # parents have lower ids than their children
            read += self.pages(self.kinesis.iterator(shard_id))
        order = {data: place for place, (_, data) in enumerate(read)}
        for key in {row.key for row in self.living()}:
            places = [order[row.data] for row in self.living() if row.key == key]
            assert places == sorted(places)

    @invariant()
    def memory_is_what_is_stored(self):
        """The account of bytes is never less than the payloads that are still there."""
        stream = self.kinesis.app._regions["us-east-1"].named("plays", int(self.kinesis.now * 1000))
        assert stream.nbytes >= sum(len(row.data) + len(row.key) for row in self.living())
        assert sum(len(shard.log) for shard in stream.shards.values()) == len(self.living())


TestKinesisMachine = KinesisMachine.TestCase
TestKinesisMachine.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
