"""The lake's events on a local disk, sorted by listener, so that profiles can be made one at a time.

The lake lies in days, a profile spans years: without this, either the whole lake or every profile
would have to be in memory. Listeners fall into buckets by a hash of their id; each bucket is a file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from musicrec.processor.lake import SCHEMA, LakeDay, valid_events

if TYPE_CHECKING:
    from musicrec.events import ListeningEvent

BUCKETS: Final = 256
"""Files; one is in memory at a time, so a billion events take some 4 million rows."""

ROWS_IN_HAND: Final = 200_000
"""Rows gathered before they are written, so that many small days make few small pieces."""

EVENTS_AT_ONCE: Final = 10_000
"""Events of a listener that are Python objects at one time."""


class Listener(Struct, frozen=True):
    """One listener's events, as rows.

    Attributes:
        user_id: the listener.
        rows: the events.
    """

    user_id: str
    rows: pa.Table

    def events(self) -> Iterator[list[ListeningEvent]]:
        """The events in pieces, as often as is asked for."""
        for batch in self.rows.to_batches(max_chunksize=EVENTS_AT_ONCE):
            yield list(valid_events(batch.to_pylist()))


class Spool:
    """The buckets of one copy of the lake.

    Args:
        directory: where the files are; made when the spool is filled.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fill(self, days: Iterable[LakeDay]) -> Iterator[LakeDay]:
        """Write every day's events, in place of what was here; yields each day that was read."""
        self._directory.mkdir(parents=True, exist_ok=True)
        writers = [pq.ParquetWriter(self._file(bucket), SCHEMA) for bucket in range(BUCKETS)]
        try:
            in_hand: list[pa.Table] = []
            for day in days:
                in_hand.append(day.table)
                if sum(table.num_rows for table in in_hand) >= ROWS_IN_HAND:
                    _write(writers, in_hand)
                    in_hand = []
                yield day
            _write(writers, in_hand)
        finally:
            for writer in writers:
                writer.close()

    def listeners(self, bucket: int) -> Iterator[Listener]:
        """The listeners of a bucket, in the order of their ids, each with all events."""
        rows = pq.read_table(self._file(bucket), schema=SCHEMA).sort_by("user_id")
        if not rows.num_rows:
            return
        codes = rows["user_id"].combine_chunks().dictionary_encode().indices.to_numpy()
        starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), rows.num_rows]
        for start, end in pairwise(starts):
            yield Listener(rows["user_id"][start].as_py(), rows.slice(start, end - start))

    def _file(self, bucket: int) -> Path:
        return self._directory / f"{bucket:03}.parquet"


def bucket_of(user_id: str) -> int:
    """The bucket of a listener, the same on every machine."""
    return zlib.crc32(user_id.encode()) % BUCKETS


def _write(writers: list[pq.ParquetWriter], tables: list[pa.Table]) -> None:
    rows = pa.concat_tables([SCHEMA.empty_table(), *tables])
    users = rows["user_id"].combine_chunks().dictionary_encode()
    of_user = np.array([bucket_of(user) for user in users.dictionary.to_pylist()], dtype=np.int64)
    buckets = of_user[users.indices.to_numpy()] if len(of_user) else of_user
    order = np.argsort(buckets, kind="stable")
    ends = np.searchsorted(buckets[order], np.arange(BUCKETS + 1))
    for bucket, writer in enumerate(writers):
        chosen = order[ends[bucket] : ends[bucket + 1]]
        if len(chosen):
            writer.write_table(rows.take(pa.array(chosen)))
