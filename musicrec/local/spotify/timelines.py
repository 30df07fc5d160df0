"""What really happens in one listener's player: the truth that everything else is measured against.

A player is in one state until something changes it, and within a state its position moves with the
clock or stands still. So a timeline is a list of changes, each with the state that it leads to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Song(Struct, frozen=True):
    """A track that can be played.

    Attributes:
        track_id: 22 base62 characters.
        duration_ms: full length.
        name: title.
        artists: names, first artist first.
        album: the album's name.
        isrc: the recording's code.
    """

    track_id: str
    duration_ms: int
    name: str
    artists: tuple[str, ...]
    album: str
    isrc: str | None = None


class Medium(StrEnum):
    """What kind of thing is in the player."""

    NOTHING = "nothing"
    TRACK = "track"
    AD = "ad"
    EPISODE = "episode"


class Cause(StrEnum):
    """What led to a state."""

    BEGIN = "begin"
    """Something begins: the listener picked it or pressed Next, or what was before had ended."""

    BUFFER = "buffer"
    """The sound stops while the player says that it plays: between two tracks or two devices."""

    AGAIN = "again"
    """The track ended and begins again by itself."""

    RESTART = "restart"
    """The listener goes back to the start of the track."""

    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"
    DEVICE = "device"
    PRIVATE = "private"
    """A private session begins in the middle of something."""

    QUEUE_END = "queue_end"
    """The last track ended and stays in the player, paused at its start."""

    CLOSE = "close"
    """The player is closed."""


class Device(Struct, frozen=True):
    """Where it plays."""

    device_id: str
    name: str
    type: str


class Showing(Struct, frozen=True, kw_only=True):
    """The player's state from `at` until the next change.

    Attributes:
        at: when it began, epoch milliseconds.
        cause: what led to it.
        medium: what is in the player.
        song: the track, for `TRACK`.
        position_ms: position at `at`.
        playing: whether the player says that it plays.
        moving: whether sound is heard, so that the position moves.
        device: where.
        private: whether it is a private session.
        repeat: `off`, `track` or `context`.
        context_uri: playlist, album or artist page that is playing.
    """

    at: int
    cause: Cause
    medium: Medium = Medium.TRACK
    song: Song | None = None
    position_ms: int = 0
    playing: bool = True
    moving: bool = True
    device: Device | None = None
    private: bool = False
    repeat: str = "off"
    context_uri: str | None = None

    def position_at(self, t: int) -> int:
        """The position at `t`, at most the track's length."""
        moved = t - self.at if self.moving else 0
        length = self.song.duration_ms if self.song else self.position_ms + moved
        return min(self.position_ms + moved, length)


class TimelineOrderError(ValueError):
    """Changes of a timeline are not in order of time."""


class Timeline:
    """One listener's player over time.

    Args:
        showings: every change, in order of time.

    Raises:
        TimelineOrderError: a change is earlier than the one before it.
    """

    def __init__(self, showings: Iterable[Showing]) -> None:
        self.showings = tuple(showings)
        self._times = [showing.at for showing in self.showings]
        for place, (before, after) in enumerate(zip(self._times, self._times[1:], strict=False)):
            if after < before:
                raise TimelineOrderError(
                    f"change {place + 1} is at {after}, before {before}: sort the changes by time"
                )

    def place_at(self, t: int) -> int:
        """The number of the change that `t` follows; -1 before the first."""
        return bisect_right(self._times, t) - 1

    def at(self, t: int) -> Showing | None:
        """The state at `t`, None before the first change."""
        place = self.place_at(t)
        return None if place < 0 else self.showings[place]
