"""The producer's time axis: never jumps back, includes suspends, and converts to event time.

Durations must not suffer when somebody sets the clock, so they come from the monotonic clock. That
clock stands still while many machines are suspended, so a wall clock that has run ahead of it
counts as a suspend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SUSPEND_MS: Final = 5_000
"""The wall clock ran ahead of the monotonic one by this much: the machine slept."""


@dataclass(frozen=True)
class Moment:
    """One reading of the axis.

    Attributes:
        t: milliseconds on the axis.
        wall_ms: the wall clock at the same moment, epoch milliseconds.
    """

    t: int
    wall_ms: int

    @property
    def offset_ms(self) -> int:
        """What to add to a time on the axis for epoch milliseconds."""
        return self.wall_ms - self.t


class Timeline:
    """Reads both clocks and keeps the axis.

    Args:
        monotonic: seconds that never go back, as `time.monotonic`.
        wall: seconds since the epoch, as `time.time`.
        since: where a former run left the axis; the time between is taken from the wall clock.
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
        self._last = Moment(t, now)
        self._slept = False

    def read(self) -> Moment:
        """The present moment."""
        mono, wall = round(self._monotonic() * 1000), round(self._wall() * 1000)
        elapsed = mono - self._mono_ms
        ahead = wall - self._last.wall_ms - elapsed
        if ahead >= SUSPEND_MS:
            self._slept = True
            elapsed += ahead
        self._mono_ms = mono
        self._last = Moment(self._last.t + elapsed, wall)
        return self._last

    def take_slept(self) -> bool:
        """Whether the machine was suspended since the last call."""
        slept, self._slept = self._slept, False
        return slept
