"""Likeness of items by what they are, for those that nobody has met yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from musicrec.research.models.blocks import Blocks
from musicrec.research.models.neighbours import weighted_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPARSE_BELOW: Final = 0.25
"""Share of cells other than 0 below which a sparse matrix is the quicker one to multiply with."""


class Content:
    """Cosine likeness between items and a profile of a history.

    Scale the features before: the cosine takes every column as it comes.
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        """Keep the rows at length one.

        Args:
            features: one row for each item code; a row of zeros is like nothing.
        """
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        rows = np.divide(features, norms, out=np.zeros_like(features), where=norms > 0)
        dense = np.count_nonzero(rows) > _SPARSE_BELOW * rows.size
        self._rows = Blocks(rows) if dense else sparse.csr_array(rows)

    def cosines(
        self, history: NDArray[np.int32], weights: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """The cosine, -1 to 1, of every item with the weighted mean of the history."""
        if isinstance(self._rows, Blocks):
            profile = self._rows.summed(history, weights.astype(np.float32))
        else:
            profile = weighted_rows(self._rows, history, weights)
        norm = float(np.linalg.norm(profile))
        if norm > 0:
            profile /= norm
        cosines: NDArray[np.float32] = self._rows @ profile
        return cosines.clip(-1, 1, out=cosines)
