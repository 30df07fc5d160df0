"""What one listener's own history says about music not heard yet, without anybody else's.

A laptop holds one history, so there is nobody to compare with. But tracks are described: each track
that was heard speaks for the tracks that sound like it, and a listener of several tastes gets
something of each, which a single average of all tastes would not give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from musicrec.research.models.base import NotFittedError, distinct_users, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions

_BLOCK = 2_000


@dataclass(frozen=True)
class OwnTasteConfig:
    """How a history speaks for other tracks.

    Attributes:
        half_life_plays: a play this many plays ago counts half.
        repeats: power of a track's faded plays; below 1, so that the most played does not speak
            alone.
        sharpness: power of the cosine; more lets only tracks speak that sound much alike.
    """

    half_life_plays: float = 5_000.0
    repeats: float = 0.5
    sharpness: float = 12.0


class OwnTaste:
    """Scores an item by its likeness to what was heard, track by track; itself says nothing of it.

    Each track of the history has one voice, weighted by how often and how lately it was heard, which
    it shares out among the items like it. So a genre of which there is much does not crowd out one
    of which there is little. An item without features is like nothing. A cold user gets what is
    popular.

    Args:
        config: how a history speaks.
        prior: how likely each item is to be taken up by anybody, by item code; all alike when None.
    """

    def __init__(
        self, config: OwnTasteConfig | None = None, prior: NDArray[np.float32] | None = None
    ) -> None:
        self.config = config or OwnTasteConfig()
        self._prior = prior
        self._popularity: NDArray[np.float32] | None = None
        self._rows: NDArray[np.float32] | None = None

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Keep the features at length one; without them everything is alike."""
        features = (
            np.zeros((interactions.n_items, 1), dtype=np.float32)
            if item_features is None
            else item_features
        )
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        rows = np.divide(features, norms, out=np.zeros_like(features), where=norms > 0)
        self._rows = rows.astype(np.float32)
        self._popularity = unit(distinct_users(interactions))
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Sum of the sharpened likeness of every item to the items of the history.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._rows is None or self._popularity is None:
            raise NotFittedError(self)
        if len(history) == 0:
            return self._popularity.copy()
        heard, weights = self._weights(history)
        echoes = sum(part.sum(axis=0) for part in self._alike(heard))
        said = np.divide(weights, echoes, out=np.zeros_like(weights), where=echoes > 0)
        return np.concatenate([part @ said for part in self._alike(heard)])

    def _alike(self, heard: NDArray[np.int32]) -> Iterator[NDArray[np.float32]]:
        """Sharpened likeness of all items (rows, in blocks) to those heard (columns)."""
        assert self._rows is not None
        voices = self._rows[heard].T
        for start in range(0, len(self._rows), _BLOCK):
            alike = (self._rows[start : start + _BLOCK] @ voices).clip(0)
            alike **= np.float32(self.config.sharpness)
            within = (heard >= start) & (heard < start + len(alike))
            alike[heard[within] - start, np.flatnonzero(within)] = 0
            if self._prior is not None:
                alike *= self._prior[start : start + _BLOCK, None]
            yield alike

    def voices(self, item: int, history: NDArray[np.int32], k: int = 1) -> list[int]:
        """The items of the history that speak most for an item, the strongest first.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._rows is None:
            raise NotFittedError(self)
        heard, weights = self._weights(history)
        alike = (self._rows[heard] @ self._rows[item]).clip(0)
        said = np.where(heard == item, 0, alike ** np.float32(self.config.sharpness) * weights)
        return [int(code) for code in heard[np.argsort(-said, kind="stable")][:k]]

    def _weights(self, history: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The distinct items of a history and how much each has to say."""
        fading = 0.5 ** (np.arange(len(history))[::-1] / self.config.half_life_plays)
        heard, places = np.unique(history, return_inverse=True)
        plays = np.bincount(places, fading)
        return heard, (plays**self.config.repeats).astype(np.float32)
