"""Taste in a few numbers: the linear autoencoder EASE, in the directions that carry most of it.

EASE (Steck, 2019) finds the item-to-item weights, zero on the diagonal, that best rebuild every
user's items from the others; its inverse of an items-by-items matrix is out of reach for a large
catalogue. With the singular vectors V and values s of the users-by-items matrix that inverse is
(I - V f V') / ridge, f = s^2 / (s^2 + ridge), so the leading directions give it nearly, in memory and
time that grow with the items alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy import sparse

from musicrec.research.models.base import NotFittedError, distinct_users
from musicrec.research.models.blocks import Blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


_SPARE_DIRECTIONS: Final = 16
"""Searched besides those that are kept, so that the last of these are found well too."""

_TURNS: Final = 3

_SMALLEST: Final = 1e-7
"""Of the largest square: what is below is rounding."""


@dataclass(frozen=True)
class LowRankEaseConfig:
    """How finely tastes are told apart, and how a history fades.

    Attributes:
        rank: directions kept, where there are not too many items.
        max_numbers: directions times items, at most: every request reads them all.
        ridge: of the regression; more brings more popular items.
        history: the newest items of a history that are used.
        history_half_life: an item this many positions back in the history counts half.
        lasting_share: share of an item's weight that fades slowly.
        lasting_half_life: half-life of that share, in positions.
    """

    rank: int = 128
    max_numbers: int = 5_000_000
    ridge: float = 300.0
    history: int = 300
    history_half_life: float = 3.0
    lasting_share: float = 0.1
    lasting_half_life: float = 100.0


@dataclass(frozen=True, eq=False)
class _State:
    directions: Blocks
    filters: NDArray[np.float32]
    unexplained: NDArray[np.float32]
    popularity: NDArray[np.float32]


class LowRankEase:
    """Scores an item by the faded history's weights on it; a cold user gets what is popular.

    Scores may be negative: what the history speaks against.
    """

    def __init__(self, config: LowRankEaseConfig | None = None) -> None:
        self.config = config or LowRankEaseConfig()
        self._state: _State | None = None

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Find the leading directions of who met what."""
        affordable = max(1, self.config.max_numbers // max(1, interactions.n_items))
        values, directions = _leading(interactions, min(self.config.rank, affordable))
        filters = values**2 / (values**2 + self.config.ridge)
        self._state = _State(
            directions=Blocks(directions),
            filters=filters,
            unexplained=1 - directions**2 @ filters,
            popularity=distinct_users(interactions),
        )
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Summed weights of the history on every item.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._state is None:
            raise NotFittedError(self)
        if len(history) == 0:
            return self._state.popularity.copy()
        state = self._state
        items, weights = self._faded(history)
        taste = state.directions.summed(items, weights) * state.filters
        scores = state.directions @ taste
        scores[items] -= weights * (1 - state.unexplained[items])  # none of an item on itself
        scores /= state.unexplained
        return scores

    def _faded(self, history: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Distinct items of the history, each with the weight of its newest place."""
        newest_first = history[::-1][: self.config.history]
        items, ages = np.unique(newest_first, return_index=True)
        lasting = self.config.lasting_share
        moment = 0.5 ** (ages / self.config.history_half_life)
        weights = (1 - lasting) * moment + lasting * 0.5 ** (ages / self.config.lasting_half_life)
        return items, weights.astype(np.float32)


def _leading(
    interactions: Interactions, rank: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Singular values and right vectors (a row an item) of the users-by-items matrix of 0 and 1.

    Found from a random subspace that is turned towards the leading directions (Halko, Martinsson
    and Tropp, 2011, algorithm 4.4).
    """
    users, items = interactions.distinct_pairs()
    rows = np.cumsum(np.diff(users, prepend=users[:1]) != 0)
    shape = (int(rows.max(initial=0)) + 1, interactions.n_items)
    met = sparse.csr_array((np.ones(len(items), np.float32), (rows, items)), shape=shape)
    back = met.T.tocsr()
    size = min(rank + _SPARE_DIRECTIONS, *shape)
    start = np.random.default_rng(0).standard_normal((shape[1], size), dtype=np.float32)
    span = _orthonormal(met @ start)
    for _ in range(_TURNS):
        span = _orthonormal(met @ _orthonormal(back @ span))
    projected = back @ span
    squares, turn = _eigen(projected)
    values = np.sqrt(squares[:rank]).astype(np.float32)
    return values, (projected @ turn[:, :rank]) / values


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns that span the same; many times faster than by QR where there are many rows."""
    squares, turn = _eigen(columns)
    return columns @ (turn / np.sqrt(squares)).astype(np.float32)


def _eigen(columns: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Eigenvalues, largest first and above 0, and eigenvectors of the columns' products."""
    squares, turn = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    floor = max(float(squares[-1]), 1.0) * _SMALLEST
    return squares[::-1].clip(floor), turn[:, ::-1].astype(np.float32)
