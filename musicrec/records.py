"""From what Lambda hands over to listening events, and what becomes of records that hold none.

A record that cannot be read never will be: retrying it would block its shard. Such poison goes to
a queue with its reason, and the batch goes on.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec import events
from musicrec.events import InvalidEventError, ListeningEvent
from musicrec.retry import Retries, is_retryable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SQS_BATCH: Final = 10
"""SendMessageBatch takes 10 messages."""

SQS_BYTES: Final = 262_144
"""A message, and all of a batch together, of 256 KiB passes on every queue's default setting."""

MAX_POISON_DATA: Final = 180_000
"""Raw bytes kept of a poison record, fewer beside a long reason: base64 makes a third more of them."""

MAX_REASON: Final = 1000
"""Characters kept of a reason and of a field, which may quote the data."""

QUEUE_ATTEMPTS: Final = 3
"""Calls made for the same poison, so that a queue that is down does not eat the batch's time."""

REMEMBERED: Final = 10_000
"""Places of queued records that are known, twenty batches of nothing else: under 3 MB."""


class Record(Struct, frozen=True, kw_only=True):
    """A Kinesis record that holds a listening event.

    Attributes:
        event: the event.
        data: the record's bytes as they came.
        sequence_number: its place in the shard, by which Lambda wants failures named.
        shard_id: where it came from.
        partition_key: what Kinesis chose the shard by.
        arrived_at: when Kinesis took it, epoch milliseconds.
    """

    event: ListeningEvent
    data: bytes
    sequence_number: str
    shard_id: str
    partition_key: str
    arrived_at: int


class Poison(Struct, frozen=True, kw_only=True):
    """A Kinesis record that no retry will make better.

    Attributes:
        reason: what is wrong with it.
        field: JSON path of the offending field, `$` for the whole.
        data: the record's bytes as they came.
        sequence_number: its place in the shard.
        shard_id: where it came from.
        partition_key: what Kinesis chose the shard by.
    """

    reason: str
    field: str
    data: bytes
    sequence_number: str
    shard_id: str
    partition_key: str

    @classmethod
    def of(cls, record: Record, reason: str, field: str = "$") -> Poison:
        """A readable record that a service refuses for good."""
        return cls(
            reason=reason,
            field=field,
            data=record.data,
            sequence_number=record.sequence_number,
            shard_id=record.shard_id,
            partition_key=record.partition_key,
        )


class Batch(Struct, frozen=True, kw_only=True):
    """One invocation's records, both kinds in the order of the stream."""

    records: tuple[Record, ...]
    poison: tuple[Poison, ...]

    def lag_ms(self, now_ms: int) -> int:
        """Age of the oldest readable record on the stream, in milliseconds; 0 without any."""
        return max((now_ms - record.arrived_at for record in self.records), default=0)


class PoisonQueue:
    """The queue that poison goes to; kept between invocations.

    A record comes again with its batch for as long as another one of the batch fails, e.g. while
    Personalize throttles. What was queued is not queued again, or it would take the time that the
    others need; another environment, which does not know of it, queues a copy.

    Args:
        sqs: client.
        url: of the queue.
        consumer: name of the function that met the poison.
    """

    def __init__(self, sqs: SQSClient, url: str, consumer: str) -> None:
        self._sqs, self._url, self._consumer = sqs, url, consumer
        self._queued: dict[tuple[str, str], None] = {}

    def send(self, poison: Iterable[Poison], retries: Retries) -> list[Poison]:
        """Queue every record with its reason.

        Args:
            poison: the records.
            retries: how to wait for a queue that takes nothing for the moment, and until when.

        Returns:
            The records that could not be queued; they must be handed back to the stream.
        """
        new = [record for record in poison if _place(record) not in self._queued]
        unsent: list[Poison] = []
        for batch in _batches(_message(record, self._consumer) for record in new):
            left = batch if unsent else self._send(batch, retries)
            unsent += [message.poison for message in left]
        self._remember(without(new, unsent))
        return unsent

    def _remember(self, queued: Iterable[Poison]) -> None:
        self._queued |= dict.fromkeys(map(_place, queued))
        for oldest in list(islice(self._queued, max(0, len(self._queued) - REMEMBERED))):
            del self._queued[oldest]

    def _send(self, batch: Sequence[_Message], retries: Retries) -> Sequence[_Message]:
        """Offer messages until the queue has them all or another try is no use."""
        for attempt in range(1, QUEUE_ATTEMPTS + 1):
            if not retries.has_time():
                break
            batch, may_help = self._offer(batch)
            if not may_help or attempt == QUEUE_ATTEMPTS or not retries.pause(attempt):
                break
        return batch

    def _offer(self, batch: Sequence[_Message]) -> tuple[Sequence[_Message], bool]:
        """The messages that the queue does not take, and whether it may take them later."""
        entries = [
            {"Id": str(place), "MessageBody": message.body} for place, message in enumerate(batch)
        ]
        try:
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type] # the stub wants its own TypedDict
        except (BotoCoreError, ClientError) as error:
            return batch, is_retryable(error)
        failed = answer.get("Failed", ())
        left = [batch[int(failure["Id"])] for failure in failed]
        return left, any(not failure["SenderFault"] for failure in failed)


