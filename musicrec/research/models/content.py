"""Likeness of items by what they are, for those that nobody has met yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        self._rows = np.ascontiguousarray(rows, dtype=np.float32)

    def cosines(
        self, history: NDArray[np.int32], weights: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """The cosine, -1 to 1, of every item with the weighted mean of the history."""
        profile = weights.astype(np.float32) @ self._rows[history]
        norm = float(np.linalg.norm(profile))
        if norm > 0:
            profile /= norm
        return (self._rows @ profile).clip(-1, 1).astype(np.float32)
