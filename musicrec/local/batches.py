"""One batch of Kinesis records on its way through a function: event, answer, retries, giving up.

The rules are those of Lambda's event source mappings: a failed batch is retried whole unless the
function says where it failed, or the mapping asks for halves; retries, once used up, discard what
is left of the batch and tell the on-failure destination.
"""

from __future__ import annotations

import base64
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from musicrec.local.parts import FunctionNotRunnableError, InvokeResult

if TYPE_CHECKING:
    from musicrec.local.mappings import Mapping
    from musicrec.local.parts import Invoke

BACKOFF_S: Final = (0.25, 10.0)
"""First and longest wait between two tries of a batch; doubled from one to the other."""

ATTEMPTS_EXHAUSTED: Final = "RetryAttemptsExhausted"
AGE_EXCEEDED: Final = "RecordAgeExceeded"

_log = logging.getLogger(__name__)


class Record(Struct, frozen=True):
    """One record of a shard.

    Attributes:
        sequence_number: its place in the shard.
        partition_key: what chose the shard.
        data: its content.
        arrived_at: when Kinesis took it, epoch seconds.
    """

    sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: float


class Discarded(Struct, frozen=True):
    """Records that were given up, and why."""

    records: Sequence[Record]
    condition: str
    invocations: int
    last: InvokeResult | None


class StoppedError(Exception):
    """The mapping was stopped while a batch waited for its next try."""


class _Answer(Struct):
    """The part of a function's answer that Lambda reads from partial-batch functions."""

    class Failure(Struct):
        """One record that the function could not process."""

        itemIdentifier: str  # noqa: N815 - Lambda's name

    batchItemFailures: list[Failure] | None = None  # noqa: N815 - Lambda's name


def kinesis_event(mapping: Mapping, shard_id: str, records: Sequence[Record]) -> bytes:
    """The event that Lambda invokes a function with for Kinesis records."""
    return msgspec.json.encode(
        {"Records": [_event_record(mapping, shard_id, record) for record in records]}
    )


def _event_record(mapping: Mapping, shard_id: str, record: Record) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": record.sequence_number,
            "data": base64.b64encode(record.data).decode(),
            "approximateArrivalTimestamp": record.arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record.sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": mapping.role_arn,
        "awsRegion": mapping.region,
        "eventSourceARN": mapping.stream_arn,
    }


def first_failure(records: Sequence[Record], payload: bytes) -> int | None:
    """Where a partial-batch answer says that the batch failed: an index, None for nowhere.

    A malformed answer, an empty identifier or one that is not of the batch fails all of it, as
    Lambda has it; several failures count from the lowest sequence number.
    """
    try:
        answer = msgspec.json.decode(payload, type=_Answer | None)
    except msgspec.DecodeError:
        return 0
    if answer is None or not answer.batchItemFailures:
        return None
    places = {record.sequence_number: index for index, record in enumerate(records)}
    named = [places.get(failure.itemIdentifier, 0) for failure in answer.batchItemFailures]
    return min(named)


class BatchRunner:
    """Takes the batches of one shard through a mapping's function, one after the other.

    Args:
        mapping: the settings.
        shard_id: the shard, as the event names it.
        invoke: runs the function.
        discard: told about records that are given up.
        wait: waits a number of seconds; returns True when the mapping was stopped meanwhile.
        clock: the time in epoch seconds, for the age of records.
    """

    def __init__(
        self,
        *,
        mapping: Mapping,
        shard_id: str,
        invoke: Invoke,
        discard: Callable[[Discarded], None],
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._mapping = mapping
        self._shard_id = shard_id
        self._invoke = invoke
        self._discard = discard
        self._wait = wait
        self._clock = clock

    def run(self, records: Sequence[Record], processed: Callable[[int], None]) -> None:
        """Process records in order until each has succeeded or was discarded.

        Args:
            records: of one shard, in order.
            processed: told how many more records from the front are done with.

        Raises:
            StoppedError: the mapping was stopped first; what was not reported is not done.
        """
        parts = [list(records)]
        while parts:
            part = parts.pop(0)
            left = self._run_part(part, processed)
            if left:
                middle = len(left) // 2
                parts[:0] = [left[:middle], left[middle:]]

    def _run_part(self, part: list[Record], processed: Callable[[int], None]) -> list[Record]:
        """Try one part until it is done with; returns what is to be tried again in halves."""
        failures, waited, last = 0, 0, None
        while part := self._without_expired(part, processed, failures, last):
            try:
                last = self._invoke(
                    self._mapping.function_arn, kinesis_event(self._mapping, self._shard_id, part)
                )
            except FunctionNotRunnableError as error:
                _log.warning("%s %s waits: %s", self._mapping.uuid, self._shard_id, error)
                self._back_off(waited)
                waited += 1
                continue
            failed_at = self._failed_at(part, last)
            if failed_at is None:
                processed(len(part))
                return []
            if failed_at > 0:
                processed(failed_at)
                part, failures = part[failed_at:], 0
            elif self._mapping.bisect and last.error is not None and len(part) > 1:
                return part
            failures += 1
            if self._mapping.has_exhausted(failures):
                self._give_up(part, ATTEMPTS_EXHAUSTED, failures, last)
                processed(len(part))
                return []
            self._back_off(failures - 1)
        return []

    def _failed_at(self, part: list[Record], result: InvokeResult) -> int | None:
        if result.error is not None:
            return 0
        if not self._mapping.partial_responses:
            return None
        return first_failure(part, result.payload)

    def _without_expired(
        self,
        part: list[Record],
        processed: Callable[[int], None],
        invocations: int,
        last: InvokeResult | None,
    ) -> list[Record]:
        """Give up the records from the front that are older than the mapping allows."""
        limit = self._mapping.max_record_age
        if limit is None:
            return part
        oldest = self._clock() - limit
        old = next((i for i, record in enumerate(part) if record.arrived_at >= oldest), len(part))
        if old:
            self._give_up(part[:old], AGE_EXCEEDED, invocations, last)
            processed(old)
        return part[old:]

    def _give_up(
        self, records: Sequence[Record], condition: str, invocations: int, last: InvokeResult | None
    ) -> None:
        _log.warning(
            "%s %s gives up %d records: %s; last answer %s",
            self._mapping.function_arn,
            self._shard_id,
            len(records),
            condition,
            last.payload[:500] if last else None,
        )
        self._discard(Discarded(records, condition, invocations, last))

    def _back_off(self, tries: int) -> None:
        shortest, longest = BACKOFF_S
        if self._wait(min(shortest * 2 ** min(tries, 10), longest)):
            raise StoppedError


def failure_document(mapping: Mapping, shard_id: str, discarded: Discarded) -> bytes:
    """The message that Lambda sends to an on-failure destination: all but the records themselves."""
    first, last = discarded.records[0], discarded.records[-1]
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": discarded.invocations,
        },
        "version": "1.0",
        "timestamp": _iso(time.time()),
        "KinesisBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _iso(first.arrived_at),
            "approximateArrivalOfLastRecord": _iso(last.arrived_at),
            "batchSize": len(discarded.records),
            "streamArn": mapping.stream_arn,
        },
    }
    if discarded.last is not None:
        context = {"statusCode": 200, "executedVersion": "$LATEST"}
        error = {"functionError": discarded.last.error} if discarded.last.error else {}
        document["responseContext"] = {**context, **error}
    return msgspec.json.encode(document)


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
