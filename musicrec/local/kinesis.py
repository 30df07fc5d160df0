"""moto's Kinesis store, made to hold under load.

moto walks all records of a shard for every append and for every read, so a stream slows down as it
fills: measured, 12,000 appends a second at first and 1,000 after 100,000 records. It also starts a
Docker container for each record when an event source mapping exists, which is the work of
`musicrec.local.event_sources` here. And it writes its answers member by member from the service
model, which takes longer than all the rest of a PutRecords or GetRecords call. `install` replaces
the methods concerned while a server runs.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final

import msgspec
from moto.core.responses import ActionResult
from moto.kinesis.models import Record, Shard, Stream
from moto.kinesis.responses import KinesisResponse

MAX_RECORDS_PER_READ: Final = 10_000
"""What one GetRecords call returns at most (Kinesis quota)."""

MAX_BYTES_PER_READ: Final = 10 * 1024 * 1024
"""Bytes of data that one GetRecords call returns at most (Kinesis quota)."""


def put_record(self: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
    """Append to a shard; returns the sequence number, which is one more than the last."""
    number = self.get_max_sequence_number() + 1
    self.records[number] = Record(partition_key, data, number, explicit_hash_key)
    return str(number)


def get_max_sequence_number(self: Any) -> int:
    """The newest record's sequence number, 0 for an empty shard."""
    return next(reversed(self.records), 0)


def get_min_sequence_number(self: Any) -> int:
    """The oldest record's sequence number, 0 for an empty shard."""
    return next(iter(self.records), 0)


def get_records(self: Any, last_sequence_id: str, limit: int | None) -> tuple[list[Any], int, int]:
    """Read on from a sequence number.

    Returns:
        the records, the sequence number to read on from, and how many milliseconds the last of
        them is behind the newest record of the shard.
    """
    last = int(last_sequence_id)
    newest = self.get_max_sequence_number()
    count = min(limit or MAX_RECORDS_PER_READ, MAX_RECORDS_PER_READ)
    first = max(last + 1, self.get_min_sequence_number())
    taken = _within_bytes([self.records[n] for n in range(first, min(first + count, newest + 1))])
    if not taken:
        return [], last, 0
    behind = self.records[newest].created_at - taken[-1].created_at
    return taken, taken[-1].sequence_number, int(behind * 1000)


def get_sequence_number_at(self: Any, at_timestamp: float) -> int:
    """The last sequence number that was stored before a time (epoch seconds), 0 if none was."""
    oldest = self.get_min_sequence_number()
    numbers = range(oldest, self.get_max_sequence_number() + 1) if self.records else range(0)
    older = bisect_left(numbers, at_timestamp, key=lambda n: self.records[n].created_at)
    return oldest + older - 1 if older else 0


def put_record_on_stream(
    self: Any, partition_key: str, explicit_hash_key: str, data: str
) -> tuple[str, str]:
    """Append to the shard of a key; returns sequence number and shard id. Invokes nothing."""
    shard = self.get_shard_for_key(partition_key, explicit_hash_key)
    return shard.put_record(partition_key, data, explicit_hash_key), shard.shard_id


class JsonResult(ActionResult):
    """An answer that has the shape of the service model already."""

    def execute_result(self, context: Any) -> tuple[int, dict[str, str], bytes]:  # noqa: ARG002 - moto passes it
        """Write the answer as JSON at once (moto's name for it)."""
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return 200, headers, msgspec.json.encode(self.result)


def answer_put_records(self: Any) -> JsonResult:
    """PutRecords, with moto's checks."""
    response = self.kinesis_backend.put_records(
        self._get_param("StreamARN"), self._get_param("StreamName"), self._get_param("Records")
    )
    return JsonResult(response)


def answer_get_records(self: Any) -> JsonResult:
    """GetRecords; the data stay in base64, as they are stored and as they travel."""
    iterator, records, behind = self.kinesis_backend.get_records(
        self._get_param("StreamARN"), self._get_param("ShardIterator"), self._get_param("Limit")
    )
    return JsonResult(
        {
            "NextShardIterator": iterator,
            "Records": [_on_the_wire(record) for record in records],
            "MillisBehindLatest": behind,
        }
    )


def _on_the_wire(record: Any) -> dict[str, Any]:
    return {
        "SequenceNumber": str(record.sequence_number),
        "ApproximateArrivalTimestamp": int(record.created_at * 1000) / 1000,
        "Data": record.data,
        "PartitionKey": record.partition_key,
    }


def _within_bytes(records: list[Any]) -> list[Any]:
    """As many records from the front as one answer may hold, and one at least."""
    total = 0
    for index, record in enumerate(records):
        total += len(record.data) * 3 // 4 - record.data[-2:].count("=")  # stored as base64
        if total > MAX_BYTES_PER_READ and index:
            return records[:index]
    return records


_REPLACEMENTS: Final[dict[tuple[Any, str], Any]] = {
    (Shard, "put_record"): put_record,
    (Shard, "get_max_sequence_number"): get_max_sequence_number,
    (Shard, "get_min_sequence_number"): get_min_sequence_number,
    (Shard, "get_records"): get_records,
    (Shard, "get_sequence_number_at"): get_sequence_number_at,
    (Stream, "put_record"): put_record_on_stream,
    (KinesisResponse, "put_records"): answer_put_records,
    (KinesisResponse, "get_records"): answer_get_records,
}
_ORIGINALS: Final[dict[tuple[Any, str], Any]] = {place: getattr(*place) for place in _REPLACEMENTS}


def install() -> None:
    """Put the replacements in place, for every stream of this process."""
    _set_methods(_REPLACEMENTS)


def uninstall() -> None:
    """Give moto its own methods back."""
    _set_methods(_ORIGINALS)


def _set_methods(methods: dict[tuple[Any, str], Any]) -> None:
    for (owner, name), method in methods.items():
        setattr(owner, name, method)
