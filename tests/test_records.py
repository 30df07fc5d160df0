import base64
import json
from pathlib import Path
from random import Random

import boto3
import msgspec
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from musicrec import records
from musicrec.records import MAX_POISON_DATA, SQS_BYTES, Poison, PoisonQueue
from musicrec.retry import Retries

EVENTS = Path(__file__).parent / "events"
CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


def load(name):
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


def poison(number=0, data=b"x", reason="broken", field="$", partition_key="p"):
    return Poison(
        reason=reason,
        field=field,
        data=data,
        sequence_number=str(number),
        shard_id="shardId-000000000000",
        partition_key=partition_key,
    )


class Time:
    """What an invocation has left."""

    def __init__(self, remaining_ms=60_000.0):
        self.remaining_ms = remaining_ms

    def wait(self, seconds):
        self.remaining_ms -= seconds * 1000

    def retries(self):
        return Retries(remaining_ms=lambda: self.remaining_ms, wait=self.wait, random=Random(3))


def failing(*places, senders=False):
    """An answer of SendMessageBatch in which these entries failed."""
    failed = [{"Id": one, "SenderFault": senders, "Code": "InternalError"} for one in places]
    return {"Successful": [], "Failed": failed}


def entries(count):
    """What the stubber wants of a request: so many messages, whatever they say."""
    many = [{"Id": str(place), "MessageBody": ANY} for place in range(count)]
    return {"QueueUrl": "https://q", "Entries": many}


