"""Who may call how often: token buckets and quotas of usage plans, and a stage's own throttle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from musicrec.local.gateway.definition import Method, PlanKey, Quota, Resource, Stage, Throttle
from musicrec.local.gateway.exchange import GatewayError, Request

_ALL_METHODS: Final = "*/*"


class TokenBucket:
    """Lets `rate` requests a second through, and `burst` at once after a pause."""

    def __init__(self, throttle: Throttle, now: float) -> None:
        self._throttle = throttle
        self._tokens = float(throttle.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more request may pass at `now` (seconds)."""
        grown = self._tokens + (now - self._at) * self._throttle.rate
        self._tokens, self._at = min(float(self._throttle.burst), grown), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Meter:
    """Counts requests; survives every change of the API that leaves plans and keys as they are.

    Args:
        clock: monotonic seconds, for the buckets.
        today: the UTC time, for the quota's periods.
    """

    def __init__(self, clock: Callable[[], float], today: Callable[[], datetime]) -> None:
        self._clock = clock
        self._today = today
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], tuple[Throttle, TokenBucket]] = {}
        self._used: dict[tuple[str, str], tuple[str, int]] = {}

    def admit_stage(self, api_id: str, stage: Stage, resource: Resource, method: Method) -> None:
        """Count a request against the throttle of its method, or of the whole stage.

        Raises:
            GatewayError: `THROTTLED`.
        """
        path = f"{resource.path.strip('/')}/{method.http_method}"
        name = path if path in stage.throttles else _ALL_METHODS
        throttle = stage.throttles.get(name)
        if throttle and not self._take(("stage", api_id, stage.name, name), throttle):
            raise GatewayError("THROTTLED")

    def admit_key(self, stage: Stage, request: Request) -> PlanKey:
        """The plan key that a request brings, counted against its plan.

        Raises:
            GatewayError: `INVALID_API_KEY`, `THROTTLED` or `QUOTA_EXCEEDED`.
        """
        key = stage.keys.get(request.header("x-api-key") or "")
        if key is None:
            raise GatewayError("INVALID_API_KEY")
        if key.throttle and not self._take(("plan", key.plan_id, key.key_id), key.throttle):
            raise GatewayError("THROTTLED")
        if key.quota and not self._spend(key, key.quota):
            raise GatewayError("QUOTA_EXCEEDED")
        return key

    def reset(self) -> None:
        """Forget every count."""
        with self._lock:
            self._buckets.clear()
            self._used.clear()

    def _take(self, name: tuple[str, ...], throttle: Throttle) -> bool:
        now = self._clock()
        with self._lock:
            known = self._buckets.get(name)
            if known is None or known[0] != throttle:
                known = self._buckets[name] = (throttle, TokenBucket(throttle, now))
            return known[1].take(now)

    def _spend(self, key: PlanKey, quota: Quota) -> bool:
        period, name = _period(quota.period, self._today()), (key.plan_id, key.key_id)
        with self._lock:
            counted, used = self._used.get(name, (period, 0))
            used = used if counted == period else 0
            if used >= quota.limit:
                return False
            self._used[name] = (period, used + 1)
            return True


def _period(kind: str, now: datetime) -> str:
    """The first day of the period that `now` is in; weeks begin on Sunday, as API Gateway's do."""
    day = now.astimezone(UTC).date()
    if kind == "MONTH":
        return f"{day:%Y-%m}"
    if kind == "WEEK":
        day -= timedelta(days=day.isoweekday() % 7)
    return day.isoformat()
