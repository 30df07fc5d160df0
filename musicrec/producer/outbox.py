"""The outbox: what was inferred is on disk before anything is sent, and stays until it is accepted.

The player's state and the events that led to it are written in one transaction. A process that is
killed at any point therefore continues from a state whose events are all there, and an event that
was sent but not yet removed is sent again under the same id.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from musicrec import events
from musicrec.events import MAX_EVENTS_PER_REQUEST, ListeningEvent
from musicrec.producer import known_plays
from musicrec.producer.clock import Heard
from musicrec.producer.isolating import Part, Sender, deliver
from musicrec.producer.known_plays import KnownPlays
from musicrec.producer.playback import PlayerState

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS player (user_id TEXT PRIMARY KEY, memory BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS set_aside (
    event_id TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS given_up (only INTEGER PRIMARY KEY CHECK (only = 1), events INTEGER) STRICT;
INSERT OR IGNORE INTO given_up VALUES (1, 0);
"""

MAX_WAITING: Final = 200_000
"""Events that wait at most, some 100 MB: years of one listener's, should the API never answer."""

MAX_SET_ASIDE: Final = 10_000
"""Rejected events kept to be looked at, the newest."""

MAX_PLAY_EVENTS: Final = 1_000
"""No play has this many signals: the end of the oldest play is looked for no further."""


class OutboxFileError(Exception):
    """The outbox's file is no database of ours or cannot be used."""


class OutboxBusyError(OutboxFileError):
    """Another tracker of this listener is running."""


class Memory(Struct, frozen=True, kw_only=True):
    """What a producer must know to continue where it was.

    Attributes:
        state: of the state machine.
        t: the last reading of the producer's time axis.
        wall_ms: the wall clock at that moment.
        heard: what Spotify's clock said last.
        hold_until_ms: the wall-clock time before which Spotify must not be asked.
    """

    state: PlayerState
    t: int
    wall_ms: int
    heard: Heard | None = None
    hold_until_ms: int | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """What one delivery did.

    Attributes:
        accepted: events that the API took and the outbox forgot.
        set_aside: events that the API will never take.
        problem: why events still wait, None when the outbox is empty.
        retry_after_s: seconds that the API asked to wait.
    """

    accepted: int = 0
    set_aside: int = 0
    problem: str | None = None
    retry_after_s: float | None = None


class Outbox:
    """One listener's producer on disk; for one process and one thread at a time.

    Args:
        path: SQLite file, made readable for its owner alone when it does not exist.
        most: events that may wait. Beyond that the oldest plays are given up, each with all of its
            events, so that no play at the other end lacks its begin; `given_up` counts them.

    Raises:
        OutboxBusyError: another process has it open.
        OutboxFileError: the file cannot be opened or is no outbox.
    """

    def __init__(self, path: Path, *, most: int = MAX_WAITING) -> None:
        self._most = most
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(SCHEMA + known_plays.SCHEMA)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
                raise OutboxBusyError(
                    f"{path} is in use: another `musicrec track` is running, stop it first"
                ) from error
            raise OutboxFileError(f"{path}: {error}; check the folder's rights") from error
        except (OSError, sqlite3.DatabaseError) as error:
            raise OutboxFileError(
                f"{path}: {error}; move the file away to start with an empty outbox"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self, user_id: str) -> Memory | None:
        """What the listener's producer remembered last, None at the first start."""
        row = self._db.execute("SELECT memory FROM player WHERE user_id = ?", (user_id,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Memory)

    def record(self, user_id: str, memory: Memory, new: Sequence[ListeningEvent]) -> None:
        """Store the state and the events that led to it, both or neither.

        An event that breaks the event's own rules (a clock far off, say) is set aside at once: the
        API would reject it, and one bad event must not hold up the others.
        """
        known = KnownPlays(self._db)
        with self._transaction():
            for event in new:
                self._insert(event)
                known.note(event)
            if new:
                self._make_room()
            self._db.execute(
                "INSERT INTO player VALUES (?, ?) "
                "ON CONFLICT (user_id) DO UPDATE SET memory = excluded.memory",
                (user_id, msgspec.json.encode(memory)),
            )

    def _insert(self, event: ListeningEvent) -> None:
        body = events.encode(event)
        try:
            events.decode(body)
        except events.InvalidEventError as error:
            self._insert_aside(event, str(error))
            return
        self._db.execute(
            "INSERT OR IGNORE INTO waiting (event_id, body) VALUES (?, ?)", (event.event_id, body)
        )

    def waiting(self) -> int:
        """Number of events not yet accepted."""
        return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def given_up(self) -> int:
        """Number of events that were given up because too many waited."""
        return int(self._db.execute("SELECT events FROM given_up").fetchone()[0])

    @contextmanager
    def known_plays(self) -> Iterator[KnownPlays]:
        """The plays reported from here, changed in one transaction."""
        with self._transaction():
            yield KnownPlays(self._db)

    def set_aside(self) -> list[tuple[str, str]]:
        """Ids of the events that can never be accepted, each with the reason, oldest first."""
        return self._db.execute("SELECT event_id, reason FROM set_aside ORDER BY rowid").fetchall()

    def deliver(self, api: Sender) -> Delivery:
        """Send what waits, oldest first, until nothing waits or the API does not take more.

        Raises:
            RefusedSenderError: the API refuses the key or the address; all events stay.
        """
        accepted = rejected = 0
        while batch := self._oldest():
            for part in deliver(api, batch):
                self._settle(part, batch)
                accepted += len(part.accepted)
                rejected += len(part.rejected)
                if part.problem is not None:
                    return Delivery(
                        accepted=accepted,
                        set_aside=rejected,
                        problem=part.problem,
                        retry_after_s=part.retry_after_s,
                    )
        return Delivery(accepted=accepted, set_aside=rejected)

    def _settle(self, part: Part, batch: Sequence[ListeningEvent]) -> None:
        """Forget what was accepted, and move what was rejected out of the way."""
        with self._transaction():
            for event in batch:
                if event.event_id in part.rejected:
                    self._insert_aside(event, part.rejected[event.event_id])
            self._db.executemany(
                "DELETE FROM waiting WHERE event_id = ?",
                [(event_id,) for event_id in (*part.accepted, *part.rejected)],
            )

    def _oldest(self) -> list[ListeningEvent]:
        rows = self._db.execute(
            "SELECT body FROM waiting ORDER BY number LIMIT ?", (MAX_EVENTS_PER_REQUEST,)
        )
        return [events.decode(body) for (body,) in rows]

    def _insert_aside(self, event: ListeningEvent, reason: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?)",
            (event.event_id, events.encode(event), reason),
        )
        self._db.execute(
            "DELETE FROM set_aside WHERE rowid NOT IN "
            "(SELECT rowid FROM set_aside ORDER BY rowid DESC LIMIT ?)",
            (MAX_SET_ASIDE,),
        )

    def _make_room(self) -> None:
        """Give up the oldest plays, whole, where more waits than may."""
        too_many = self.waiting() - self._most
        if too_many <= 0:
            return
        oldest = self._db.execute("SELECT number, body FROM waiting ORDER BY number").fetchmany(
            too_many + MAX_PLAY_EVENTS
        )
        last = oldest[too_many - 1][0]
        for number, body in oldest[too_many - 1 :]:
            last = number
            if events.decode(body).is_terminal:
                break
        given_up = self._db.execute("DELETE FROM waiting WHERE number <= ?", (last,)).rowcount
        self._db.execute("UPDATE given_up SET events = events + ?", (given_up,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
