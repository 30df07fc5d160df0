"""What you played before: in music a strong baseline, since people return to what they like."""

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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


@dataclass(frozen=True)
class RepeatHistoryConfig:
    """How fast old plays fade.

    Attributes:
        half_life_plays: a play this many plays ago counts half.
    """

    half_life_plays: float = 50.0


class RepeatHistory:
    """Ranks a listener's own items by their faded number of plays; the rest follows by popularity."""

    def __init__(self, config: RepeatHistoryConfig | None = None) -> None:
        self.config = config or RepeatHistoryConfig()
        self._popularity: NDArray[np.float32] | None = None

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Learn only what is popular, for the places after the listener's own items."""
        self._popularity = unit(distinct_users(interactions))
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Faded number of plays of every item in the history.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._popularity is None:
            raise NotFittedError(self)
        plays = history[collapse_repeats(history)]
        fading = 0.5 ** (np.arange(len(plays))[::-1] / self.config.half_life_plays)
        scores = np.bincount(plays, fading, len(self._popularity)).astype(np.float32)
        return backfill(scores, self._popularity)
