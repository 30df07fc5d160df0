"""The records of one shard, compact in memory and forgotten from the front.

A Python object for each record would cost more than the record. Records are therefore kept in
segments: one block of bytes with the payloads, and arrays of numbers beside it. An append touches
the last segment only, so it costs the same however much is stored; forgetting drops whole segments.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

SEGMENT_BYTES: Final = 1 << 20
"""A segment takes no more records once its payloads fill this much."""

SEGMENT_RECORDS: Final = 8_192
"""Or once it has so many."""

INDEX_BYTES: Final = 22
"""What a record costs beside its payload: sequence number, arrival, end, length of the key."""


class Record(NamedTuple):
    """One stored record.

    Attributes:
        sequence: its number, increasing within the stream.
        arrival: when it was stored, epoch milliseconds.
        key: its partition key.
        data: its content.
    """

    sequence: int
    arrival: int
    key: str
    data: bytes


class _Segment:
    """A run of records; `ends` are offsets into the block, where key and data follow each other."""

    __slots__ = ("arrivals", "block", "ends", "key_sizes", "sequences")

    def __init__(self) -> None:
        self.sequences = array("Q")
        self.arrivals = array("Q")
        self.ends = array("I")
        self.key_sizes = array("H")
        self.block: bytearray | bytes = bytearray()

    def append(self, sequence: int, arrival: int, key: bytes, data: bytes) -> None:
        block = self.block
        block += key
        block += data
        self.block = block
        self.sequences.append(sequence)
        self.arrivals.append(arrival)
        self.key_sizes.append(len(key))
        self.ends.append(len(block))

    @property
    def is_full(self) -> bool:
        return len(self.block) >= SEGMENT_BYTES or len(self.ends) >= SEGMENT_RECORDS

    @property
    def nbytes(self) -> int:
        return len(self.block) + INDEX_BYTES * len(self.ends)

    def seal(self) -> None:
        """Give back the room that the block kept for growing."""
        self.block = bytes(self.block)

    def record(self, index: int) -> Record:
        start = self.ends[index - 1] if index else 0
        middle = start + self.key_sizes[index]
        return Record(
            self.sequences[index],
            self.arrivals[index],
            bytes(self.block[start:middle]).decode(),
            bytes(self.block[middle : self.ends[index]]),
        )


class ShardLog:
    """Appends, reads by position, and forgets what is older than a horizon.

    A position is a sequence number: reading goes on with the record after it. 0 is before all.

    Attributes:
        newest: the last sequence number that was appended, 0 if none was; forgetting keeps it.
        nbytes: bytes that the stored records take, keys and index included.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.nbytes = 0
        self._segments: list[_Segment] = []
        self._head = 0  # records of the first segment that are forgotten but still in memory
        self._stored = 0

    def __len__(self) -> int:
        return self._stored - self._head

    def append(self, sequence: int, arrival: int, key: bytes, data: bytes) -> None:
        """Store a record behind all others.

        Args:
            sequence: greater than that of every record before it.
            arrival: epoch milliseconds; kept from falling behind the record before it.
            key: the partition key in UTF-8.
            data: the content.
        """
        last = self._segments[-1] if self._segments else None
        if last is None or last.is_full:
            if last is not None:
                last.seal()
            arrival = max(arrival, last.arrivals[-1]) if last is not None else arrival
            last = _Segment()
            self._segments.append(last)
        else:
            arrival = max(arrival, last.arrivals[-1])
        last.append(sequence, arrival, key, data)
        self.newest = sequence
        self._stored += 1
        self.nbytes += len(key) + len(data) + INDEX_BYTES

    def trim(self, horizon: int) -> None:
        """Forget the records that arrived before `horizon`, epoch milliseconds."""
        segments = self._segments
        if not segments or segments[0].arrivals[self._head] >= horizon:
            return
        gone = bisect_left(segments, horizon, key=lambda segment: segment.arrivals[-1])
        for segment in segments[:gone]:
            self._stored -= len(segment.ends)
            self.nbytes -= segment.nbytes
        del segments[:gone]
        self._head = bisect_left(segments[0].arrivals, horizon) if segments else 0

    def read(self, position: int, limit: int, max_bytes: int) -> list[Record]:
        """The records after a position.

        Args:
            position: a sequence number, stored or not.
            limit: most records.
            max_bytes: most bytes of data, but one record at least.
        """
        records: list[Record] = []
        size = 0
        for record in self._after(position):
            size += len(record.data)
            if len(records) >= limit or (records and size > max_bytes):
                break
            records.append(record)
        return records

    def position_at(self, moment: int) -> int:
        """The position of the first record that arrived at `moment` (epoch milliseconds) or later."""
        segments = self._segments
        at = bisect_left(segments, moment, key=lambda segment: segment.arrivals[-1])
        if at == len(segments):
            return self.newest
        index = bisect_left(segments[at].arrivals, moment)
        return segments[at].sequences[index] - 1

    def arrival_after(self, position: int) -> int | None:
        """When the first record after a position arrived, epoch milliseconds; None at the end."""
        return next((record.arrival for record in self._after(position)), None)

    def _after(self, position: int) -> Iterator[Record]:
        segments = self._segments
        at = bisect_left(segments, position + 1, key=lambda segment: segment.sequences[-1])
        for number in range(at, len(segments)):
            segment = segments[number]
            first = bisect_right(segment.sequences, position) if number == at else 0
            if number == 0:
                first = max(first, self._head)
            for index in range(first, len(segment.ends)):
                yield segment.record(index)
