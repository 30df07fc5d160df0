"""Putting, reading by every kind of iterator, and what time takes away."""

import base64

import pytest
from kinesis_world import ACCOUNT, BEGINNING, FIRST, HASH_KEYS, HOUR, Kinesis, RefusedError

from musicrec.local.kinesis import log


@pytest.fixture
def kinesis():
    return Kinesis()


@pytest.mark.usefixtures("numbers")
class TestIterators:
    @pytest.fixture
    def numbers(self, kinesis):
        """The sequence numbers of three records, a second apart."""
        found = []
        for data in (b"a", b"b", b"c"):
            found.append(kinesis.put(data)["Records"][0]["SequenceNumber"])
            kinesis.now += 1
        return found

    def test_trim_horizon_and_latest(self, kinesis):
        """The one begins with the oldest record, the other with the next to come."""
        latest = kinesis.iterator(kind="LATEST")
        kinesis.put(b"d")
        assert kinesis.read()[0] == [b"a", b"b", b"c", b"d"]
        answer = kinesis.call("GetRecords", ShardIterator=latest)
        assert [base64.b64decode(record["Data"]) for record in answer["Records"]] == [b"d"]

    def test_by_sequence_number(self, kinesis, numbers):
        """AT begins with the record, AFTER with the one behind it."""
        at = kinesis.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
        after = kinesis.read(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
        assert (at[0], after[0]) == ([b"b", b"c"], [b"c"])

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [
            (-9, b"abc"),
            (0, b"abc"),
            (0.5, b"bc"),
            (1, b"bc"),
            (2, b"c"),
            (2.0004, b"c"),
            (2.001, b""),
            (99, b""),
        ],
    )
    def test_by_time(self, kinesis, seconds, expected):
        """AT_TIMESTAMP begins with the first record that came then or later."""
        data, _ = kinesis.read(kind="AT_TIMESTAMP", Timestamp=BEGINNING + seconds)
        assert b"".join(data) == expected

    @pytest.mark.parametrize("number", ["4", "99"])
    def test_a_number_of_another_stream_is_refused(self, kinesis, number):
        """A sequence number that the shard never gave out is no position."""
        with pytest.raises(RefusedError, match="did not come from this stream"):
            kinesis.iterator(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)

    @pytest.mark.parametrize("kind", ["AT_SEQUENCE_NUMBER", "AT_TIMESTAMP"])
    def test_what_the_type_needs_must_be_there(self, kinesis, kind):
        """A position by number or time needs the number or time."""
        with pytest.raises(RefusedError, match=f"when ShardIteratorType is {kind}"):
            kinesis.iterator(kind=kind)

    def test_iterators_expire(self, kinesis):
        """Five minutes after it was given an iterator is refused, with both times."""
        iterator = kinesis.iterator()
        kinesis.now += 300
        kinesis.call("GetRecords", ShardIterator=iterator)
        kinesis.now += 1
        with pytest.raises(RefusedError, match="tolerated delay of 300000 milliseconds") as refused:
            kinesis.call("GetRecords", ShardIterator=iterator)
        assert refused.value.code == "ExpiredIteratorException"
        assert "at time Sun Jun 15 15:06:43 UTC 2025 while" in refused.value.message

    @pytest.mark.parametrize("text", ["nonsense", "bm9uc2Vuc2U=", "äöü"])
    def test_nonsense_is_no_iterator(self, kinesis, text):
        """Whatever a client sends as an iterator is refused, not tripped over."""
        with pytest.raises(RefusedError, match="Invalid ShardIterator"):
            kinesis.call("GetRecords", ShardIterator=text)


class TestAnswers:
    def test_a_record_as_it_comes_back(self, kinesis):
        """Data, key, number and the time of arrival in milliseconds."""
        kinesis.now += 0.1234
        kinesis.put(b"\x00data", key="björk")
        (record,) = kinesis.read()[1]["Records"]
        assert record == {
            "Data": base64.b64encode(b"\x00data").decode(),
            "PartitionKey": "björk",
            "SequenceNumber": "1",
            "ApproximateArrivalTimestamp": BEGINNING + 0.123,
        }

    def test_how_far_behind_a_reader_is(self, kinesis):
        """The age of the next record to read; zero at the tip."""
        kinesis.put(b"a", b"b")
        kinesis.now += 2.5
        assert kinesis.read(limit=1)[1]["MillisBehindLatest"] == 2_500
        assert kinesis.read()[1]["MillisBehindLatest"] == 0

    def test_a_hash_key_decides_before_the_partition_key(self):
        """ExplicitHashKey names the shard; beyond 2^128 - 1 it refuses the whole call."""
        kinesis = Kinesis(shards=2)
        put = [kinesis.put(b"x", ExplicitHashKey=str(key)) for key in (0, HASH_KEYS - 1)]
        assert [answer["Records"][0]["ShardId"][-1] for answer in put] == ["0", "1"]
        with pytest.raises(RefusedError, match="Invalid ExplicitHashKey"):
            kinesis.put(b"x", ExplicitHashKey=str(HASH_KEYS))


