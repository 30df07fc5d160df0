"""What most people listen to: the baseline that every number is read beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from musicrec.research.models.base import NotFittedError, distinct_users

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


class Popularity:
    """Ranks items by the number of distinct users who met them, the same list for everybody.

    This is Personalize's Popularity-Count: a track played a hundred times by one listener counts
    once.
    """

    def __init__(self) -> None:
        self._scores: NDArray[np.float32] | None = None

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Count the distinct users of every item."""
        self._scores = distinct_users(interactions)
        return self

    def scores(
        self,
        history: NDArray[np.int32],  # noqa: ARG002 - part of the protocol
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Distinct users of every item.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._scores is None:
            raise NotFittedError(self)
        return self._scores.copy()
