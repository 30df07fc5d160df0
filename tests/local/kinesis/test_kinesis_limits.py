"""What shards refuse because it is too much for a second."""

import pytest
from kinesis_world import ACCOUNT, FIRST, HASH_KEYS, Kinesis, RefusedError, shard_id

THROTTLED = "ProvisionedThroughputExceededException"
MESSAGE = f"Rate exceeded for shard {FIRST} in stream plays under account {ACCOUNT}."
KIB = 1024


@pytest.fixture
def kinesis():
    return Kinesis()


def failures(answer):
    """Which records of a PutRecords were refused."""
    return [n for n, record in enumerate(answer["Records"]) if "ErrorCode" in record]


class TestWriting:
    def test_a_shard_takes_a_thousand_records_a_second(self, kinesis):
        """The records beyond the thousandth fail one by one, with AWS's code and message."""
        answers = [kinesis.put(*[b"x"] * 400) for _ in range(3)]
        assert [answer["FailedRecordCount"] for answer in answers] == [0, 0, 200]
        assert failures(answers[2]) == list(range(200, 400))
        refused = answers[2]["Records"][-1]
        assert refused == {"ErrorCode": THROTTLED, "ErrorMessage": MESSAGE}
        assert len(kinesis.read()[0]) == 1_000

    def test_time_gives_room_again(self, kinesis):
        """Half a second after a full one there is room for half as much."""
        kinesis.put(*[b"x"] * 500)
        kinesis.put(*[b"x"] * 500)
        kinesis.now += 0.5
        assert kinesis.put(*[b"x"] * 500)["FailedRecordCount"] == 0
        assert kinesis.put(b"x")["FailedRecordCount"] == 1

    def test_idle_time_is_not_saved_up(self, kinesis):
        """After an hour of rest a shard takes no more than after a second."""
        kinesis.now += 3_600
        refused = sum(kinesis.put(*[b"x"] * 500)["FailedRecordCount"] for _ in range(3))
        assert refused == 500

    def test_a_shard_takes_a_mebibyte_a_second_keys_included(self, kinesis):
        """What does not fit fails, and what is small enough after it is taken."""
        key = "k" * 256
        answer = kinesis.call(
            "PutRecords",
            StreamName="plays",
            Records=[
                {"Data": b"x" * (1023 * KIB), "PartitionKey": key},
                {"Data": b"x" * (2 * KIB), "PartitionKey": key},
                {"Data": b"x" * 256, "PartitionKey": key},
                {"Data": b"x", "PartitionKey": key},
            ],
        )
        assert failures(answer) == [1, 3]
        assert kinesis.put(b"x" * KIB)["FailedRecordCount"] == 1

    def test_shards_are_limited_one_by_one(self):
        """A hot shard does not throttle its neighbour."""
        kinesis = Kinesis(shards=2)
        hot, cold = {"ExplicitHashKey": "0"}, {"ExplicitHashKey": str(HASH_KEYS - 1)}
        assert sum(kinesis.put(*[b"x"] * 500, **hot)["FailedRecordCount"] for _ in range(3)) == 500
        assert kinesis.put(*[b"x"] * 500, **cold)["FailedRecordCount"] == 0

    def test_put_record_raises(self, kinesis):
        """A single record that is too much is an error of the call."""
        kinesis.put(*[b"x"] * 500)
        kinesis.put(*[b"x"] * 500)
        with pytest.raises(RefusedError, match=THROTTLED) as refused:
            kinesis.call("PutRecord", StreamName="plays", PartitionKey="k", Data=b"x")
        assert (refused.value.status, refused.value.message) == (400, MESSAGE)

    def test_resharding_brings_capacity(self, kinesis):
        """The children of a hot shard take a thousand records a second each."""
        kinesis.put(*[b"x"] * 500)
        kinesis.put(*[b"x"] * 500)
        kinesis.split()
        for end in ("0", str(HASH_KEYS - 1)):
            assert kinesis.put(*[b"x"] * 500, ExplicitHashKey=end)["FailedRecordCount"] == 0


