"""One stream: its shards over the generations, where a record belongs, and what is forgotten when.

Sequence numbers are given out by the stream, not the shard, so they keep increasing when a shard's
range of hash keys passes on to its children.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from hashlib import md5
from typing import Any, Final

from musicrec.local.kinesis.errors import (
    InvalidArgumentError,
    ResourceInUseError,
    ResourceNotFoundError,
)
from musicrec.local.kinesis.shard import HASH_KEYS, Shard

DEFAULT_RETENTION_HOURS: Final = 24
RETENTION_HOURS: Final = (24, 8_760)
"""The shortest and the longest retention (API reference of IncreaseStreamRetentionPeriod)."""

DEFAULT_RECORD_KIB: Final = 1_024
"""The largest record unless the stream is told otherwise, key included."""

ON_DEMAND_SHARDS: Final = 4
"""Shards of a new on-demand stream: 4 MB a second."""

_HOUR_MS: Final = 3_600_000


class Stream:
    """A stream of records.

    Args:
        arn: its ARN, which ends with its name.
        shards: how many to begin with, at least one.
        mode: `PROVISIONED` or `ON_DEMAND`.
        now: epoch milliseconds.
        ready_at: when it stops being CREATING, epoch milliseconds.

    Attributes:
        shards: by id, oldest first; closed ones stay until their records are forgotten.
        last_sequence: the newest sequence number that was given out.
    """

    def __init__(self, arn: str, shards: int, *, mode: str, now: int, ready_at: int) -> None:
        self.arn = arn
        self.name = arn.rpartition("/")[2]
        self.account = arn.split(":")[4]
        self.mode = mode
        self.created_at = now
        self.retention_hours = DEFAULT_RETENTION_HOURS
        self.max_record_kib = DEFAULT_RECORD_KIB
        self.tags: dict[str, str] = {}
        self.metrics: list[str] = []
        self.key_id: str | None = None
        self.policy: str | None = None
        self.consumers: dict[str, int] = {}
        self.last_sequence = 0
        self.shards: dict[str, Shard] = {}
        self._open: list[Shard] = []
        self._numbered = 0
        self._changing = ("CREATING", ready_at)
        step = HASH_KEYS // shards
        for index in range(shards):
            last = HASH_KEYS if index == shards - 1 else (index + 1) * step
            self._begin((index * step, last - 1), 0, now)

    @property
    def open_shards(self) -> list[Shard]:
        """Those that take records, by hash key."""
        return list(self._open)

    @property
    def nbytes(self) -> int:
        """Bytes that the records of all shards take."""
        return sum(shard.log.nbytes for shard in self.shards.values())

    def status(self, now: int) -> str:
        """`CREATING`, `UPDATING`, `DELETING` or `ACTIVE` at a time, epoch milliseconds."""
        status, until = self._changing
        return status if now < until or status == "DELETING" else "ACTIVE"

    def is_gone(self, now: int) -> bool:
        """Whether its deletion is complete."""
        status, until = self._changing
        return status == "DELETING" and now >= until

    def change(self, status: str, until: int) -> None:
        """Be in a status until a time, epoch milliseconds."""
        self._changing = (status, until)

    def require_active(self, now: int) -> None:
        """Refuse a change while another is under way.

        Raises:
            ResourceInUseError: the stream is not ACTIVE.
        """
        status = self.status(now)
        if status != "ACTIVE":
            raise ResourceInUseError(
                f"Stream {self.name} under account {self.account} not ACTIVE, instead in state "
                f"{status}"
            )

    def shard(self, shard_id: str) -> Shard:
        """A shard that is not forgotten.

        Raises:
            ResourceNotFoundError: there is none of that id.
        """
        try:
            return self.shards[shard_id]
        except KeyError:
            raise ResourceNotFoundError(
                f"Could not find shard {shard_id} in stream {self.name} under account "
                f"{self.account}."
            ) from None

    def shard_for(self, key: bytes, explicit_hash: str | None) -> Shard:
        """The open shard that takes a record.

        Args:
            key: the partition key in UTF-8.
            explicit_hash: a hash key that counts instead of the partition key's.

        Raises:
            InvalidArgumentError: `explicit_hash` is beyond the hash keys.
        """
        if explicit_hash is None:
            hashed = int.from_bytes(md5(key, usedforsecurity=False).digest())
        else:
            hashed = int(explicit_hash)
        if hashed >= HASH_KEYS:
            raise InvalidArgumentError(
                f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                f"Specified value was {explicit_hash}"
            )
        at = bisect_right(self._open, hashed, key=lambda shard: shard.first_hash)
        return self._open[at - 1]

    def append(self, shard: Shard, key: bytes, data: bytes, now: int) -> int:
        """Store a record on an open shard; returns its sequence number."""
        self.last_sequence += 1
        shard.log.append(self.last_sequence, now, key, data)
        return self.last_sequence

    def horizon(self, now: int) -> int:
        """Records that arrived before this are gone, epoch milliseconds."""
        return now - self.retention_hours * _HOUR_MS

    def trim(self, now: int) -> None:
        """Forget records beyond the retention, and closed shards that can hold no others."""
        horizon = self.horizon(now)
        gone = []
        for shard in self.shards.values():
            shard.log.trim(horizon)
            if shard.closed_at is not None and shard.closed_at < horizon:
                gone.append(shard.id)
        for shard_id in gone:
            del self.shards[shard_id]

    def replace(self, parents: list[Shard], ranges: list[tuple[int, int]], now: int) -> None:
        """Close shards and open their children.

        Args:
            parents: one or two open shards; the first is named as the parent.
            ranges: the children's hash keys, together those of the parents.
            now: epoch milliseconds.
        """
        self.last_sequence += 1
        for parent in parents:
            parent.close(self.last_sequence, now)
            self._open.remove(parent)
        self.last_sequence += 1
        ids = tuple(parent.id for parent in parents)
        for hashes in ranges:
            self._begin(hashes, self.last_sequence, now, ids)

    def children(self, shard: Shard) -> list[Shard]:
        """The shards that took over from a closed one."""
        return [child for child in self.shards.values() if shard.id in child.parents]

    def _begin(
        self, hashes: tuple[int, int], sequence: int, now: int, parents: tuple[str, ...] = ()
    ) -> None:
        shard = Shard(
            self._numbered, hashes, starting_sequence=sequence, opened_at=now, parents=parents
        )
        self._numbered += 1
        self.shards[shard.id] = shard
        insort(self._open, shard, key=lambda each: each.first_hash)

    def summary(self, now: int) -> dict[str, Any]:
        """What ListStreams tells of it, and all descriptions share."""
        return {
            "StreamName": self.name,
            "StreamARN": self.arn,
            "StreamStatus": self.status(now),
            "StreamModeDetails": {"StreamMode": self.mode},
            "StreamCreationTimestamp": self.created_at / 1000,
        }

    def described(self, now: int) -> dict[str, Any]:
        """What DescribeStream and DescribeStreamSummary share."""
        return {
            **self.summary(now),
            "RetentionPeriodHours": self.retention_hours,
            "EnhancedMonitoring": [{"ShardLevelMetrics": self.metrics}],
            "EncryptionType": "KMS" if self.key_id else "NONE",
            "KeyId": self.key_id,
        }
