"""When a listener sits down to listen: active days, sessions, hours, devices.

Everything is drawn week by week and day by day from the listener's own randomness, so a history
over fewer days is the beginning of the history over more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.events import DAY_MS, new_event_id
from musicrec.local.listeners.habits import DEVICES, Habits
from musicrec.local.listeners.tastes import Taste, World

SESSION_GAP_MS: Final = 31 * 60_000
"""Silence between two sessions; half an hour of it ends a session by the published definition."""

HOUR_MS: Final = 3_600_000
_WEEK: Final = 7
_WORKDAYS: Final = 5
_MOST_PLAYS: Final = 250

# Local hours 0 to 23: a rise over breakfast and the way to work, a plateau, a peak in the evening.
_HOURS: Final = np.array(
    [1.5, 0.8, 0.4, 0.2, 0.2, 0.5, 1.5, 3, 4.5, 4.5, 4, 4, 4, 4, 4.2, 4.5, 5, 5.8, 6, 5.8, 5.5, 5, 4, 2.7]
)  # fmt: skip
_HOUR_SHARES: Final = _HOURS / _HOURS.sum()


class Session(Struct, frozen=True, kw_only=True):
    """One sitting.

    Attributes:
        session_id: stable name of the session.
        starts_at: when the first play is wanted, epoch milliseconds.
        plays: how many plays it has.
        mood: the genre that it leans to.
        shuffle: whether playlists are played out of order.
        device_type: Spotify's name of the kind of device.
    """

    session_id: str
    starts_at: int
    plays: int
    mood: str
    shuffle: bool
    device_type: str


def epoch_ms(time: datetime) -> int:
    """Epoch milliseconds of an aware datetime.

    Raises:
        ValueError: the datetime has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone; pass an aware datetime, e.g. in UTC")
    return round(time.timestamp() * 1000)


def sessions(
    rng: np.random.Generator,
    *,
    key: tuple[str | int, ...],
    habits: Habits,
    taste: Taste,
    world: World,
    start_ms: int,
    days: int,
) -> Iterator[Session]:
    """The sessions of one listener in order of time.

    Args:
        rng: the listener's randomness for this alone.
        key: what names the listener, for session ids.
        habits: the listener's habits.
        taste: what moods come from.
        world: the genres that the taste is over.
        start_ms: begin of the window, epoch milliseconds.
        days: length of the window.
    """
    for day in active_days(rng, habits.active_share, days):
        for number, (starts_at, plays) in enumerate(_day(rng, habits, start_ms + day * DAY_MS)):
            yield Session(
                session_id=new_event_id("session", *key, day, number),
                starts_at=starts_at,
                plays=plays,
                mood=world.genres[rng.choice(len(world.genres), p=taste.genres)],
                shuffle=bool(rng.random() < habits.shuffle),
                device_type=DEVICES[rng.choice(len(DEVICES), p=habits.devices)],
            )


def active_days(rng: np.random.Generator, share: float, days: int) -> Iterator[int]:
    """The days with listening, counted from 0; nobody is away for all of the first five."""
    for first in range(0, days, _WEEK):
        active = rng.random(_WEEK) < share
        chosen = int(rng.integers(_WORKDAYS))
        if first == 0 and not active[:_WORKDAYS].any():
            active[chosen] = True
        yield from (first + int(day) for day in np.flatnonzero(active) if first + day < days)


def _day(rng: np.random.Generator, habits: Habits, day_ms: int) -> list[tuple[int, int]]:
    mean_session = habits.session_plays * np.exp(habits.session_spread**2 / 2)
    more = max(0.0, habits.plays_per_day / mean_session - 1)
    count = 1 + int(rng.poisson(more))
    # Where even one typical session is more than a day's plays, sessions shrink to fit.
    scale = min(1.0, habits.plays_per_day / mean_session)
    local = rng.choice(24, size=count, p=_HOUR_SHARES) + rng.random(count) + habits.hour_shift
    hours = (local - habits.utc_offset) % 24
    sizes = habits.session_plays * scale * rng.lognormal(0.0, habits.session_spread, count)
    plays = np.clip(np.rint(sizes), 1, _MOST_PLAYS)
    starts = day_ms + np.sort(hours) * HOUR_MS
    return [(int(start), int(size)) for start, size in zip(starts, plays, strict=True)]
