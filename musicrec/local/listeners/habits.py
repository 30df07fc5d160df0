"""How one listener listens, in numbers drawn between the published extremes.

Each published figure is a range across seven people with a median. A habit is drawn so that half
of the listeners fall below that median and none outside the range (`between`); where a figure is
the outcome of several habits, the habits' ranges were fitted until the outcome met the figure.
"""

from __future__ import annotations

from typing import Final, TypedDict

import numpy as np
from msgspec import Struct

DEVICES: Final = ("Smartphone", "Computer", "Speaker", "TV", "CastAudio", "Automobile")
_DEVICE_SHARES: Final = (6.0, 4.0, 1.5, 0.5, 0.4, 0.6)
_UTC_OFFSETS: Final = (-8, -5, -3, 0, 0, 1, 1, 1, 2, 2, 3, 5, 9)
"""Hours from UTC of where listeners live."""

_OUTSIDE_RUNS: Final = 1.5
"""Invented artists have more songs than a sample of the catalogue leaves to real ones, so listeners
stay with them longer; the odds of taking a song from the catalogue make up for it."""

_ALIKE: Final = 16.0
"""How alike listeners are in what the catalogue covers of theirs: more is more alike."""


class Habits(Struct, frozen=True, kw_only=True):
    """The numbers that make one listener different from the next.

    Attributes:
        plays_per_day: plays on an active day, on average.
        active_share: share of days with any listening.
        session_plays: median plays of a session.
        session_spread: deviation of the logarithm of a session's plays.
        breadth: genres that the taste is spread over, exp(entropy).
        skip_after_done: probability of a skip when the play before was not skipped.
        skip_after_skip: probability of a skip right after another.
        choosiness: how much a poor fit raises the odds of a skip.
        stop_share: share of the plays not skipped that are stopped or replaced before the end.
        early_stop: share of those stops that come within seconds.
        skip_seconds: median time to a quick skip, in seconds.
        late_skip: share of skips that come only after half a minute or more.
        repeat: probability that a track heard to its end starts again at once.
        back: probability that a skip was the back button and the play before starts again.
        discovery: share of plays that try a track never heard before.
        recent: share of plays that return to one of the last fifty.
        artist: share of plays that stay with the artist.
        mood: share of free choices that keep to the session's genre.
        shuffle: share of sessions with shuffle on.
        library: tracks known before the simulation begins.
        favouritism: exponent of the weights of known tracks by rank.
        in_catalog: probability that a track newly taken up is one that the catalogue has.
        utc_offset: hours from UTC.
        hour_shift: how many hours later than most the listener's day runs.
        pause: probability of a pause in a play of some length.
        seek: probability of a jump within a play of some length.
        devices: probability of each of `DEVICES` for a session.
    """

    plays_per_day: float
    active_share: float
    session_plays: float
    session_spread: float
    breadth: float
    skip_after_done: float
    skip_after_skip: float
    choosiness: float
    stop_share: float
    early_stop: float
    skip_seconds: float
    late_skip: float
    repeat: float
    back: float
    discovery: float
    recent: float
    artist: float
    mood: float
    shuffle: float
    library: int
    favouritism: float
    in_catalog: float
    utc_offset: int
    hour_shift: float
    pause: float
    seek: float
    devices: tuple[float, ...]


def draw_habits(rng: np.random.Generator, in_catalog: float) -> Habits:
    """One listener's habits.

    Args:
        rng: the listener's own randomness.
        in_catalog: mean share, over listeners, of plays of tracks that the catalogue has.
    """
    plays_per_day = between(rng, 19, 25, 130)
    active_share = min(0.97, between(rng, 0.24, 0.43, 1.0))
    return Habits(
        plays_per_day=plays_per_day,
        active_share=active_share,
        session_plays=min(between(rng, 6.5, 9, 20), plays_per_day / 2),
        session_spread=between(rng, 1.0, 1.15, 1.25),
        breadth=between(rng, 4, 9.5, 16),
        **_impatience(rng),
        choosiness=between(rng, 0.3, 0.6, 1.2),
        early_stop=between(rng, 0.5, 0.65, 0.8),
        skip_seconds=between(rng, 0.8, 1.8, 3.5),
        late_skip=between(rng, 0.03, 0.11, 0.27),
        repeat=between(rng, 0.009, 0.033, 0.14),
        back=between(rng, 0.02, 0.06, 0.12),
        discovery=between(rng, 0.14, 0.22, 0.45),
        recent=between(rng, 0.02, 0.08, 0.2),
        artist=between(rng, 0.15, 0.36, 0.7),
        mood=between(rng, 0.1, 0.25, 0.45),
        shuffle=between(rng, 0.17, 0.6, 0.9),
        library=_library_size(rng, plays_per_day * active_share),
        favouritism=between(rng, 0.12, 0.27, 0.42),
        in_catalog=_catalog_share(rng, in_catalog),
        utc_offset=int(rng.choice(_UTC_OFFSETS)),
        hour_shift=float(rng.normal(0.0, 1.5)),
        pause=between(rng, 0.005, 0.03, 0.1),
        seek=between(rng, 0.002, 0.015, 0.06),
        devices=tuple(map(float, rng.dirichlet(_DEVICE_SHARES))),
    )


def between(rng: np.random.Generator, low: float, median: float, high: float) -> float:
    """A draw from `low` to `high` with the given median, uniform in the logarithm on either side."""
    logarithm = np.interp(rng.random(), (0.0, 0.5, 1.0), np.log((low, median, high)))
    return float(np.exp(logarithm))


class _Impatience(TypedDict):
    skip_after_done: float
    skip_after_skip: float
    stop_share: float


def _impatience(rng: np.random.Generator) -> _Impatience:
    # Drawn as shares of plays left early and, of those, skipped: whoever skips little stops more,
    # else some listeners would hear nearly everything to the end, which none of the seven does.
    left_early = between(rng, 0.38, 0.46, 0.78)
    skips = left_early * between(rng, 0.48, 0.7, 0.88)
    after_skip = float(np.clip(0.59 + 0.5 * skips + rng.normal(0.0, 0.05), 0.56, 0.88))
    return _Impatience(
        # The two-state chain that stays on skip with after_skip and skips this often overall.
        skip_after_done=min(0.3, skips * (1 - after_skip) / (1 - skips)),
        skip_after_skip=after_skip,
        stop_share=(left_early - skips) / (1 - skips),
    )


def _library_size(rng: np.random.Generator, plays_a_day: float) -> int:
    # Who plays more knows more, but not in proportion: repertoire grows like a root of the plays.
    size = 190.0 * (plays_a_day / 12.0) ** 0.6 * rng.lognormal(0.0, 0.25)
    return int(np.clip(size, 60, 1500))


def _catalog_share(rng: np.random.Generator, of_plays: float) -> float:
    if of_plays in (0.0, 1.0):
        return of_plays
    odds = _OUTSIDE_RUNS * of_plays / (1 - of_plays)
    mean = odds / (1 + odds)
    return float(rng.beta(_ALIKE * mean, _ALIKE * (1 - mean)))