class TestDecode:
    def test_records_keep_their_place_and_order(self):
        """Each event comes with its sequence number, shard and arrival time, as UTF-8."""
        event = load("kinesis.json")
        batch = records.decode(event)
        assert not batch.poison
        assert [record.sequence_number for record in batch.records] == [
            raw["kinesis"]["sequenceNumber"] for raw in event["Records"]
        ]
        first, third = batch.records[0], batch.records[2]
        assert first.shard_id == "shardId-000000000002"
        assert first.arrived_at == 1_772_366_400_250
        assert first.event.user_id == "björk.guðmundsdóttir"
        assert third.event.track.artists == ["宇多田ヒカル"]

    def test_poison_is_set_apart_with_its_reason(self):
        """What cannot be read is named and does not keep the rest from being read."""
        batch = records.decode(load("kinesis_poison.json"))
        assert [record.event.event_type for record in batch.records] == ["complete"]
        assert [one.field for one in batch.poison] == [
            "$", "$", "$.event_type", "$.user_id", "$",
        ]  # fmt: skip
        assert "not JSON" in batch.poison[0].reason
        assert "UTF-8" in batch.poison[1].reason
        assert "listen" in batch.poison[2].reason
        assert "base64" in batch.poison[4].reason
        assert batch.poison[1].data == b"\xff\xfe\x00"

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[[[[[",
            b"[" * 1_000_000,
            b'{"event_id":1,"x":' + b"[" * 100_000,
            b'{"track":' + b"[" * 3000 + b"]" * 3000 + b"}",
            b'{"event_id": 5, \xff',
            b'{"event_id": 5, "user',
            b'{"event_id": 5, "occurred_at": 1e400}',
            b'{"listened_ms":' + b"9" * 100_000 + b"}",
            b'{"user_id":"\\ud800"}',
        ],
        ids=range(10),
    )
    def test_no_data_stop_a_batch(self, data):
        """Torn, deep, endless or out of range: it is poison, and what stands after it is read."""
        event = load("kinesis.json")
        broken = event["Records"][0]["kinesis"]
        broken["data"] = base64.b64encode(data).decode()
        batch = records.decode(event)
        assert [one.data for one in batch.poison] == [data]
        assert len(batch.records) == len(event["Records"]) - 1

    @given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
    def test_whatever_the_data_a_record_is_an_event_or_poison(self, data):
        """No bytes make decoding fail, after a beginning that looks like an event either."""
        event = load("kinesis.json")
        for record, start in zip(
            event["Records"], (b"", b"{", b'{"event_id": 5, ', b"["), strict=True
        ):
            record["kinesis"]["data"] = base64.b64encode(start + data).decode()
        batch = records.decode(event)
        assert len(batch.poison) + len(batch.records) == 4

    def test_lag_is_of_the_oldest_record(self):
        """Lag counts from the arrival of the oldest record; an empty batch has none."""
        batch = records.decode(load("kinesis.json"))
        assert batch.lag_ms(1_772_366_405_000) == 4_750
        assert records.decode({"Records": []}).lag_ms(1) == 0


def test_failures_are_named_once_in_stream_order():
    """The response names each failed record, the lowest sequence number first."""
    assert records.response(["10", "9", "10"]) == {
        "batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "10"}]
    }


class TestPoisonQueue:
    @pytest.fixture
    def sqs(self):
        with mock_aws():
            yield boto3.client("sqs", **CREDENTIALS)

    @pytest.fixture
    def url(self, sqs):
        return sqs.create_queue(QueueName="poison")["QueueUrl"]

    def queued(self, sqs, url):
        bodies = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in messages]
        return sorted(bodies, key=lambda body: int(body["sequence_number"]))

    def test_each_record_arrives_with_its_reason_and_data(self, sqs, url):
        """More records than a call takes arrive one message each, data unharmed."""
        sent = [poison(n, b"\xff%d" % n, reason=f"bad \x00 {n} ☠") for n in range(23)]
        assert PoisonQueue(sqs, url, "hot_path").send(sent, Time().retries()) == []
        bodies = self.queued(sqs, url)
        assert [base64.b64decode(body["data"]) for body in bodies] == [one.data for one in sent]
        assert [body["reason"] for body in bodies] == [one.reason for one in sent]
        assert bodies[0] | {"data": "", "reason": ""} == {
            "reason": "",
            "field": "$",
            "sequence_number": "0",
            "shard_id": "shardId-000000000000",
            "partition_key": "p",
            "consumer": "hot_path",
            "data": "",
            "size": 2,
            "truncated": False,
        }

    def test_what_is_too_large_is_cut_and_says_so(self, sqs, url):
        """Records of a megabyte fit into messages and into calls."""
        sent = [poison(n, b"\x00" * 1_000_000, reason="☠" * 100_000) for n in range(3)]
        assert PoisonQueue(sqs, url, "hot_path").send(sent, Time().retries()) == []
        bodies = self.queued(sqs, url)
        assert len(bodies) == 3
        for body in bodies:
            assert len(json.dumps(body)) <= SQS_BYTES
            assert body["truncated"]
            assert body["size"] == 1_000_000
            assert len(base64.b64decode(body["data"])) == MAX_POISON_DATA

    def test_a_message_fits_however_long_reason_and_names_are(self, sqs, url):
        """Reason, field and partition key of any characters leave the message within its limit."""
        long = "😀" * 2000
        one = poison(0, b"x" * 1_000_000, reason=long, field=long, partition_key="😀" * 256)
        assert PoisonQueue(sqs, url, "hot_path").send([one], Time().retries()) == []
        (body,) = self.queued(sqs, url)
        assert len(json.dumps(body)) <= SQS_BYTES
        assert body["truncated"]
        assert len(base64.b64decode(body["data"])) > 150_000

    def test_what_comes_again_is_not_queued_again(self, sqs, url):
        """A batch that is handed back for another record's sake brings its poison along each time."""
        queue = PoisonQueue(sqs, url, "hot_path")
        first = [poison(number) for number in range(12)]
        assert queue.send(first, Time().retries()) == []
        assert queue.send([*first, poison(12)], Time().retries()) == []
        assert [body["sequence_number"] for body in self.queued(sqs, url)] == [
            str(number) for number in range(13)
        ]

    def test_the_same_place_of_another_shard_is_another_record(self, sqs, url):
        """Sequence numbers are unique within a shard only."""
        queue = PoisonQueue(sqs, url, "hot_path")
        assert queue.send([poison(1)], Time().retries()) == []
        other = msgspec.structs.replace(poison(1), shard_id="shardId-000000000001")
        assert queue.send([other], Time().retries()) == []
        assert len(self.queued(sqs, url)) == 2

    def test_what_it_knows_is_bounded(self, sqs, url, monkeypatch):
        """The oldest places are forgotten first."""
        monkeypatch.setattr(records, "REMEMBERED", 3)
        queue = PoisonQueue(sqs, url, "hot_path")
        for number in (0, 1, 2, 3, 3, 2, 1, 0):
            assert queue.send([poison(number)], Time().retries()) == []
        assert [body["sequence_number"] for body in self.queued(sqs, url)] == [
            "0",
            "0",
            "1",
            "2",
            "3",
        ]

    @pytest.fixture
    def stubbed(self):
        sqs = boto3.client("sqs", **CREDENTIALS)
        with Stubber(sqs) as stubber:
            yield stubber, PoisonQueue(sqs, "https://q", "c")
            stubber.assert_no_pending_responses()

    def test_entries_that_fail_for_now_are_offered_again(self, stubbed):
        """Of a call that partly fails through SQS's own fault, the failed records alone go again."""
        stubber, queue = stubbed
        stubber.add_response("send_message_batch", failing("1"), entries(2))
        stubber.add_response("send_message_batch", failing(), entries(1))
        assert queue.send([poison(7), poison(8)], Time().retries()) == []

    def test_entries_that_fail_for_good_are_returned(self, stubbed):
        """Records that the queue will not take come back without another call."""
        stubber, queue = stubbed
        stubber.add_response("send_message_batch", failing("1", senders=True))
        unsent = queue.send([poison(7), poison(8)], Time().retries())
        assert [one.sequence_number for one in unsent] == ["8"]
        stubber.add_response("send_message_batch", failing(), entries(1))
        assert queue.send([poison(7), poison(8)], Time().retries()) == []

    def test_a_refused_call_returns_all_of_it(self, stubbed):
        """When the queue refuses, every record comes back and nothing more is asked of it."""
        stubber, queue = stubbed
        stubber.add_client_error("send_message_batch", "AccessDenied", http_status_code=403)
        sent = [poison(number) for number in range(12)]
        assert queue.send(sent, Time().retries()) == sent

    def test_a_queue_that_is_down_takes_no_more_than_three_calls(self, stubbed):
        """Throttling is waited for, but not for as long as the batch has time."""
        stubber, queue = stubbed
        for _ in range(3):
            stubber.add_client_error("send_message_batch", "ThrottlingException")
        time = Time()
        assert len(queue.send([poison(7)], time.retries())) == 1
        assert 0 < 60_000 - time.remaining_ms < 1_000

    def test_without_time_nothing_is_called(self, stubbed):
        """An invocation about to end hands its poison back."""
        _, queue = stubbed
        assert len(queue.send([poison(7)], Time(1_000).retries())) == 1