class _Message(Struct, frozen=True):
    poison: Poison
    body: str


def decode(event: Mapping[str, Any]) -> Batch:
    """Read the records of a Lambda event from a Kinesis event source mapping."""
    records: list[Record] = []
    poison: list[Poison] = []
    for raw in event["Records"]:
        outcome = _read(raw)
        if isinstance(outcome, Record):
            records.append(outcome)
        else:
            poison.append(outcome)
    return Batch(records=tuple(records), poison=tuple(poison))


def without(poison: Iterable[Poison], left_out: Iterable[Poison]) -> tuple[Poison, ...]:
    """Poison of a batch less some of it, e.g. what could not be queued."""
    places = {one.sequence_number for one in left_out}
    return tuple(one for one in poison if one.sequence_number not in places)


def response(sequence_numbers: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """The answer that hands records back to the stream (ReportBatchItemFailures).

    Lambda takes the lowest sequence number as a checkpoint: that record and all after it come
    again, those that succeeded among them too.
    """
    ordered = sorted(set(sequence_numbers), key=int)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in ordered]}


def _read(raw: Mapping[str, Any]) -> Record | Poison:
    kinesis = raw["kinesis"]
    text: str = kinesis["data"]
    origin = {
        "sequence_number": kinesis["sequenceNumber"],
        "shard_id": raw["eventID"].split(":", 1)[0],
        "partition_key": kinesis["partitionKey"],
    }
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        return Poison(reason=f"not base64 ({error})", field="$", data=text.encode(), **origin)
    try:
        event = events.decode(data)
    except InvalidEventError as error:
        return Poison(reason=str(error), field=error.field, data=data, **origin)
    arrived_at = round(kinesis["approximateArrivalTimestamp"] * 1000)
    return Record(event=event, data=data, arrived_at=arrived_at, **origin)


def _place(record: Poison) -> tuple[str, str]:
    return record.shard_id, record.sequence_number


def _message(poison: Poison, consumer: str) -> _Message:
    frame = _body(poison, consumer, b"")
    room = (SQS_BYTES - len(frame)) // 4 * 3
    return _Message(poison, _body(poison, consumer, poison.data[: min(room, MAX_POISON_DATA)]))


def _body(poison: Poison, consumer: str, kept: bytes) -> str:
    # ASCII only: SQS refuses some characters that a reason may quote from the data.
    return json.dumps(
        {
            "reason": poison.reason[:MAX_REASON],
            "field": poison.field[:MAX_REASON],
            "sequence_number": poison.sequence_number,
            "shard_id": poison.shard_id,
            "partition_key": poison.partition_key,
            "consumer": consumer,
            "data": base64.b64encode(kept).decode(),
            "size": len(poison.data),
            "truncated": len(kept) < len(poison.data),
        }
    )


def _batches(messages: Iterable[_Message]) -> Iterator[list[_Message]]:
    """As many messages at a time as one call takes, by number and by bytes."""
    batch: list[_Message] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == SQS_BATCH or size + len(message.body) > SQS_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.body)
    if batch:
        yield batch
