"""The operations on whole streams: making, listing, describing, keeping longer, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.kinesis.errors import (
    InvalidArgumentError,
    ResourceInUseError,
    ValidationError,
)
from musicrec.local.kinesis.region import SHARD_LIMIT
from musicrec.local.kinesis.stream import ON_DEMAND_SHARDS, RETENTION_HOURS

if TYPE_CHECKING:
    from musicrec.local.kinesis.region import Call
    from musicrec.local.kinesis.stream import Stream

ON_DEMAND_LIMIT: Final = 50
"""On-demand streams of an account (Quotas and limits)."""

MAX_PAGE: Final = 100
"""Streams that ListStreams returns unless fewer are asked for."""


def create_stream(call: Call) -> None:
    """Make a stream.

    Raises:
        ResourceInUseError: the name is taken.
        ValidationError: a provisioned stream without a number of shards.
    """
    mode = call.params.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    shards = call.params.get("ShardCount")
    if mode == "ON_DEMAND":
        shards = ON_DEMAND_SHARDS
    elif shards is None:
        raise ValidationError("ShardCount is required for a stream in PROVISIONED mode.")
    stream = call.region.create(call.params["StreamName"], shards, mode, call.now_ms)
    stream.tags.update(call.params.get("Tags", {}))
    stream.max_record_kib = call.params.get("MaxRecordSizeInKiB", stream.max_record_kib)


def delete_stream(call: Call) -> None:
    """Let a stream go, with all its records.

    Raises:
        ResourceInUseError: the stream is changing, or consumers are registered and it was not
            asked to drop them.
    """
    stream = call.stream
    stream.require_active(call.now_ms)
    if stream.consumers and not call.params.get("EnforceConsumerDeletion"):
        raise ResourceInUseError(
            f"Stream {stream.name} under account {stream.account} has registered consumers: "
            "deregister them, or set EnforceConsumerDeletion."
        )
    call.region.delete(stream, call.now_ms)


def describe_stream_summary(call: Call) -> dict[str, Any]:
    """A stream without its shards."""
    stream = call.stream
    summary = stream.described(call.now_ms) | {
        "OpenShardCount": len(stream.open_shards),
        "ConsumerCount": len(stream.consumers),
        "MaxRecordSizeInKiB": stream.max_record_kib,
    }
    return {"StreamDescriptionSummary": summary}


def list_streams(call: Call) -> dict[str, Any]:
    """A page of the streams, by name."""
    after = call.params.get("NextToken") or call.params.get("ExclusiveStartStreamName", "")
    found = [stream for stream in call.region.streams(call.now_ms) if stream.name > after]
    page = found[: min(call.params.get("Limit", MAX_PAGE), MAX_PAGE)]
    more = len(found) > len(page)
    return {
        "StreamNames": [stream.name for stream in page],
        "HasMoreStreams": more,
        "StreamSummaries": [stream.summary(call.now_ms) for stream in page],
        "NextToken": page[-1].name if more else None,
    }


def describe_limits(call: Call) -> dict[str, Any]:
    """How many shards and on-demand streams there are and may be."""
    streams = call.region.streams(call.now_ms)
    return {
        "ShardLimit": SHARD_LIMIT,
        "OpenShardCount": sum(len(stream.open_shards) for stream in streams),
        "OnDemandStreamCount": sum(stream.mode == "ON_DEMAND" for stream in streams),
        "OnDemandStreamCountLimit": ON_DEMAND_LIMIT,
    }


def increase_retention(call: Call) -> None:
    """Keep records longer; what is forgotten stays so.

    Raises:
        InvalidArgumentError: the period is shorter than the present one, or not allowed.
    """
    stream, hours = _retention(call)
    if hours < stream.retention_hours:
        raise InvalidArgumentError(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be "
            f"shorter than existing retention period ({stream.retention_hours} hours). Use "
            "DecreaseRetentionPeriod API."
        )
    stream.retention_hours = hours


def decrease_retention(call: Call) -> None:
    """Keep records for a shorter time, and forget at once what is older.

    Raises:
        InvalidArgumentError: the period is longer than the present one, or not allowed.
    """
    stream, hours = _retention(call)
    if hours > stream.retention_hours:
        raise InvalidArgumentError(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be "
            f"longer than existing retention period ({stream.retention_hours} hours). Use "
            "IncreaseRetentionPeriod API."
        )
    stream.retention_hours = hours
    stream.trim(call.now_ms)


def _retention(call: Call) -> tuple[Stream, int]:
    stream, hours = call.stream, call.params["RetentionPeriodHours"]
    shortest, longest = RETENTION_HOURS
    if hours < shortest:
        raise InvalidArgumentError(
            f"Minimum allowed retention period is {shortest} hours. Requested retention period "
            f"({hours} hours) is too short."
        )
    if hours > longest:
        raise InvalidArgumentError(
            f"Maximum allowed retention period is {longest} hours. Requested retention period "
            f"({hours} hours) is too long."
        )
    stream.require_active(call.now_ms)
    return stream, hours


def update_stream_mode(call: Call) -> None:
    """Change between provisioned and on demand; the shards stay as they are."""
    stream = call.stream
    stream.require_active(call.now_ms)
    stream.mode = call.params["StreamModeDetails"]["StreamMode"]
    stream.change("UPDATING", call.now_ms + call.region.transition_ms)


def update_max_record_size(call: Call) -> None:
    """Allow larger records, or smaller ones only."""
    stream = call.stream
    stream.require_active(call.now_ms)
    stream.max_record_kib = call.params["MaxRecordSizeInKiB"]
    stream.change("UPDATING", call.now_ms + call.region.transition_ms)
