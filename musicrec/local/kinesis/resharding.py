"""Splitting and merging shards, singly and towards a number of shards."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from musicrec.local.kinesis.errors import InvalidArgumentError

if TYPE_CHECKING:
    from musicrec.local.kinesis.shard import Shard
    from musicrec.local.kinesis.stream import Stream


def split(stream: Stream, shard: Shard, first_hash: int, now: int) -> None:
    """Divide a shard in two.

    Args:
        stream: of which it is.
        shard: the parent.
        first_hash: the first hash key of the second child.
        now: epoch milliseconds.

    Raises:
        InvalidArgumentError: the hash key does not divide the shard, or the shard is closed.
    """
    if not shard.first_hash < first_hash < shard.last_hash:
        raise InvalidArgumentError(
            f"NewStartingHashKey {first_hash} used in SplitShard() on shard {shard.id} in stream "
            f"{stream.name} under account {stream.account} is not both greater than one plus the "
            f"shard's StartingHashKey {shard.first_hash} and less than the shard's EndingHashKey "
            f"{shard.last_hash - 1}."
        )
    _require_open(stream, shard)
    ranges = [(shard.first_hash, first_hash - 1), (first_hash, shard.last_hash)]
    stream.replace([shard], ranges, now)


def merge(stream: Stream, shard: Shard, adjacent: Shard, now: int) -> None:
    """Make one shard of two neighbours.

    Raises:
        InvalidArgumentError: they are not neighbours, or one is closed.
    """
    _require_open(stream, shard)
    _require_open(stream, adjacent)
    if not shard.is_adjacent(adjacent):
        raise InvalidArgumentError(
            f"Shards {shard.id} and {adjacent.id} in stream {stream.name} under account "
            f"{stream.account} are not an adjacent pair of shards eligible for merging"
        )
    first, last = sorted((shard, adjacent), key=lambda each: each.first_hash)
    stream.replace([shard, adjacent], [(first.first_hash, last.last_hash)], now)


def scale(stream: Stream, target: int, now: int) -> None:
    """Split and merge until there are so many open shards.

    As on AWS, scaling up splits every shard first, and merges back to the target where that is too
    many.

    Args:
        stream: whose shards change.
        target: from half to double of the open shards.
        now: epoch milliseconds.

    Raises:
        InvalidArgumentError: the target is outside that range.
    """
    current = len(stream.open_shards)
    _check_target(current, target)
    if target > current:
        for shard in stream.open_shards:
            split(stream, shard, (shard.first_hash + shard.last_hash) // 2 + 1, now)
    while (excess := len(stream.open_shards) - target) > 0:
        shards = stream.open_shards
        pairs = zip(shards[::2], shards[1::2], strict=False)
        for shard, adjacent in islice(pairs, excess):
            merge(stream, shard, adjacent, now)


def _check_target(current: int, target: int) -> None:
    """The limits of one UpdateShardCount call (its API reference)."""
    if target > 2 * current:
        limit = "up over double"
    elif 2 * target < current:
        limit = "down below half"
    else:
        return
    raise InvalidArgumentError(
        f"UpdateShardCount cannot scale {limit} your current open shard count. "
        f"Current open shard count: {current} Target open shard count: {target}"
    )


def _require_open(stream: Stream, shard: Shard) -> None:
    if not shard.is_open:
        raise InvalidArgumentError(
            f"Shard {shard.id} in stream {stream.name} under account {stream.account} has already "
            "been merged or split, and thus is not eligible for merging or splitting."
        )
