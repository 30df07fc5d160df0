"""What a shard takes and gives in a second, measured with buckets that fill with time.

Figures: Kinesis Data Streams, "Quotas and limits", and the API references of PutRecords, GetRecords
and GetShardIterator.
"""

from __future__ import annotations

from typing import Final

RECORDS_PER_SECOND: Final = 1_000
"""Records that a shard takes in a second."""

WRITTEN_BYTES_PER_SECOND: Final = 1 << 20
"""Bytes of data and partition keys that a shard takes in a second."""

READS_PER_SECOND: Final = 5
"""GetRecords calls that a shard answers in a second, and as many of GetShardIterator."""

READ_BYTES_PER_SECOND: Final = 2 << 20
"""Bytes of data that a shard gives in a second."""

_ROUNDING: Final = 1e-6


class Bucket:
    """Holds one second's allowance at most, and fills at that rate.

    Args:
        per_second: the allowance.
        now: the time in seconds, of any epoch.
    """

    __slots__ = ("_filled_at", "_level", "_per_second")

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._level = per_second
        self._filled_at = now

    def level(self, now: float) -> float:
        """What may be taken now; below zero while more was taken than there was."""
        passed = max(0.0, now - self._filled_at)
        self._level = min(self._per_second, self._level + passed * self._per_second)
        self._filled_at = now
        return self._level

    def has(self, amount: float, now: float) -> bool:
        """Whether there is so much; a full bucket has room for what is larger than itself."""
        return self.level(now) >= min(amount, self._per_second) - _ROUNDING

    def take(self, amount: float) -> None:
        """Take out what `has` allowed."""
        self._level -= amount

    def overdraw(self, amount: float) -> None:
        """Take out what was found to be needed; what exceeds the second is waited for in full."""
        self._level = self._level - amount if amount <= self._level else -amount


class ShardLimits:
    """The limits of one shard."""

    def __init__(self, now: float) -> None:
        self._records = Bucket(RECORDS_PER_SECOND, now)
        self._written = Bucket(WRITTEN_BYTES_PER_SECOND, now)
        self._reads = Bucket(READS_PER_SECOND, now)
        self._read_bytes = Bucket(READ_BYTES_PER_SECOND, now)
        self._iterators = Bucket(READS_PER_SECOND, now)

    def admits_write(self, size: int, now: float) -> bool:
        """Count a record of `size` bytes, key included; False when it is too much."""
        if not (self._records.has(1, now) and self._written.has(size, now)):
            return False
        self._records.take(1)
        self._written.take(size)
        return True

    def admits_read(self, now: float) -> bool:
        """Count a GetRecords call; False when it comes too soon."""
        if not self._reads.has(1, now) or self._read_bytes.level(now) < -_ROUNDING:
            return False
        self._reads.take(1)
        return True

    def charge_read(self, size: int) -> None:
        """Count the bytes of data that an admitted call returns."""
        self._read_bytes.overdraw(size)

    def admits_iterator(self, now: float) -> bool:
        """Count a GetShardIterator call; False when it comes too soon."""
        if not self._iterators.has(1, now):
            return False
        self._iterators.take(1)
        return True
