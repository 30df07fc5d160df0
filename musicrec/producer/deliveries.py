"""When the outbox is emptied: after every poll, and ever more seldom while the API does not take it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Protocol

from musicrec.producer.courier import UNDER_WAY, Courier
from musicrec.producer.ingest import RefusedSenderError

if TYPE_CHECKING:
    from musicrec.producer.clock import Moment
    from musicrec.producer.isolating import Sender
    from musicrec.producer.outbox import Delivery
    from musicrec.producer.status import Status

FIRST_RESEND_S: Final = 2.0
LAST_RESEND_S: Final = 60.0


class Waiting(Protocol):
    """Where events wait: `musicrec.producer.outbox.Outbox`."""

    def waiting(self) -> int:
        """How many."""

    def given_up(self) -> int:
        """How many were given up because too many waited."""

    def set_aside(self) -> list[tuple[str, str]]:
        """Those that can never be accepted, each with the reason, oldest first."""

    def deliver(self, api: Sender, /) -> Delivery:
        """Send what waits."""


class Deliveries:
    """Empties an outbox without making its caller wait.

    Args:
        outbox: where events wait.
        api: where they go, at whatever speed.
        status: is told what came of it.
        rng: spreads retries.
    """

    def __init__(self, outbox: Waiting, api: Sender, status: Status, rng: random.Random) -> None:
        self._outbox = outbox
        self._courier = Courier(api)
        self._status = status
        self._rng = rng
        self._resend_t: int | None = None
        self._resends = 0
        self._count()

    def attempt(self, now: Moment) -> None:
        """Send what waits, unless a failure is too recent."""
        if self._resend_t is None or now.t >= self._resend_t:
            self._deliver(now)

    def finish(self, now: Moment) -> None:
        """Send what waits a last time, and wait for the outcome."""
        self._courier.be_patient()
        while self._deliver(now) == UNDER_WAY:
            pass
        self._courier.close()

    def _deliver(self, now: Moment) -> str | None:
        """Send, and return why events still wait."""
        status = self._status
        problem, retry_after_s = None, None
        try:
            delivery = self._outbox.deliver(self._courier)
        except RefusedSenderError as error:
            problem = str(error)
        else:
            status.accepted += delivery.accepted
            problem, retry_after_s = delivery.problem, delivery.retry_after_s
        self._count()
        if problem == UNDER_WAY:
            return problem
        if problem is None:
            status.delivery_problem = self._resend_t = None
            self._resends = 0
        else:
            status.fail_delivery(problem, now.wall_ms)
            self._put_off(now, retry_after_s)
        return problem

    def _count(self) -> None:
        status = self._status
        status.waiting = self._outbox.waiting()
        status.given_up = self._outbox.given_up()
        aside = self._outbox.set_aside()
        status.set_aside = len(aside)
        status.rejection = aside[-1][1] if aside else None

    def _put_off(self, now: Moment, retry_after_s: float | None) -> None:
        bound = min(LAST_RESEND_S, FIRST_RESEND_S * 2.0 ** min(self._resends, 10))
        self._resends += 1
        delay = max(self._rng.uniform(0.0, bound), min(retry_after_s or 0.0, LAST_RESEND_S))
        self._resend_t = now.t + round(delay * 1000)