class TestSizes:
    def test_a_record_is_a_mebibyte_at_most(self, kinesis):
        """A larger record refuses the whole call, whose other records are not stored."""
        with pytest.raises(RefusedError, match=r"records.2.member.data.*1048576") as refused:
            kinesis.put(b"x", b"x" * KIB * KIB)
        assert refused.value.code == "ValidationException"
        assert kinesis.read()[0] == []

    def test_large_records_are_allowed_by_stream(self, kinesis):
        """A stream told to takes ten mebibytes, which uses up the shard's next seconds."""
        kinesis.call(
            "UpdateMaxRecordSize",
            StreamARN=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/plays",
            MaxRecordSizeInKiB=10_240,
        )
        assert kinesis.put(b"x" * (10 * KIB * KIB - 1))["FailedRecordCount"] == 0
        kinesis.now += 8.9
        assert kinesis.put(b"x")["FailedRecordCount"] == 1
        kinesis.now += 0.2
        assert kinesis.put(b"x")["FailedRecordCount"] == 0

    def test_a_call_holds_500_records_and_ten_mebibytes(self, kinesis):
        """Beyond either, nothing is stored."""
        with pytest.raises(RefusedError, match=r"'records'.*less than or equal to 500"):
            kinesis.put(*[b"x"] * 501)
        with pytest.raises(RefusedError, match="Records size exceeds 10 MB limit"):
            kinesis.put(*[b"x" * (KIB * KIB - 1)] * 11)
        assert kinesis.read()[0] == []


class TestReading:
    def read(self, kinesis, iterator):
        return kinesis.call("GetRecords", ShardIterator=iterator)

    def test_five_reads_a_second(self, kinesis):
        """The sixth read within a second is refused, whoever asks."""
        iterator = kinesis.iterator()
        for _ in range(5):
            self.read(kinesis, iterator)
        with pytest.raises(RefusedError, match=MESSAGE):
            self.read(kinesis, iterator)
        kinesis.now += 0.2
        self.read(kinesis, iterator)

    def test_a_large_read_is_waited_for(self, kinesis):
        """After ten mebibytes in one answer the shard gives nothing for five seconds."""
        for _ in range(10):
            kinesis.put(b"x" * (KIB * KIB - 1))
            kinesis.now += 1
        iterator = kinesis.iterator()
        assert len(self.read(kinesis, iterator)["Records"]) == 10
        kinesis.now += 4.9
        with pytest.raises(RefusedError, match=THROTTLED):
            self.read(kinesis, iterator)
        kinesis.now += 0.2
        self.read(kinesis, iterator)

    def test_dedicated_reads_leave_the_others_alone(self, kinesis):
        """The embedded Lambda and Firehose can read as often as they like."""
        iterator = kinesis.iterator()
        for _ in range(20):
            kinesis.call("GetRecords", ShardIterator=iterator, dedicated=True)
        self.read(kinesis, iterator)

    def test_five_iterators_a_second(self, kinesis):
        """GetShardIterator is limited too."""
        params = {"StreamName": "plays", "ShardId": FIRST, "ShardIteratorType": "LATEST"}
        for _ in range(5):
            kinesis.call("GetShardIterator", **params)
        with pytest.raises(RefusedError, match=THROTTLED):
            kinesis.call("GetShardIterator", **params)


class TestOnDemand:
    def test_begins_with_four_shards_and_their_limits(self):
        """An on-demand stream takes four times what a shard takes, and is not resharded by hand."""
        kinesis = Kinesis(shards=0)
        mode = {"StreamMode": "ON_DEMAND"}
        kinesis.call("CreateStream", StreamName="plays", StreamModeDetails=mode)
        assert list(kinesis.shards()) == [shard_id(number) for number in range(4)]
        with pytest.raises(RefusedError, match="in On-Demand mode") as refused:
            kinesis.split()
        assert refused.value.code == "ValidationException"
