"""How long to wait before asking Spotify again.

Often enough to see every change of track, and one extra time right after a track's predicted end;
seldom enough for an app whose daily quota is unpublished. After a refusal, as Spotify asks.
"""

from __future__ import annotations

import math
import random
from typing import Final

from musicrec.producer.auth import LoginRequiredError, SpotifyError
from musicrec.producer.defaults import PLAYING_S
from musicrec.producer.playback import Item, Kind, PlayerState, Snapshot
from musicrec.producer.rules import same_track
from musicrec.producer.spotify import NotAllowedError, QuotaExceededError, RateLimitedError

AFTER_END_S: Final = 1.0
"""One poll this long after the predicted end: it halves the number of plays never seen."""

AFTER_SKIP_S: Final = (3.0, 3.0, 4.0)
"""Waits after a track that was left early: skips come in runs, and the next may follow in seconds."""

PAUSED_S: Final = ((120.0, 10.0), (600.0, 15.0), (math.inf, 30.0))
IDLE_S: Final = ((3_600.0, 30.0), (10_800.0, 60.0), (math.inf, 120.0))
"""For how many seconds of silence which wait lasts. What is played and left within one wait is never
seen, so they grow only when the listener seems to have gone."""

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
        playing_s: the wait while something plays.
    """

    def __init__(self, rng: random.Random, playing_s: float = PLAYING_S) -> None:
        self._rng = rng
        self._playing_s = playing_s
        self._kind: Kind | None = None
        self._since = 0
        self._failures = 0
        self._refusals = 0
        self._factor = 1.0
        self._slow_until = 0
        self._item: Item | None = None
        self._due = 0
        self._hurry: list[float] = []

    def after(self, snap: Snapshot, state: PlayerState) -> float:
        """Seconds to the next poll after an answer that led to `state`."""
        self._failures = self._refusals = 0
        if snap.kind is not self._kind:
            self._kind, self._since = snap.kind, snap.t
        self._watch_for_skips(snap)
        return self._wait(snap, state, self._factor if snap.t < self._slow_until else 1.0)

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

    def _watch_for_skips(self, snap: Snapshot) -> None:
        """Hurry for some polls after a track that made way before its end was due."""
        if snap.kind is not Kind.PLAY or snap.item is None:
            return
        left_early = self._item is not None and snap.t < self._due
        if left_early and not same_track(self._item, snap.item):
            self._hurry = list(AFTER_SKIP_S)
        self._item = snap.item
        self._due = snap.t + snap.item.duration_ms - snap.position_ms

    def _wait(self, snap: Snapshot, state: PlayerState, factor: float) -> float:
        if snap.kind is Kind.PAUSE:
            return factor * self._growing(PAUSED_S, snap)
        if snap.kind is Kind.PRIVATE or (snap.kind is Kind.IDLE and not _in_limbo(state)):
            return factor * self._growing(IDLE_S, snap)
        wait = factor * self._playing_s
        if snap.kind is not Kind.PLAY or snap.item is None or not snap.item.duration_ms:
            return wait
        if self._hurry:
            wait = min(wait, factor * self._hurry.pop(0))
        left_s = (snap.item.duration_ms - snap.position_ms) / 1000
        return min(wait, left_s + AFTER_END_S) if left_s > 0 else wait

    def _growing(self, waits: tuple[tuple[float, float], ...], snap: Snapshot) -> float:
        quiet_s = (snap.t - self._since) / 1000
        return next(wait for until, wait in waits if quiet_s < until)


def _in_limbo(state: PlayerState) -> bool:
    """Whether nothing is shown although a track should be playing."""
    return state.play is not None and state.play.paused_at is None


def _nth(waits: tuple[float, ...], number: int) -> float:
    return waits[min(number, len(waits) - 1)]
