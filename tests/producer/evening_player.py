"""A player that plays a fixed evening by a clock that moves only while a tracker waits.

An evening never ends and is the same for everybody who asks at the same moment, so a tracker that
was killed and started again can be compared with one that ran through.
"""

import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from musicrec.producer.clock import Timeline
from musicrec.producer.playback import Item, Kind, PastPlay, Snapshot

START_S = 1_767_600_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


FORGOTTEN_S = 600
"""A player that pauses for longer is shown as none at all."""


class Stretch(NamedTuple):
    """A time in which the player shows one thing, or nothing."""

    seconds: int
    item: Item | None = None
    position: int = 0
    playing: bool = False

    @property
    def is_heard_out(self) -> bool:
        """Whether a track plays until its end."""
        ends = 1000 * (self.position + self.seconds)
        return self.playing and self.item is not None and ends == self.item.duration_ms


def track(number: int, seconds: int) -> Item:
    """A track with an id of its own."""
    letter = ALPHABET[number % len(ALPHABET)]
    track_id = f"{number:021}{letter}"
    return Item(
        uri=f"spotify:track:{track_id}",
        track_id=track_id,
        duration_ms=1000 * seconds,
        name=f"Song {number}",
        artists=("Ana",),
        album="Album",
    )


def one_evening(seed: int) -> Iterator[Stretch]:
    """Tracks heard out, skipped, paused and jumped in, one after another.

    Without silences: a tracker asks rarely then, and what it sees first depends on when.
    """
    rng = random.Random(seed)
    for number in count():
        length = rng.randrange(120, 240)
        item = track(number, length)
        what = rng.choices(["out", "skip", "pause", "jump"], [8, 6, 2, 2])[0]
        if what == "skip":
            yield Stretch(rng.randrange(20, length - 30), item, 0, True)
        elif what == "pause":
            at = rng.randrange(30, length - 40)
            yield Stretch(at, item, 0, True)
            yield Stretch(rng.randrange(40, 300), item, at, False)
            yield Stretch(length - at, item, at, True)
        elif what == "jump":
            at = rng.randrange(30, 60)
            yield Stretch(at, item, 0, True)
            yield Stretch(length - at - 25, item, at + 25, True)
        else:
            yield Stretch(length, item, 0, True)


def quiet_evening(seed: int) -> Iterator[Stretch]:
    """Tracks with long silences between them and pauses in them, most of the time nothing plays.

    What plays lasts longer than the longest wait between two polls, so that it is seen in any case.
    """
    rng = random.Random(seed)
    for number in count():
        length = rng.randrange(220, 300)
        item = track(number, length)
        at = rng.randrange(130, length - 60)
        what = rng.choice(["out", "leave", "pause", "next"])
        yield Stretch(length if what == "out" else at, item, 0, True)
        if what == "pause":
            yield Stretch(rng.randrange(120, 3_000), item, at, False)
            yield Stretch(length - at, item, at, True)
        if what != "next":
            yield Stretch(rng.randrange(120, 3_000))


EVENINGS = {"lively": one_evening, "quiet": quiet_evening}


class EveningPlayer:
    """What a tracker watches.

    Args:
        now: seconds since the epoch, in the simulation.
        timeline: the tracker's clock, which hears the platform's as in every real answer.
        evening: which of `EVENINGS`.
    """

    def __init__(
        self, now: Callable[[], float], timeline: Timeline, evening: str = "lively"
    ) -> None:
        self._now, self._timeline = now, timeline
        self._evening = EVENINGS[evening](1)
        self._known: list[tuple[float, Stretch]] = []
        self._ends = float(START_S)
        self.failing: Callable[[], Exception | None] = lambda: None

    def poll(self) -> Snapshot:
        """What plays at this moment."""
        error = self.failing()
        if error is not None:
            raise error
        now = self._now()
        self._timeline.hear(1000 * int(now))
        began, shown = self._shown(now)
        gone = not shown.playing and now - began > FORGOTTEN_S
        if shown.item is None or gone:
            return Snapshot(t=self._timeline.read().t, kind=Kind.IDLE)
        moved = round((now - began) * 1000) if shown.playing else 0
        return Snapshot(
            t=self._timeline.read().t,
            kind=Kind.PLAY if shown.playing else Kind.PAUSE,
            item=shown.item,
            position_ms=1000 * shown.position + moved,
            device="d",
            device_type="Speaker",
        )

    def history(self, _offset_ms: int) -> list[PastPlay]:
        """The tracks that were heard out; times by the platform's clock, however the listener's goes."""
        error = self.failing()
        if error is not None:
            raise error
        now, axis = self._now(), self._timeline.read().t
        self._shown(now)
        ended = [
            PastPlay(shown.item, axis + round((began + shown.seconds - now) * 1000))
            for began, shown in self._known
            if shown.is_heard_out and began + shown.seconds <= now
        ]
        return ended[-50:]

    def is_silent(self) -> bool:
        """Whether nothing plays now."""
        return not self._shown(self._now())[1].playing

    def shows_the_same_since(self) -> float:
        """Seconds since the last change."""
        now = self._now()
        return now - self._shown(now)[0]

    def _shown(self, now: float) -> tuple[float, Stretch]:
        while self._ends <= now:
            stretch = next(self._evening)
            self._known.append((self._ends, stretch))
            self._ends += stretch.seconds
        return next((began, one) for began, one in reversed(self._known) if began <= now)
