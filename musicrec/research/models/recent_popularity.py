"""What most people listen to just now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from musicrec.research.models.base import (
    SECONDS_PER_DAY,
    NotFittedError,
    backfill,
    distinct_users,
    unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


@dataclass(frozen=True)
class RecentPopularityConfig:
    """How fast popularity fades.

    Attributes:
        window_days: interactions older than this, counted from the newest, do not count.
        half_life_days: within the window, an interaction this old counts half.
    """

    window_days: float = 30.0
    half_life_days: float = 7.0


class RecentPopularity:
    """Ranks items by their distinct users of late; what is not in the window follows, by popularity.

    A user counts once for an item, by the newest time they met.
    """

    def __init__(self, config: RecentPopularityConfig | None = None) -> None:
        self.config = config or RecentPopularityConfig()
        self._scores: NDArray[np.float32] | None = None

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Sum the faded newest meetings of users and items."""
        newest = interactions.timestamps.max(initial=0)
        ages = (newest - interactions.timestamps) / SECONDS_PER_DAY
        recent = interactions.select(ages <= self.config.window_days)
        rows = _newest_meetings(recent)
        fading = 0.5 ** (
            (newest - recent.timestamps[rows]) / SECONDS_PER_DAY / self.config.half_life_days
        )
        scores = np.bincount(recent.items[rows], fading, interactions.n_items).astype(np.float32)
        self._scores = backfill(scores, unit(distinct_users(interactions)))
        return self

    def scores(
        self,
        history: NDArray[np.int32],  # noqa: ARG002 - part of the protocol
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Faded number of distinct users of every item.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._scores is None:
            raise NotFittedError(self)
        return self._scores.copy()


def _newest_meetings(interactions: Interactions) -> NDArray[np.intp]:
    """The last row of every (user, item); rows are in the order of time."""
    keys = interactions.users.astype(np.int64) * max(1, interactions.n_items) + interactions.items
    _, first_of_reversed = np.unique(keys[::-1], return_index=True)
    rows: NDArray[np.intp] = len(keys) - 1 - first_of_reversed
    return rows
