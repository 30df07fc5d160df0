"""Switches for what the platform is known to get wrong; all off, it is a truthful server.

Each switch stands for reports of users or maintainers of other trackers. A truthful server is not
an exact one: its positions are extrapolated from what devices report, so they are off by up to
`jitter_ms` either way, and its play history never was complete.
"""

from __future__ import annotations

import zlib

from msgspec import Struct


class Defects(Struct, frozen=True, kw_only=True):
    """What the simulated platform gets wrong.

    Attributes:
        jitter_ms: by how much a moving position may be off.
        stale: share of changes that the server learns of late.
        stale_s: least and most seconds by which it is late.
        zombie: share of closed players that stay "playing", their position growing past the end.
        zombie_s: for how many seconds.
        zero_progress: whether one device in three always reports progress 0.
        vanish: share of minutes in which the player shows nothing (204) for some seconds.
        lost_history: share of the history's rows that are missing.
        history_lag_s: seconds until a play is in the history.
        relinked: share of tracks whose id and album in the history differ from the player's.
        fail: share of minutes in which each answer is an HTTP 503.
        drop: share of minutes in which each connection is closed without an answer.
        limit_every_s: seconds from one rate limit (429, `Retry-After`) to the next, 0 for none.
        retry_after_s: seconds that a rate limit asks to wait.
        quota_calls: calls in a rolling day after which the quota is exhausted, 0 for no quota.
        refuse: share of minutes in which the first answer is a mistaken 401 or 403.
        token_life_s: seconds that an access token is good for.
        rotating: whether a refresh brings a new refresh token, as it did before July 2026.
        scopeless: whether a refresh's answer lacks the scope.
    """

    jitter_ms: int = 300
    stale: float = 0.0
    stale_s: tuple[float, float] = (5.0, 45.0)
    zombie: float = 0.0
    zombie_s: float = 1_200.0
    zero_progress: bool = False
    vanish: float = 0.0
    lost_history: float = 0.0
    history_lag_s: float = 0.0
    relinked: float = 0.0
    fail: float = 0.0
    drop: float = 0.0
    limit_every_s: float = 0.0
    retry_after_s: float = 30.0
    quota_calls: int = 0
    refuse: float = 0.0
    token_life_s: int = 3_600
    rotating: bool = False
    scopeless: bool = False


TRUTHFUL = Defects()
"""Nothing wrong but what can never be exact."""


def chance(*what: str | int) -> float:
    """A number from 0 to 1 that looks random and is always the same for the same thing."""
    return zlib.crc32("/".join(map(str, what)).encode()) / 2**32
