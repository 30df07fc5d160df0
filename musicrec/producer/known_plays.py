"""The plays that this machine has reported already, so that an export does not add them again.

The tracker's plays, and those of a short history, stand here with when they ran. When the account's
extended export comes, each is matched with its row, and the row adds nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from musicrec.events import EventType, ListeningEvent
from musicrec.producer.rules import HISTORY_SLACK_MS, plain

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS known_plays (
    event_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    track_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    duration_ms INTEGER,
    slack_ms INTEGER NOT NULL,
    confirmed_by TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS known_plays_of ON known_plays (user_id, started_at);
CREATE TABLE IF NOT EXISTS covered (
    user_id TEXT NOT NULL, target TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT;
"""

MINUTE_SLACK_MS: Final = 90_000
"""As `HISTORY_SLACK_MS`, for plays of which only the minute is known."""


class KnownPlay(Struct, frozen=True, kw_only=True):
    """One play that was reported.

    Attributes:
        event_id: of its `play` event.
        track_id: Spotify's id, which another source may give differently.
        identity: title and first artist, plainly; what stays when the id changes.
        started_at: epoch milliseconds.
        ended_at: epoch milliseconds; None while it runs.
        duration_ms: length of the track, if known.
        slack_ms: by how much an export's end may be off.
        confirmed_by: the export's play that was found to be this one.
    """

    event_id: str
    track_id: str
    identity: str
    started_at: int
    ended_at: int | None
    duration_ms: int | None
    slack_ms: int
    confirmed_by: str | None

    @property
    def ended_between(self) -> tuple[int, int]:
        """When the same play may have ended by another source, both epoch milliseconds."""
        ends = (self.ended_at or 0, self.started_at + (self.duration_ms or 0))
        return self.started_at - self.slack_ms, max(ends) + self.slack_ms


class KnownPlays:
    """The table of plays in the outbox's file; some 200 bytes a play.

    Args:
        database: the open file; transactions are the caller's.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def note(self, event: ListeningEvent, slack_ms: int = HISTORY_SLACK_MS) -> None:
        """Write down the begin or the end of a play."""
        if event.event_type is EventType.PLAY:
            self._begin(event, slack_ms)
        elif event.is_terminal:
            self._db.execute(
                "UPDATE known_plays SET ended_at = ? WHERE event_id = (SELECT event_id "
                "FROM known_plays WHERE user_id = ? AND track_id = ? AND ended_at IS NULL "
                "ORDER BY started_at DESC LIMIT 1)",
                (event.occurred_at, event.user_id, event.track_id),
            )

    def _begin(self, event: ListeningEvent, slack_ms: int) -> None:
        track = event.track
        artist = track.artists[0] if track and track.artists else ""
        name = f"{plain(track.name)}\x1f{plain(artist)}" if track and artist else event.track_id
        self._db.execute(
            "INSERT OR IGNORE INTO known_plays VALUES (?, ?, ?, ?, ?, NULL, ?, ?, NULL)",
            (
                event.event_id, event.user_id, event.track_id, name, event.occurred_at,
                event.duration_ms, slack_ms,
            ),
        )  # fmt: skip

    def of(self, user_id: str) -> list[KnownPlay]:
        """A listener's plays, oldest first."""
        names = KnownPlay.__struct_fields__
        rows = self._db.execute(
            f"SELECT {', '.join(names)} FROM known_plays WHERE user_id = ? "  # noqa: S608 - our own field names
            "ORDER BY started_at, event_id",
            (user_id,),
        )
        return [KnownPlay(**dict(zip(names, row, strict=True))) for row in rows]

    def confirm(self, pairs: Iterable[tuple[KnownPlay, str]]) -> None:
        """Write down which play of an export each known play is."""
        self._db.executemany(
            "UPDATE known_plays SET confirmed_by = ? WHERE event_id = ?",
            [(play_id, known.event_id) for known, play_id in pairs],
        )

    def cover(self, user_id: str, target: str, first: int, last: int) -> None:
        """Write down that a period (epoch milliseconds) of the extended history went to a target."""
        self._db.execute("INSERT INTO covered VALUES (?, ?, ?, ?)", (user_id, target, first, last))

    def covered(self, user_id: str, target: str) -> list[tuple[int, int]]:
        """The periods that `cover` noted."""
        return self._db.execute(
            "SELECT DISTINCT first, last FROM covered WHERE user_id = ? AND target = ?",
            (user_id, target),
        ).fetchall()
