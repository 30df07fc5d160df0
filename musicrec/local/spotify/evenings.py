"""Invented evenings: timelines with everything in them that makes a play hard to follow.

Made for measuring, so pauses, jumps, returns and closed players come more often than in life. Skips
are spread by `Manner`; see `docs/producer.md` for what that does to the figures.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from musicrec.local.spotify.timelines import Cause, Device, Medium, Showing, Song, Timeline

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND

DEVICES: Final = (
    Device("device-phone", "Phone", "Smartphone"),
    Device("device-desk", "Desk", "Computer"),
    Device("device-kitchen", "Kitchen", "Speaker"),
)
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Manner(Struct, frozen=True, kw_only=True):
    """How an invented evening is spent; shares are of plays.

    Attributes:
        skip: plays left by Next before their end; those in the last tenth count as heard out.
        quick: of the skips, those within `quick_s` seconds; the others fall anywhere later.
        quick_s: least and most seconds of a quick skip.
        pause: plays with a pause in them.
        abandon: of the pauses, those that end with another track.
        seek: plays with a jump in them.
        restart: plays that the listener takes back to the start.
        back: plays left for the track before.
        again: plays that begin again by themselves (repeat-one).
        device: plays moved to another device.
        opaque: plays followed by an advertisement or a podcast.
        private: plays in which a private session begins.
        close: plays after which the player is closed for a while.
        crossfade_ms: how long before its end a track is replaced.
    """

    skip: float = 0.53
    quick: float = 1 / 3
    quick_s: tuple[float, float] = (2.0, 30.0)
    pause: float = 0.08
    abandon: float = 0.15
    seek: float = 0.05
    restart: float = 0.015
    back: float = 0.02
    again: float = 0.03
    device: float = 0.03
    opaque: float = 0.015
    private: float = 0.005
    close: float = 0.03
    crossfade_ms: int = 0


SPREAD: Final = Manner()
"""A third of the skips within half a minute, the others anywhere in the track."""

IMPATIENT: Final = Manner(quick=0.9, quick_s=(0.5, 4.0))
"""As real listeners skip: nine of ten within seconds, the median after two or so."""


def songs(rng: random.Random, count: int) -> list[Song]:
    """Tracks of the lengths that music has, some of them shorter than half a minute."""
    made = []
    for number in range(count):
        short = rng.random() < 0.03
        seconds = rng.uniform(18, 45) if short else min(600, max(60, rng.lognormvariate(5.36, 0.3)))
        track_id = "".join(rng.choices(_ALPHABET, k=22))
        made.append(
            Song(
                track_id=track_id,
                duration_ms=round(seconds * SECOND),
                name=f"Song {number}",
                artists=(f"Artist {number % 97}",),
                album=f"Album {number % 211}",
                isrc=f"XX{number:010}",
            )
        )
    return made


def evening(
    rng: random.Random,
    catalogue: Sequence[Song],
    *,
    start_ms: int,
    hours: float,
    manner: Manner = SPREAD,
) -> Timeline:
    """One listener's evening.

    Args:
        rng: the evening's randomness.
        catalogue: tracks to play.
        start_ms: when it begins, epoch milliseconds.
        hours: its length; the player is closed at the end.
        manner: how it is spent.
    """
    return _Evening(rng, catalogue, start_ms, manner).spend(round(hours * 60 * MINUTE))


_Incident = Callable[[Song, int], int]


class _Evening:
    """Writes a timeline play by play."""

    def __init__(
        self, rng: random.Random, catalogue: Sequence[Song], start_ms: int, manner: Manner
    ) -> None:
        self._rng = rng
        self._catalogue = catalogue
        self._manner = manner
        self._now = start_ms
        self._device = rng.choice(DEVICES)
        self._private = False
        self._shown: list[Showing] = []

    def spend(self, length_ms: int) -> Timeline:
        end = self._now + length_ms
        song, back = self._pick(None), None
        while self._now < end:
            before, song = song, self._play(song)
            if self._chance(self._manner.back) and back is not None and back != before:
                song = back
            back = before
            self._between()
        self._show(Cause.CLOSE, medium=Medium.NOTHING, playing=False, moving=False)
        return Timeline(self._shown)

    # One play, from its beginning to the choice of what follows.

    def _play(self, song: Song) -> Song:
        """Play a track and return what is played next; the clock stands where that begins."""
        self._begin(song)
        leaves_at = self._leaves_at(song)
        marks = sorted(self._incidents(leaves_at), key=lambda mark: mark[0])
        position = 0
        for at, incident in marks:
            if at <= position or at >= leaves_at:
                continue
            self._now += at - position
            position = incident(song, at)
            if position < 0:
                return self._pick(song)
        if position >= leaves_at:
            leaves_at = max(position, song.duration_ms - self._manner.crossfade_ms)
        self._now += leaves_at - position
        if leaves_at >= song.duration_ms and self._chance(self._manner.again):
            self._show(Cause.AGAIN, song=song, repeat="track")
            self._now += song.duration_ms
        return self._pick(song)

    def _begin(self, song: Song) -> None:
        self._buffer(0, 300)
        if self._private and self._chance(0.3):
            self._private = False
        self._show(Cause.BEGIN, song=song)

    def _leaves_at(self, song: Song) -> int:
        """The position at which the track ends or is skipped."""
        manner, rng = self._manner, self._rng
        natural = song.duration_ms - manner.crossfade_ms
        if not self._chance(manner.skip):
            return natural
        least, most = (round(bound * SECOND) for bound in manner.quick_s)
        if self._chance(manner.quick):
            return min(natural, rng.randint(least, most))
        return rng.randint(min(most, natural - 1), natural)

    def _incidents(self, leaves_at: int) -> list[tuple[int, _Incident]]:
        manner = self._manner
        kinds = (
            (manner.pause, self._pause),
            (manner.seek, self._seek),
            (manner.restart, self._restart),
            (manner.device, self._move),
            (manner.private, self._hide),
        )
        return [
            (self._rng.randrange(max(1, leaves_at)), incident)
            for share, incident in kinds
            if self._chance(share)
        ]

    # What may happen in the middle; each returns the position after it, -1 if the play is over.

    def _pause(self, song: Song, at: int) -> int:
        self._show(Cause.PAUSE, song=song, position_ms=at, playing=False, moving=False)
        self._now += round(min(40 * MINUTE, max(2 * SECOND, self._rng.lognormvariate(11.0, 1.3))))
        if self._chance(self._manner.abandon):
            return -1
        self._show(Cause.RESUME, song=song, position_ms=at)
        return at

    def _seek(self, song: Song, _at: int) -> int:
        to = self._rng.randrange(song.duration_ms)
        self._show(Cause.SEEK, song=song, position_ms=to)
        return to

    def _restart(self, song: Song, _at: int) -> int:
        self._show(Cause.RESTART, song=song)
        return 0

    def _move(self, song: Song, at: int) -> int:
        self._buffer(500, 2_000)
        self._device = self._rng.choice([d for d in DEVICES if d != self._device])
        self._show(Cause.DEVICE, song=song, position_ms=at)
        return at

    def _hide(self, song: Song, at: int) -> int:
        self._private = True
        self._show(Cause.PRIVATE, song=song, position_ms=at)
        return at

    # Between two plays.

    def _between(self) -> None:
        if self._chance(self._manner.opaque):
            medium = self._rng.choice((Medium.AD, Medium.EPISODE))
            self._show(Cause.BEGIN, medium=medium)
            self._now += round(self._rng.uniform(10, 90) * SECOND)
        if self._chance(self._manner.close):
            self._end_of_queue()
            self._show(Cause.CLOSE, medium=Medium.NOTHING, playing=False, moving=False)
            self._now += round(self._rng.uniform(1, 40) * MINUTE)

    def _end_of_queue(self) -> None:
        before = self._shown[-1]
        if before.song is not None and before.position_at(self._now) == before.song.duration_ms:
            self._show(Cause.QUEUE_END, song=before.song, playing=False, moving=False)
            self._now += round(self._rng.uniform(5, 300) * SECOND)

    def _buffer(self, least_ms: int, most_ms: int) -> None:
        before = self._shown[-1] if self._shown else None
        if before is None or before.medium is not Medium.TRACK or not before.playing:
            return
        self._show(
            Cause.BUFFER,
            song=before.song,
            position_ms=before.position_at(self._now),
            moving=False,
            repeat=before.repeat,
        )
        self._now += self._rng.randint(least_ms, most_ms)

    def _show(self, cause: Cause, **state: Any) -> None:
        values: dict[str, Any] = {"device": self._device, "private": self._private} | state
        self._shown.append(Showing(at=self._now, cause=cause, **values))

    def _pick(self, before: Song | None) -> Song:
        # The same track at once is what `restart` and `again` are for.
        song = self._rng.choice(self._catalogue)
        while song == before and len(self._catalogue) > 1:
            song = self._rng.choice(self._catalogue)
        return song

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share
