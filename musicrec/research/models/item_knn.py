"""Items that the same people met: the classic neighbourhood baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from musicrec.research.models.base import NotFittedError, backfill, distinct_users, unit
from musicrec.research.models.neighbours import stacked, weighted_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


@dataclass(frozen=True)
class ItemKnnConfig:
    """What counts as similar, and how much of the similarity matrix is kept.

    Attributes:
        neighbours: the most similar items kept for each item.
        popularity_discount: power of both items' popularity that the number of common users is
            divided by: 0.5 is the cosine, more brings rarer items.
        min_together: pairs with fewer common users do not count.
    """

    neighbours: int = 200
    popularity_discount: float = 0.5
    min_together: int = 1


@dataclass(frozen=True, eq=False)
class _State:
    similarity: sparse.csr_array
    popularity: NDArray[np.float32]


class ItemKnn:
    """Scores an item by the sum of its similarities to the distinct items of the history.

    The similarity, by default the cosine, is over users, each counting once for an item whatever the number of plays. What the
    history does not reach follows by popularity.
    """

    def __init__(self, config: ItemKnnConfig | None = None) -> None:
        self.config = config or ItemKnnConfig()
        self._state: _State | None = None

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Compute the similarities between items."""
        popularity = distinct_users(interactions)
        self._state = _State(_similarities(interactions, popularity, self.config), unit(popularity))
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Summed similarity of every item to the history.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._state is None:
            raise NotFittedError(self)
        met = np.unique(history)
        scores = weighted_rows(self._state.similarity, met, np.ones(len(met)))
        return backfill(scores, self._state.popularity)


def _similarities(
    interactions: Interactions, popularity: NDArray[np.float32], config: ItemKnnConfig
) -> sparse.csr_array:
    users, items = interactions.distinct_pairs()
    shape = (interactions.n_users, interactions.n_items)
    by_user = sparse.csr_array((np.ones(len(items), np.float32), (users, items)), shape=shape)
    by_item = sparse.csr_array(by_user.T)
    lengths = np.bincount(users, minlength=shape[0])
    costs = np.bincount(items, lengths[users], shape[1]).astype(np.int64)

    scale = np.maximum(popularity, 1) ** np.float32(-config.popularity_discount)

    def block(start: int, stop: int) -> sparse.csr_array:
        together = sparse.csr_array(by_item[start:stop] @ by_user)
        rows = np.repeat(np.arange(start, stop), np.diff(together.indptr))
        ignored = (together.indices == rows) | (together.data < config.min_together)
        together.data *= scale[rows] * scale[together.indices]
        together.data[ignored] = 0
        together.eliminate_zeros()
        return together

    return stacked(costs, block, config.neighbours)
