"""What a listener wants to see of a running tracker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Status:
    """The present state, changed in place by the tracker.

    Attributes:
        playing: the track in the player, None when nothing or a private session plays.
        paused: whether it pauses.
        accepted: events that the API took since the start.
        waiting: events in the outbox.
        set_aside: events that the API will never take.
        rejection: why, of the newest of them.
        given_up: events lost because the outbox was full.
        unseen: plays that only the play history told of since the start.
        problem: why Spotify gives no answer, None while it does.
        delivery_problem: why events wait, None while they do not.
        last_error: the last problem of either kind, and when that was (epoch milliseconds).
    """

    playing: str | None = None
    paused: bool = False
    accepted: int = 0
    waiting: int = 0
    set_aside: int = 0
    rejection: str | None = None
    given_up: int = 0
    unseen: int = 0
    problem: str | None = None
    delivery_problem: str | None = None
    last_error: tuple[str, int] | None = None

    def fail(self, problem: str, wall_ms: int) -> None:
        """Note that Spotify gives no answer."""
        self.problem = problem
        self.last_error = (problem, wall_ms)

    def fail_delivery(self, problem: str, wall_ms: int) -> None:
        """Note why events wait."""
        self.delivery_problem = problem
        self.last_error = (problem, wall_ms)
