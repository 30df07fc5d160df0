"""The streams of an import on disk, sorted and freed of doubles, so that memory stays bounded.

Files overlap, come in any order, and tell one stream twice with different lengths. Finding that
takes all rows at once, and two million of them do not belong in memory: they go through a private
SQLite file that is gone when the import ends.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from musicrec.producer.history.files import Format
from musicrec.producer.history.judging import span
from musicrec.producer.history.lookup import identity
from musicrec.producer.history.rows import Stream

CACHE_KIB: Final = 32 * 1024
REPEATABLE_MS: Final = 60_000
"""The short format knows minutes: two equal rows may be two plays only if both fit into one."""

_BATCH: Final = 2_000

_SCHEMA: Final = """
CREATE TABLE streams (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, ended_at INTEGER NOT NULL, ms_played INTEGER NOT NULL,
    track_id TEXT NOT NULL, identity TEXT NOT NULL, offline_s INTEGER, again INTEGER NOT NULL,
    name TEXT, artist TEXT, album TEXT, reason_end TEXT, skipped INTEGER,
    starts INTEGER NOT NULL, ends INTEGER NOT NULL, approximate INTEGER NOT NULL,
    file TEXT NOT NULL, row INTEGER NOT NULL
);
CREATE TABLE double (number INTEGER PRIMARY KEY);
CREATE TABLE known (number INTEGER PRIMARY KEY);
"""

_INSERT: Final = "INSERT INTO streams VALUES (NULL, ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

# The same track cannot end twice in a second: of such rows the longest stays, and among equal ones the
# first. They are two plays only if both starts are known and differ. Of the short format, which
# knows the minute, only equal rows are one.
_DOUBLE: Final = """
INSERT INTO double SELECT one.number FROM streams AS one WHERE EXISTS (
    SELECT 1 FROM streams AS other
    WHERE other.ended_at = one.ended_at AND other.track_id = one.track_id
    AND other.kind = one.kind AND other.number <> one.number
    AND CASE one.kind WHEN 'short' THEN
        (other.ms_played, other.again) = (one.ms_played, one.again)
        AND other.number < one.number
    ELSE
        (one.offline_s IS NULL OR other.offline_s IS NULL OR one.offline_s = other.offline_s)
        AND (other.ms_played, other.offline_s IS NOT NULL, one.number)
            > (one.ms_played, one.offline_s IS NOT NULL, other.number)
    END
)
"""

_LEFT: Final = """
FROM streams WHERE number NOT IN (SELECT number FROM double)
AND number NOT IN (SELECT number FROM known)
"""


class Staged(Struct, frozen=True, kw_only=True):
    """A stream in its place.

    Attributes:
        number: by which `Staging` knows it.
        stream: what the export tells.
        track_id: Spotify's id, by the export or by the catalogue.
        starts: epoch milliseconds.
        ends: epoch milliseconds.
        approximate: whether the end was taken from the start.
        again: how many equal rows of the same file stand before it (short format).
        file: where the row was read.
        row: which row of it.
    """

    number: int
    stream: Stream
    track_id: str
    starts: int
    ends: int
    approximate: bool
    again: int
    file: str
    row: int


class Staging:
    """All streams of one import, each once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._waiting: list[tuple[Any, ...]] = []
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA temp_store = FILE")
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")

    def add(self, stream: Stream, track_id: str, file: str, row: int, again: int = 0) -> None:
        """Take in a row."""
        when = span(stream)
        self._waiting.append((
            stream.kind, stream.ended_at, stream.ms_played, track_id,
            identity(stream.name or track_id, stream.artist or ""), stream.offline_s, again,
            stream.name, stream.artist, stream.album, stream.reason_end, stream.skipped,
            when.starts, when.ends, when.approximate, file, row,
        ))  # fmt: skip
        if len(self._waiting) == _BATCH:
            self._flush()

    def drop_doubles(self) -> Iterator[tuple[str, int]]:
        """When all rows are in: leave out those that tell of a stream which another row tells of.

        Yields file and row of each.
        """
        self._flush()
        self._db.execute("CREATE INDEX same ON streams (ended_at, track_id, kind)")
        self._db.execute(_DOUBLE)
        yield from self._db.execute(
            "SELECT file, row FROM streams WHERE number IN (SELECT number FROM double) "
            "ORDER BY number"
        )

    def _flush(self) -> None:
        self._db.executemany(_INSERT, self._waiting)
        self._waiting.clear()

    def candidates(self, track_id: str, name: str, first: int, last: int) -> Iterator[Staged]:
        """Streams of a track, by id or `identity`, that ended between two times."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_track ON streams (track_id, ends)")
        self._db.execute("CREATE INDEX IF NOT EXISTS by_name ON streams (identity, ends)")
        query = f"SELECT * {_LEFT} AND (track_id = ? OR identity = ?) AND ends BETWEEN ? AND ?"
        for row in self._db.execute(query, (track_id, name, first, last)):
            yield _staged(row)

    def short_between(self, first: int, last: int) -> Iterator[Staged]:
        """Streams of the short format that ended between two times, both included."""
        query = f"SELECT * {_LEFT} AND kind = 'short' AND ended_at BETWEEN ? AND ?"
        yield from map(_staged, self._db.execute(query, (first, last)))

    def drop_known(self, numbers: Iterable[int]) -> None:
        """Leave out streams that are known from elsewhere."""
        self._db.executemany(
            "INSERT OR IGNORE INTO known VALUES (?)", ((number,) for number in numbers)
        )

    def count(self) -> int:
        """How many streams are left."""
        return int(self._db.execute(f"SELECT count(*) {_LEFT}").fetchone()[0])

    def __iter__(self) -> Iterator[Staged]:
        """The streams that are left, by their start; equal ones in an order of their own."""
        order = "ORDER BY starts, ended_at, track_id, ms_played, again, number"
        cursor = self._db.execute(f"SELECT * {_LEFT} {order}")
        while rows := cursor.fetchmany(_BATCH):
            yield from map(_staged, rows)


@contextmanager
def staging() -> Iterator[Staging]:
    """An empty staging area in a private file, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="musicrec-import-") as folder:
        path = Path(folder) / "streams.sqlite"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            yield Staging(database)


def _staged(row: tuple[Any, ...]) -> Staged:
    (number, kind, ended_at, ms_played, track_id, _, offline_s, again, name, artist, album,
     reason_end, skipped, starts, ends, approximate, file, place) = row  # fmt: skip
    return Staged(
        number=number,
        stream=Stream(
            kind=Format(kind),
            ended_at=ended_at,
            ms_played=ms_played,
            track_id=track_id,
            name=name,
            artist=artist,
            album=album,
            reason_end=reason_end,
            skipped=None if skipped is None else bool(skipped),
            offline_s=offline_s,
        ),
        track_id=track_id,
        starts=starts,
        ends=ends,
        approximate=bool(approximate),
        again=again,
        file=file,
        row=place,
    )
