"""The producer's time axis: never jumps back, includes suspends, and converts to event time.

Durations must not suffer when somebody sets the clock, so they come from the monotonic clock. That
clock stands still while many machines are suspended. How long that was, a clock that nobody here can
set knows: Spotify's, which comes with every answer. Until it has been heard, a wall clock that has
run ahead of the monotonic one counts as a suspend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SUSPEND_MS: Final = 5_000
"""Another clock ran ahead of the monotonic one by this much: the machine slept. More than what two
readings of a clock that ticks in seconds differ by."""


@dataclass(frozen=True)
class Heard:
    """What Spotify's clock said.

    Attributes:
        t: when, milliseconds on the axis.
        clock_ms: its time, epoch milliseconds.
    """

    t: int
    clock_ms: int


@dataclass(frozen=True)
class Moment:
    """One reading of the axis.

    Attributes:
        t: milliseconds on the axis.
        wall_ms: the wall clock at the same moment, epoch milliseconds.
        heard: what Spotify's clock said last, None before it has said anything.
    """

    t: int
    wall_ms: int
    heard: Heard | None = None

    @property
    def offset_ms(self) -> int:
        """What to add to a time on the axis for epoch milliseconds."""
        return self.wall_ms - self.t


class Timeline:
    """Reads both clocks and keeps the axis.

    Args:
        monotonic: seconds that never go back, as `time.monotonic`.
        wall: seconds since the epoch, as `time.time`.
        since: where a former run left the axis. The time between is taken from the wall clock, and
            put right as soon as Spotify's clock is heard.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        *,
        since: Moment | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._mono_ms = round(monotonic() * 1000)
        now = round(wall() * 1000)
        t = now if since is None else since.t + max(0, now - since.wall_ms)
        self._last = Moment(t, now, None if since is None else since.heard)
        self._guessed = self._last.heard is not None
        self._slept = False

    def read(self) -> Moment:
        """The present moment."""
        mono, wall = round(self._monotonic() * 1000), round(self._wall() * 1000)
        elapsed = mono - self._mono_ms
        ahead = wall - self._last.wall_ms - elapsed
        if self._last.heard is None and ahead >= SUSPEND_MS:
            self._slept = True
            elapsed += ahead
        self._mono_ms = mono
        self._last = Moment(self._last.t + elapsed, wall, self._last.heard)
        return self._last

    def hear(self, clock_ms: int) -> None:
        """Take in what Spotify's clock says now.

        Args:
            clock_ms: epoch milliseconds, right to about a second. A time that lags is left aside:
                something on the way remembered an old answer.
        """
        now = self.read()
        missing = 0 if now.heard is None else _due(now.heard, clock_ms) - now.t
        guessed, self._guessed = self._guessed, False
        if missing <= -SUSPEND_MS and not guessed:
            return
        t = now.t
        if abs(missing) >= SUSPEND_MS:
            assert now.heard is not None
            # The wall clock, set between two runs, may have led too far; never behind what was seen.
            t = max(now.heard.t, t + missing)
            self._slept |= missing > 0
        self._last = Moment(t, now.wall_ms, Heard(t, clock_ms))

    def take_slept(self) -> bool:
        """Whether the machine was suspended since the last call."""
        slept, self._slept = self._slept, False
        return slept


def _due(heard: Heard, clock_ms: int) -> int:
    """Where the axis should be when Spotify's clock says `clock_ms`."""
    return heard.t + clock_ms - heard.clock_ms
