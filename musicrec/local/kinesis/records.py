"""The operations on records: PutRecord, PutRecords, GetShardIterator, GetRecords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.kinesis.errors import (
    InvalidArgumentError,
    ResourceNotFoundError,
    ThroughputExceededError,
    ValidationError,
)
from musicrec.local.kinesis.iterators import ShardIterator, decode

if TYPE_CHECKING:
    from musicrec.local.kinesis.region import Call
    from musicrec.local.kinesis.shard import Shard
    from musicrec.local.kinesis.stream import Stream

MAX_RECORDS_PER_READ: Final = 10_000
"""What one GetRecords call returns at most (its API reference)."""

MAX_BYTES_PER_READ: Final = 10 << 20
"""Bytes of data that one GetRecords call returns at most (its API reference)."""

MAX_BYTES_PER_PUT: Final = 10 << 20
"""Bytes of data and partition keys in one PutRecords call (its API reference)."""


def put_record(call: Call) -> dict[str, Any]:
    """Store one record.

    Raises:
        ThroughputExceededError: its shard takes no more in this second.
        ValidationError: it is larger than the stream's records may be.
    """
    stream = call.stream
    key = call.params["PartitionKey"].encode()
    data = call.params["Data"]
    _check_size(stream, len(key) + len(data), "data")
    shard = stream.shard_for(key, call.params.get("ExplicitHashKey"))
    return _put(call, stream, shard, key, data)


def put_records(call: Call) -> dict[str, Any]:
    """Store records, each for itself: the answer says which of them were throttled.

    Raises:
        ValidationError: a record is larger than the stream's records may be; none is stored.
        InvalidArgumentError: all together are too large, or a hash key is; none is stored.
    """
    stream = call.stream
    entries = call.params["Records"]
    keys = [entry["PartitionKey"].encode() for entry in entries]
    sizes = [len(key) + len(entry["Data"]) for key, entry in zip(keys, entries, strict=True)]
    for number, size in enumerate(sizes, start=1):
        _check_size(stream, size, f"records.{number}.member.data")
    if sum(sizes) > MAX_BYTES_PER_PUT:
        raise InvalidArgumentError(f"Records size exceeds {MAX_BYTES_PER_PUT >> 20} MB limit")
    shards = [
        stream.shard_for(key, entry.get("ExplicitHashKey"))
        for key, entry in zip(keys, entries, strict=True)
    ]
    results = [
        _put_or_say(call, stream, shard, key, entry["Data"])
        for shard, key, entry in zip(shards, keys, entries, strict=True)
    ]
    failed = sum("ErrorCode" in result for result in results)
    return {"FailedRecordCount": failed, "Records": results, "EncryptionType": _encryption(stream)}


def _put_or_say(
    call: Call, stream: Stream, shard: Shard, key: bytes, data: bytes
) -> dict[str, Any]:
    try:
        return _put(call, stream, shard, key, data)
    except ThroughputExceededError as error:
        return {"ErrorCode": error.code, "ErrorMessage": error.message}


def _put(call: Call, stream: Stream, shard: Shard, key: bytes, data: bytes) -> dict[str, Any]:
    if not shard.limits.admits_write(len(key) + len(data), call.now):
        raise ThroughputExceededError(shard.id, stream.name, stream.account)
    sequence = stream.append(shard, key, data, call.now_ms)
    return {"SequenceNumber": str(sequence), "ShardId": shard.id}


def _check_size(stream: Stream, size: int, member: str) -> None:
    largest = stream.max_record_kib * 1024
    if size > largest:
        raise ValidationError(
            f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {largest}"
        )


def get_shard_iterator(call: Call) -> dict[str, Any]:
    """Say where to begin to read.

    Raises:
        ThroughputExceededError: the shard was asked too often in this second.
        InvalidArgumentError: what the type needs is missing, or is not of this shard.
    """
    stream = call.stream
    shard_id = call.params["ShardId"]
    if shard_id not in stream.shards:
        raise ResourceNotFoundError(
            f"Shard {shard_id} in stream {stream.name} under account {stream.account} does not "
            "exist"
        )
    shard = stream.shards[shard_id]
    position = _position(call, stream, shard)
    if not call.dedicated and not shard.limits.admits_iterator(call.now):
        raise ThroughputExceededError(shard.id, stream.name, stream.account)
    iterator = ShardIterator(stream.name, shard.id, position, call.now_ms)
    return {"ShardIterator": iterator.encode()}


def _position(call: Call, stream: Stream, shard: Shard) -> int:
    match call.params["ShardIteratorType"]:
        case "LATEST":
            return stream.last_sequence
        case "AT_TIMESTAMP":
            moment = _needed(call, "Timestamp")
            return shard.log.position_at(round(moment * 1000))
        case "AT_SEQUENCE_NUMBER":
            return _sequence(call, stream, shard) - 1
        case "AFTER_SEQUENCE_NUMBER":
            return _sequence(call, stream, shard)
        case _:
            return 0


def _sequence(call: Call, stream: Stream, shard: Shard) -> int:
    sequence = int(_needed(call, "StartingSequenceNumber"))
    last = stream.last_sequence if shard.ending_sequence is None else shard.ending_sequence
    if not shard.starting_sequence <= sequence <= last:
        raise InvalidArgumentError(
            f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard.id} in "
            f"stream {stream.name} under account {stream.account} is invalid because it did not "
            "come from this stream."
        )
    return sequence


def _needed(call: Call, member: str) -> Any:
    kind = call.params["ShardIteratorType"]
    if member not in call.params:
        raise InvalidArgumentError(f"Must specify {member} when ShardIteratorType is {kind}.")
    return call.params[member]


def get_records(call: Call) -> dict[str, Any]:
    """Read on from an iterator; at the end of a closed shard its children are named.

    Raises:
        ThroughputExceededError: the shard gives no more in this second.
        ExpiredIteratorError: the iterator is older than five minutes.
    """
    iterator = decode(call.params["ShardIterator"], call.now_ms)
    stream = call.region.named(iterator.stream, call.now_ms)
    shard = stream.shard(iterator.shard_id)
    if not call.dedicated and not shard.limits.admits_read(call.now):
        raise ThroughputExceededError(shard.id, stream.name, stream.account)
    limit = call.params.get("Limit", MAX_RECORDS_PER_READ)
    records = shard.log.read(iterator.position, limit, MAX_BYTES_PER_READ)
    if not call.dedicated:
        shard.limits.charge_read(sum(len(record.data) for record in records))
    position = records[-1].sequence if records else iterator.position
    following = shard.log.arrival_after(position)
    answer = {
        "Records": [
            {
                "SequenceNumber": str(record.sequence),
                "ApproximateArrivalTimestamp": record.arrival / 1000,
                "Data": record.data,
                "PartitionKey": record.key,
                "EncryptionType": _encryption(stream),
            }
            for record in records
        ],
        "MillisBehindLatest": 0 if following is None else max(0, call.now_ms - following),
    }
    if following is None and not shard.is_open:
        children = [child.described_as_child() for child in stream.children(shard)]
        return answer | {"ChildShards": children}
    onward = ShardIterator(stream.name, shard.id, position, call.now_ms)
    return answer | {"NextShardIterator": onward.encode()}


def _encryption(stream: Stream) -> str | None:
    return "KMS" if stream.key_id else None
