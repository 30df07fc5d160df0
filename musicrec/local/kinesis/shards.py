"""The operations on shards: ListShards, DescribeStream, SplitShard, MergeShards, UpdateShardCount."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from musicrec.local.kinesis import resharding
from musicrec.local.kinesis.errors import (
    ExpiredNextTokenError,
    InvalidArgumentError,
    ResourceNotFoundError,
    ValidationError,
)

if TYPE_CHECKING:
    from musicrec.local.kinesis.region import Call
    from musicrec.local.kinesis.shard import Shard
    from musicrec.local.kinesis.stream import Stream

MAX_PAGE: Final = 1_000
"""Shards that ListShards returns unless fewer are asked for."""

TOKEN_LIFETIME_MS: Final = 300_000
"""A page token is good for five minutes (API reference of ListShards)."""


class _Token(Struct, frozen=True, array_like=True):
    """Where a listing goes on, and of what."""

    stream: str
    after: str
    issued_at: int
    filter: dict[str, Any] | None = None


def list_shards(call: Call) -> dict[str, Any]:
    """The shards that still hold records or take them, as the filter asks.

    Raises:
        InvalidArgumentError: a token with a stream name, or a filter without its argument.
        ExpiredNextTokenError: the token is older than five minutes.
    """
    token = _token(call)
    if token is None:
        stream, rule = call.stream, call.params.get("ShardFilter")
        after = call.params.get("ExclusiveStartShardId", "")
    else:
        stream = call.region.named(token.stream, call.now_ms)
        rule, after = token.filter, token.after
    wanted = _filter(rule, stream, call.now_ms)
    found = [shard for shard in stream.shards.values() if shard.id > after and wanted(shard)]
    size = min(call.params.get("MaxResults", MAX_PAGE), MAX_PAGE)
    answer: dict[str, Any] = {"Shards": [shard.described() for shard in found[:size]]}
    if len(found) > size:
        onward = _Token(stream.name, found[size - 1].id, call.now_ms, rule)
        answer["NextToken"] = base64.b64encode(msgspec.json.encode(onward)).decode()
    return answer


def _token(call: Call) -> _Token | None:
    text = call.params.get("NextToken")
    if text is None:
        return None
    try:
        token = msgspec.json.decode(base64.b64decode(text, validate=True), type=_Token)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise InvalidArgumentError("NextToken is invalid.") from error
    if call.params.get("StreamName", token.stream) != token.stream:
        raise InvalidArgumentError("NextToken and StreamName cannot be provided together.")
    if call.now_ms - token.issued_at > TOKEN_LIFETIME_MS:
        raise ExpiredNextTokenError("NextToken has expired; list the shards anew.")
    return token


def _filter(rule: dict[str, Any] | None, stream: Stream, now: int) -> Callable[[Shard], bool]:
    """Which shards a ShardFilter asks for (API reference of ShardFilter)."""
    kind = "FROM_TRIM_HORIZON" if rule is None else rule["Type"]
    horizon = max(stream.horizon(now), stream.created_at)
    match kind:
        case "AT_LATEST":
            return lambda shard: shard.is_open
        case "AT_TRIM_HORIZON":
            return lambda shard: shard.was_open_at(horizon)
        case "AFTER_SHARD_ID":
            after = _argument(rule, "ShardId")
            return lambda shard: shard.id > after
        case "AT_TIMESTAMP":
            moment = round(_argument(rule, "Timestamp") * 1000)
            return lambda shard: shard.was_open_at(moment)
        case "FROM_TIMESTAMP":
            since = round(_argument(rule, "Timestamp") * 1000)
            return lambda shard: shard.closed_at is None or shard.closed_at >= since
        case _:
            return lambda _: True


def _argument(rule: dict[str, Any] | None, member: str) -> Any:
    if rule is None or member not in rule:
        kind = rule and rule["Type"]
        raise InvalidArgumentError(f"{member} must be given with the shard filter type {kind}.")
    return rule[member]


def split_shard(call: Call) -> None:
    """Divide a shard; its records stay where they are."""
    stream = _changeable(call)
    shard = stream.shard(call.params["ShardToSplit"])
    call.region.require_room(1, call.now_ms)
    resharding.split(stream, shard, int(call.params["NewStartingHashKey"]), call.now_ms)
    stream.change("UPDATING", call.now_ms + call.region.transition_ms)


def merge_shards(call: Call) -> None:
    """Make one shard of two; their records stay where they are."""
    stream = _changeable(call)
    shard = stream.shard(call.params["ShardToMerge"])
    adjacent = stream.shard(call.params["AdjacentShardToMerge"])
    resharding.merge(stream, shard, adjacent, call.now_ms)
    stream.change("UPDATING", call.now_ms + call.region.transition_ms)


def update_shard_count(call: Call) -> dict[str, Any]:
    """Split and merge until there are as many open shards as asked for."""
    stream = _changeable(call)
    current = len(stream.open_shards)
    target = call.params["TargetShardCount"]
    call.region.require_room(target - current, call.now_ms)
    resharding.scale(stream, target, call.now_ms)
    stream.change("UPDATING", call.now_ms + call.region.transition_ms)
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardCount": current,
        "TargetShardCount": target,
    }


def _changeable(call: Call) -> Stream:
    """The stream, if its shards may be changed by hand.

    Raises:
        ValidationError: it is an on-demand stream.
        ResourceInUseError: another change is under way.
    """
    stream = call.stream
    if stream.mode == "ON_DEMAND":
        raise ValidationError(
            f"Request is invalid. Stream {stream.name} under account {stream.account} is in "
            "On-Demand mode."
        )
    stream.require_active(call.now_ms)
    return stream


def describe_stream(call: Call) -> dict[str, Any]:
    """A stream with a page of its shards."""
    stream = call.stream
    after = call.params.get("ExclusiveStartShardId", "")
    size = min(call.params.get("Limit", 100), 100)
    found = [shard for shard in stream.shards.values() if shard.id > after]
    if after and after not in stream.shards:
        raise ResourceNotFoundError(
            f"Could not find shard {after} in stream {stream.name} under account {stream.account}."
        )
    description = stream.described(call.now_ms) | {
        "Shards": [shard.described() for shard in found[:size]],
        "HasMoreShards": len(found) > size,
    }
    return {"StreamDescription": description}
