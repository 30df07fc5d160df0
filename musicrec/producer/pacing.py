"""How long to wait before asking Spotify again.

Often enough to see every change of track, and one extra time right after a track's predicted end;
seldom enough for an app whose daily quota is unpublished. After a refusal, as Spotify asks.
"""

from __future__ import annotations

import random
from typing import Final

from musicrec.producer.auth import LoginRequiredError, SpotifyError
from musicrec.producer.playback import Kind, PlayerState, Snapshot
from musicrec.producer.spotify import NotAllowedError, QuotaExceededError, RateLimitedError

PLAYING_S: Final = 10.0
AFTER_END_S: Final = 1.0
"""One poll this long after the predicted end: it halves the number of plays never seen."""

PAUSED_S: Final = (15.0, 30.0)
IDLE_S: Final = (30.0, 60.0, 120.0)
"""First, next and all later waits while nothing happens."""

LOGIN_S: Final = 60.0
NOT_ALLOWED_S: Final = (2.0, 2.0, 600.0)
"""A refusal is at times wrong, and right again on the second try."""

FIRST_BACKOFF_S: Final = 1.0
MAX_BACKOFF_S: Final = 60.0

SLOW: Final = 2.0
SLOW_MS: Final = 600_000
"""After a rate limit the waits are this much longer for ten minutes."""

SLOW_AFTER_QUOTA: Final = 3.0
SLOW_AFTER_QUOTA_MS: Final = 86_400_000
"""After an exhausted quota, which counts over a day, for a day."""


class Pace:
    """Chooses the wait after each answer.

    Args:
        rng: spreads the retries of many producers.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._kind: Kind | None = None
        self._same = 0
        self._failures = 0
        self._refusals = 0
        self._factor = 1.0
        self._slow_until = 0

    def after(self, snap: Snapshot, state: PlayerState) -> float:
        """Seconds to the next poll after an answer that led to `state`."""
        self._failures = self._refusals = 0
        self._same = self._same + 1 if snap.kind is self._kind else 0
        self._kind = snap.kind
        factor = self._factor if snap.t < self._slow_until else 1.0
        return factor * self._wait(snap, state)

    def after_error(self, error: SpotifyError, t: int) -> float:
        """Seconds to the next poll after a failure at `t`."""
        if isinstance(error, RateLimitedError):
            return self._slow_down(error, t)
        if isinstance(error, LoginRequiredError):
            return LOGIN_S
        if isinstance(error, NotAllowedError):
            self._refusals += 1
            return _nth(NOT_ALLOWED_S, self._refusals - 1)
        self._failures += 1
        bound = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10))
        return self._rng.uniform(bound / 2, bound)

    def _slow_down(self, error: RateLimitedError, t: int) -> float:
        quota = isinstance(error, QuotaExceededError)
        self._factor = SLOW_AFTER_QUOTA if quota else max(SLOW, self._factor)
        lasts = SLOW_AFTER_QUOTA_MS if quota else SLOW_MS
        wait_ms = round(error.retry_after_s * 1000)
        self._slow_until = max(self._slow_until, t + wait_ms + lasts)
        return error.retry_after_s

    def _wait(self, snap: Snapshot, state: PlayerState) -> float:
        if snap.kind is Kind.PAUSE:
            return _nth(PAUSED_S, self._same)
        if snap.kind is Kind.PRIVATE or (snap.kind is Kind.IDLE and not _in_limbo(state)):
            return _nth(IDLE_S, self._same)
        if snap.kind is not Kind.PLAY or snap.item is None or not snap.item.duration_ms:
            return PLAYING_S
        left_s = (snap.item.duration_ms - snap.position_ms) / 1000
        return min(PLAYING_S, left_s + AFTER_END_S) if left_s > 0 else PLAYING_S


def _in_limbo(state: PlayerState) -> bool:
    """Whether nothing is shown although a track should be playing."""
    return state.play is not None and state.play.paused_at is None


def _nth(waits: tuple[float, ...], number: int) -> float:
    return waits[min(number, len(waits) - 1)]
