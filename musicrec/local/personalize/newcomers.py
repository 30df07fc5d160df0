"""Items that came after the training: judged by the items that people have met and that are alike.

The model has no place for them. A new item takes the scores of the well-known items whose metadata
are most like its own, so it follows a listener's history as they do, whatever the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from musicrec.local.personalize.item_features import FeatureEncoder
    from musicrec.research.models.base import Interactions, Model

MAX_ANCHORS: Final = 10_000
"""The items met most often that new ones are held against."""

NEAREST: Final = 10
"""How many of them speak for a new item."""

BLOCK: Final = 512
"""New items compared at once."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """Well-known items and what they are like.

    Attributes:
        encoder: of the training's item metadata.
        codes: of the items.
        rows: their features, at length one.
    """

    encoder: FeatureEncoder
    codes: NDArray[np.int64]
    rows: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        encoder: FeatureEncoder,
        features: NDArray[np.float32],
        meetings: NDArray[np.float32],
    ) -> Self:
        """The items met most often, of those that were met at all.

        Args:
            encoder: that made the features.
            features: one row for each item code.
            meetings: interactions by item code.
        """
        most = np.argsort(-meetings, kind="stable")[:MAX_ANCHORS]
        codes = most[meetings[most] > 0]
        return cls(encoder, codes, _unit_rows(features[codes]))

    def links(self, records: pa.Table, n_items: int) -> sparse.csr_array:
        """For each record the shares of its nearest anchors, by item code.

        An empty row has nothing in common with any.
        """
        rows = _unit_rows(self.encoder.rows(records))
        blocks = [
            _nearest(rows[start : start + BLOCK] @ self.rows.T)
            for start in range(0, len(rows), BLOCK)
        ]
        shares = np.concatenate([share for share, _ in blocks])
        places = np.concatenate([place for _, place in blocks])
        codes = self.codes[places]
        indptr = np.arange(len(rows) + 1) * shares.shape[1]
        linked = sparse.csr_array(
            (shares.ravel(), codes.ravel(), indptr), shape=(len(rows), n_items)
        )
        linked.eliminate_zeros()
        return linked


@dataclass(frozen=True, eq=False)
class WithNewcomers:
    """A fitted model that scores new items too; their codes follow those of the training.

    Attributes:
        model: fitted.
        links: one row for each new item, one column for each item of the model.
    """

    model: Model
    links: sparse.csr_array

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Fit the model again."""
        self.model.fit(interactions, item_features)
        return self

    def scores(
        self, history: NDArray[np.int32], timestamps: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Scores of all items; the history counts as far as the model knows it."""
        known = history < self.links.shape[1]
        scores = self.model.scores(
            history[known], None if timestamps is None else timestamps[known]
        )
        unlike = np.diff(self.links.indptr) == 0
        new = np.where(unlike, scores.min(), self.links @ scores)
        return np.concatenate([scores, new.astype(np.float32)])


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.where(norms > 0, norms, np.float32(1))).astype(np.float32)


def _nearest(
    cosines: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Shares, which make 1 or are all 0, and places of each row's greatest cosines."""
    count = min(NEAREST, cosines.shape[1])
    if count == 0:
        return np.zeros((len(cosines), 0), np.float32), np.zeros((len(cosines), 0), np.int64)
    places = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    likeness = np.take_along_axis(cosines, places, axis=1).clip(0)
    total = likeness.sum(axis=1, keepdims=True)
    shares = np.divide(likeness, total, out=np.zeros_like(likeness), where=total > 0)
    return shares, places
