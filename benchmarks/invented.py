"""Listening at the size of a service, invented: for measuring speed and memory, not quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.research.models.base import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

GENRES: Final = 114
SESSION: Final = 12
"""Plays in a row from one genre."""

TASTES: Final = 6
"""Genres of a listener."""

AGAIN: Final = 0.3
"""Share of plays of what the listener has played before."""

START: Final = 1_700_000_000


@dataclass(frozen=True)
class Size:
    """How much to invent; the default is the size the project is designed for."""

    items: int = 90_000
    users: int = 50_000
    interactions: int = 5_000_000

    def part(self, share: float) -> Size:
        """The same in small."""
        rows = (self.items, self.users, self.interactions)
        return Size(*(max(1, round(row * share)) for row in rows))


def listening(size: Size, seed: int = 0) -> Interactions:
    """Skewed popularity within genres, sessions within a genre, listeners who come back to tracks.

    Lengths of histories are lognormal; the number of interactions is met nearly.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.lognormal(0, 0.9, size.users)
    lengths = np.maximum(2, lengths / lengths.sum() * size.interactions).astype(np.int64)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    place = np.arange(len(starts)) - starts
    users = np.repeat(np.arange(size.users), lengths)
    session = starts + place // SESSION
    items = _tracks(rng, size, _genres(rng, size, users, session))
    again = np.flatnonzero((rng.random(len(items)) < AGAIN) & (place > 0))
    items[again] = items[starts[again] + (rng.random(len(again)) * place[again]).astype(np.int64)]
    times = START + 200 * place + 86_000 * (place // SESSION) + users % 1000
    order = np.lexsort((items, users, times))
    return Interactions(
        users=users[order].astype(np.int32),
        items=items[order].astype(np.int32),
        timestamps=times[order],
        weights=np.ones(len(order), dtype=np.float32),
        user_ids=[f"user-{number:06}" for number in range(size.users)],
        item_ids=[f"item-{number:06}" for number in range(size.items)],
    )


def genres_of_items(size: Size) -> NDArray[np.int64]:
    """The genre of each item code; neighbouring codes share one."""
    return np.arange(size.items) * GENRES // size.items


def _genres(
    rng: np.random.Generator, size: Size, users: NDArray[np.int64], session: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A genre for each play, the same throughout a session; a listener's first is the likeliest."""
    tastes = rng.integers(GENRES, size=(size.users, TASTES))
    draws = rng.random(len(session))[session]
    return np.asarray(tastes[users, (TASTES * draws**2).astype(np.int64)])


def _tracks(rng: np.random.Generator, size: Size, genres: NDArray[np.int64]) -> NDArray[np.int64]:
    """A track of each genre, drawn by appeal."""
    appeal = np.concatenate([[0.0], np.cumsum(rng.pareto(1.1, size.items) + 0.02)])
    edges = np.searchsorted(genres_of_items(size), np.arange(GENRES + 1))
    low, high = appeal[edges[genres]], appeal[edges[genres + 1]]
    drawn = np.searchsorted(appeal, low + rng.random(len(genres)) * (high - low), side="right") - 1
    return drawn.clip(0, size.items - 1)
