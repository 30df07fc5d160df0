"""One shard: a range of hash keys, its records, and its place among parents and children."""

from __future__ import annotations

from typing import Any, Final

from musicrec.local.kinesis.limits import ShardLimits
from musicrec.local.kinesis.log import ShardLog

HASH_KEYS: Final = 1 << 128
"""Partition keys are hashed to 0 up to this, by MD5."""


class Shard:
    """A shard, open until it is split or merged.

    Args:
        number: its place in the stream, which makes its id.
        hashes: its first and last hash key.
        starting_sequence: no record of it has a lower sequence number.
        opened_at: epoch milliseconds.
        parents: ids of the shards that it came from: none, one (split) or two (merge).

    Attributes:
        ending_sequence: no record of it has a higher one; None while it is open.
        closed_at: epoch milliseconds; None while it is open.
    """

    def __init__(
        self,
        number: int,
        hashes: tuple[int, int],
        *,
        starting_sequence: int = 0,
        opened_at: int,
        parents: tuple[str, ...] = (),
    ) -> None:
        self.number = number
        self.id = f"shardId-{number:012d}"
        self.first_hash, self.last_hash = hashes
        self.starting_sequence = starting_sequence
        self.opened_at = opened_at
        self.parents = parents
        self.ending_sequence: int | None = None
        self.closed_at: int | None = None
        self.log = ShardLog()
        self.limits = ShardLimits(opened_at / 1000)

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self.ending_sequence is None

    def was_open_at(self, moment: int) -> bool:
        """Whether it took records at a time, epoch milliseconds."""
        return self.opened_at <= moment and (self.closed_at is None or self.closed_at >= moment)

    def close(self, ending_sequence: int, now: int) -> None:
        """Take no more records."""
        self.ending_sequence = ending_sequence
        self.closed_at = now

    def is_adjacent(self, other: Shard) -> bool:
        """Whether the hash keys of the two make one range."""
        return self.last_hash + 1 == other.first_hash or other.last_hash + 1 == self.first_hash

    def described(self) -> dict[str, Any]:
        """As ListShards and DescribeStream show it."""
        sequences = {"StartingSequenceNumber": str(self.starting_sequence)}
        if self.ending_sequence is not None:
            sequences["EndingSequenceNumber"] = str(self.ending_sequence)
        parents = zip(("ParentShardId", "AdjacentParentShardId"), self.parents, strict=False)
        return {
            "ShardId": self.id,
            **dict(parents),
            "HashKeyRange": self._hash_keys(),
            "SequenceNumberRange": sequences,
        }

    def described_as_child(self) -> dict[str, Any]:
        """As GetRecords shows it at the end of a parent."""
        return {
            "ShardId": self.id,
            "ParentShards": list(self.parents),
            "HashKeyRange": self._hash_keys(),
        }

    def _hash_keys(self) -> dict[str, str]:
        return {"StartingHashKey": str(self.first_hash), "EndingHashKey": str(self.last_hash)}
