"""The simulation's clock: it moves only when told to, so that hours of polling take no time."""

from __future__ import annotations


class SimulatedClock:
    """A wall clock and a monotonic clock that tick together.

    Args:
        now_ms: where it starts, epoch milliseconds.
    """

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += round(seconds * 1000)

    def seconds(self) -> float:
        """Seconds since the epoch; serves as monotonic clock too, since it never goes back."""
        return self.now_ms / 1000

    def milliseconds(self) -> int:
        """Milliseconds since the epoch."""
        return self.now_ms
