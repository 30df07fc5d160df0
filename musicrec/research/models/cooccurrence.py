"""What follows what: sequence-aware neighbours, and content for items that nobody has met.

Two items belong together when listeners meet them close to each other, and more so in the order
heard. The model is a sparse matrix, so it trains in seconds, and a new event changes the next answer
without training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from musicrec.research.models.base import (
    NotFittedError,
    backfill,
    collapse_repeats,
    distinct_users,
    unit,
)
from musicrec.research.models.content import Content
from musicrec.research.models.neighbours import weighted_rows
from musicrec.research.models.window import Sequences, neighbour_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from musicrec.research.models.base import Interactions


@dataclass(frozen=True)
class CooccurrenceConfig:
    """How close counts as together, and how much of a history counts.

    Attributes:
        window: pairs up to this many positions apart count.
        window_half_life: a pair this many positions further apart counts half.
        backward_weight: what a pair counts against the order heard, relative to along it.
        popularity_discount: power of the totals by which counts are divided; more brings rarer
            items. The square root (0.5) is usual; 0.4 measured better.
        neighbours: the strongest neighbours kept for each item.
        history: the newest items of a history that are used.
        history_half_life: an item this many positions back in the history counts half.
    """

    window: int = 50
    window_half_life: float = 10.0
    backward_weight: float = 0.5
    popularity_discount: float = 0.4
    neighbours: int = 500
    history: int = 60
    history_half_life: float = 5.0


@dataclass(frozen=True, eq=False)
class _State:
    matrix: sparse.csr_array
    popularity: NDArray[np.float32]
    content: Content | None


class Cooccurrence:
    """Scores an item by its faded co-occurrences with the newest items of the history.

    Items already heard rank like any other, since music is heard again; leave them out afterwards
    where that is wanted. Items that the history does not reach follow by likeness of content (given
    features), then by popularity, so that every item has a place and new ones can appear.
    """

    def __init__(self, config: CooccurrenceConfig | None = None) -> None:
        self.config = config or CooccurrenceConfig()
        self._state: _State | None = None

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Count and normalise co-occurrences."""
        self._state = _State(
            matrix=neighbour_matrix(
                Sequences.of(interactions),
                window=self.config.window,
                half_life=self.config.window_half_life,
                backward=self.config.backward_weight,
                power=self.config.popularity_discount,
                keep=self.config.neighbours,
            ),
            popularity=unit(distinct_users(interactions)),
            content=None if item_features is None else Content(item_features),
        )
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Faded co-occurrence of every item with the newest of the history.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._state is None:
            raise NotFittedError(self)
        newest = history[collapse_repeats(history)][-self.config.history :]
        if len(newest) == 0:
            return self._state.popularity.copy()
        ages = np.arange(len(newest))[::-1]
        fading = 0.5 ** (ages / self.config.history_half_life)
        reached = weighted_rows(self._state.matrix, newest, fading)
        return backfill(reached, self._filler(newest, fading))

    def _filler(
        self, newest: NDArray[np.int32], fading: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """What ranks the items out of reach, 0 to 1."""
        assert self._state
        if self._state.content is None:
            return self._state.popularity
        likeness = self._state.content.likeness(newest, fading)
        # A cosine that differs in the third decimal outranks any popularity.
        return (0.999 * likeness + 0.001 * self._state.popularity).astype(np.float32)