class TestRetention:
    def test_records_go_after_a_day(self, kinesis):
        """What is older than the retention is gone, to every kind of iterator."""
        number = kinesis.put(b"old")["Records"][0]["SequenceNumber"]
        kinesis.now += HOUR
        kinesis.put(b"new")
        kinesis.now += 23 * HOUR + 1
        by_number = kinesis.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)
        by_time = kinesis.read(kind="AT_TIMESTAMP", Timestamp=BEGINNING)
        assert kinesis.read()[0] == by_number[0] == by_time[0] == [b"new"]

    def test_a_longer_retention_brings_nothing_back(self, kinesis):
        """What had gone when the retention was raised stays gone; the rest stays longer."""
        kinesis.put(b"old")
        kinesis.now += 24 * HOUR + 1
        kinesis.put(b"new")
        kinesis.call("IncreaseStreamRetentionPeriod", StreamName="plays", RetentionPeriodHours=48)
        kinesis.now += 30 * HOUR
        assert kinesis.read()[0] == [b"new"]

    def test_a_shorter_retention_takes_at_once(self, kinesis):
        """Lowering the retention forgets what it no longer covers."""
        kinesis.call("IncreaseStreamRetentionPeriod", StreamName="plays", RetentionPeriodHours=48)
        kinesis.put(b"old")
        kinesis.now += 30 * HOUR
        assert kinesis.read()[0] == [b"old"]
        kinesis.call("DecreaseStreamRetentionPeriod", StreamName="plays", RetentionPeriodHours=24)
        kinesis.call("IncreaseStreamRetentionPeriod", StreamName="plays", RetentionPeriodHours=48)
        assert kinesis.read()[0] == []

    def test_memory_is_bounded_by_the_retention(self, kinesis, monkeypatch):
        """A stream that is written for ten days holds no more than one day and a segment."""
        monkeypatch.setattr(log, "SEGMENT_RECORDS", 100)
        stream = kinesis.app._regions["us-east-1"].named("plays", 0)
        largest = 0
        for _ in range(10 * 24):
            kinesis.put(*[b"x" * 200] * 10)
            kinesis.now += HOUR
            largest = max(largest, stream.nbytes)
        assert largest <= 35 * 10 * 230


class TestRequests:
    @pytest.mark.parametrize(
        ("operation", "params", "code", "words"),
        [
            ("PutRecord", {"StreamName": "plays", "PartitionKey": "k"}, "ValidationException",
             "Value null at 'data' failed to satisfy constraint: Member must not be null"),
            ("PutRecord", {"StreamName": "plays", "PartitionKey": "", "Data": b""},
             "ValidationException", "'partitionKey'.*greater than or equal to 1"),
            ("PutRecord", {"StreamName": "pl ys", "PartitionKey": "k", "Data": b""},
             "ValidationException", r"Value 'pl ys' at 'streamName'.*\[a-zA-Z0-9_.-\]\+"),
            ("PutRecord", {"StreamName": 7, "PartitionKey": "k", "Data": b""},
             "SerializationException", "'streamName' must be a string, not int"),
            ("PutRecord", {"StreamName": "plays", "PartitionKey": "k", "Data": "?"},
             "SerializationException", "not base64"),
            ("GetRecords", {"ShardIterator": "x", "Limit": 10_001}, "ValidationException",
             "'limit'.*less than or equal to 10000"),
            ("GetShardIterator", {"StreamName": "plays", "ShardId": FIRST,
             "ShardIteratorType": "OLDEST"}, "ValidationException", "'OLDEST'.*enum value set"),
            ("PutRecords", {"StreamName": "plays", "Records": []}, "ValidationException",
             "'records'.*greater than or equal to 1"),
            ("DescribeStream", {"StreamName": "nobody"}, "ResourceNotFoundException",
             f"Stream nobody under account {ACCOUNT} not found."),
            ("DescribeStream", {}, "InvalidArgumentException", "StreamName or a StreamARN"),
            ("SubscribeToShard", {}, "UnknownOperationException", "SubscribeToShard"),
        ],
    )  # fmt: skip
    def test_faults_have_their_names(self, kinesis, operation, params, code, words):
        """A request outside the service model is refused with AWS's code and the member."""
        with pytest.raises(RefusedError, match=words) as refused:
            kinesis.call(operation, **params)
        assert (refused.value.status, refused.value.code) == (400, code)

    def test_a_body_that_is_not_json(self, kinesis):
        """Broken JSON is the client's fault."""
        status, answer = kinesis.post("Kinesis_20131202.ListStreams", b"{")
        assert (status, answer["__type"]) == (400, "SerializationException")
