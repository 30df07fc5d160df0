"""What follows what: sequence-aware neighbours, and content where nobody knows them yet.

Two items belong together when listeners meet them close to each other, and more so in the order
heard. The model is a sparse matrix, so it trains in seconds, and a new event changes the next answer
without training. An item that few have met has few neighbours or none; as far as that is so, items
that sound like it stand in, so that a list follows its listener into the long tail too.
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
    """How close counts as together, how much of a history counts, and when content stands in.

    Attributes:
        window: pairs up to this many positions apart count.
        window_half_life: a pair this many positions further apart counts half.
        backward_weight: what a pair counts against the order heard, relative to along it.
        popularity_discount: power of the totals by which counts are divided; more brings rarer
            items.
        prior_meetings: every item counts as met this much oftener, so that pairs of which little is
            known stay behind those that are known well.
        neighbours: the strongest neighbours kept for each item.
        meetings: of an item met oftener, so many of its meetings stand for all.
        history: the newest items of a history that are used.
        history_half_life: an item this many positions back in the history counts half.
        lasting_share: share of an item's weight that fades slowly, as taste does, not with the
            moment.
        lasting_half_life: half-life of that share, in positions.
        familiar_after: meetings after which an item's content counts half.
        content_weight: score of the item most like a history that nobody knows, relative to the
            strongest neighbour of an average item.
        content_sharpness: power of the cosine; more lets only the most alike items through.
    """

    window: int = 60
    window_half_life: float = 20.0
    backward_weight: float = 0.3
    popularity_discount: float = 0.7
    prior_meetings: float = 15.0
    neighbours: int = 500
    meetings: int = 400
    history: int = 200
    history_half_life: float = 4.0
    lasting_share: float = 0.05
    lasting_half_life: float = 100.0
    familiar_after: float = 10.0
    content_weight: float = 0.3
    content_sharpness: int = 4


@dataclass(frozen=True, eq=False)
class _State:
    matrix: sparse.csr_array
    popularity: NDArray[np.float32]
    last_resort: NDArray[np.float32]
    strangeness: NDArray[np.float64]
    content: Content | None
    content_scale: float


class Cooccurrence:
    """Scores an item by its faded co-occurrences with the newest items of the history.

    Items already heard rank like any other, since music is heard again; leave them out afterwards
    where that is wanted. Given features, an item of the history also speaks for the items like it,
    the more the fewer people have met it. Whatever is still without a score follows by likeness, then
    by popularity, so that every item has a place and new ones can appear.
    """

    def __init__(self, config: CooccurrenceConfig | None = None) -> None:
        self.config = config or CooccurrenceConfig()
        self._state: _State | None = None

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Count and normalise co-occurrences."""
        sequences = Sequences.of(interactions)
        matrix = neighbour_matrix(
            sequences,
            window=self.config.window,
            half_life=self.config.window_half_life,
            backward=self.config.backward_weight,
            power=self.config.popularity_discount,
            prior=self.config.prior_meetings,
            keep=self.config.neighbours,
            meetings=self.config.meetings,
        )
        meetings = np.bincount(sequences.items, minlength=sequences.n_items)
        popularity = unit(distinct_users(interactions))
        self._state = _State(
            matrix=matrix,
            popularity=popularity,
            last_resort=np.float32(0.001) * popularity,
            strangeness=1 / (1 + meetings / self.config.familiar_after),
            content=None if item_features is None else Content(item_features),
            content_scale=self.config.content_weight * _mean_of_row_maxima(matrix),
        )
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Faded co-occurrence of every item with the newest of the history, and likeness to it.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._state is None:
            raise NotFittedError(self)
        newest = history[collapse_repeats(history)][-self.config.history :]
        if len(newest) == 0:
            return self._state.popularity.copy()
        fading = self._fading(len(newest))
        reached = weighted_rows(self._state.matrix, newest, fading)
        if self._state.content is None:
            return backfill(reached, self._state.popularity)
        return self._with_content(self._state, self._state.content, reached, newest, fading)

    def _fading(self, length: int) -> NDArray[np.float64]:
        ages = np.arange(length)[::-1]
        lasting = self.config.lasting_share
        moment = 0.5 ** (ages / self.config.history_half_life)
        return (1 - lasting) * moment + lasting * 0.5 ** (ages / self.config.lasting_half_life)

    def _with_content(
        self,
        state: _State,
        content: Content,
        reached: NDArray[np.float32],
        newest: NDArray[np.int32],
        fading: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Add what the strange items of the history say by their content."""
        strange = fading * state.strangeness[newest]
        cosines = content.cosines(newest, strange)
        alike = cosines.clip(0)
        alike[newest] = 0  # an item is most like itself, which is no reason to repeat it
        sharp = _power(unit(alike), self.config.content_sharpness)
        sharp *= np.float32(state.content_scale * strange.sum())
        sharp += reached
        # A cosine that differs in the third decimal outranks any popularity.
        cosines += 1
        cosines *= np.float32(0.4995)
        cosines += state.last_resort
        return backfill(sharp, cosines)


def _power(values: NDArray[np.float32], exponent: int) -> NDArray[np.float32]:
    """A whole power; many times quicker by products than by the function for any power."""
    product = values.copy()
    for _ in range(exponent - 1):
        product *= values
    return product


def _mean_of_row_maxima(matrix: sparse.csr_array) -> float:
    """The strongest neighbour's weight, on average over the items that have neighbours."""
    starts = matrix.indptr[:-1][np.diff(matrix.indptr) > 0]
    return float(np.maximum.reduceat(matrix.data, starts).mean()) if len(starts) else 0.0
