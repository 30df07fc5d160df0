"""What follows what, and who likes what: two models, added up as far as the data speaks for each.

Where people go through items in a telling order, co-occurrence foresees the next one best; where they
jump about in a library, their taste as a whole does. Which of the two it is, a part of the users
tells: the weight of taste that would have served them best is used for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from musicrec.research.metrics import ndcg_at_k
from musicrec.research.models.base import NotFittedError, top_k
from musicrec.research.models.cooccurrence import Cooccurrence, CooccurrenceConfig
from musicrec.research.models.low_rank import LowRankEase, LowRankEaseConfig
from musicrec.research.splits import NothingToSplitError, personalize_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions
    from musicrec.research.splits import Case


@dataclass(frozen=True)
class MomentAndTasteConfig:
    """The two models, and how their balance is found.

    Attributes:
        moment: of the co-occurrences.
        taste: of the linear autoencoder.
        weights: candidates for the weight of taste beside the moment; the first where data is too
            little to tell.
        trial_users: at most so many users are fitted on and asked to find the weight.
        asked_share: share of the trial users who are held out and asked.
        depth: length of the lists that are judged.
    """

    moment: CooccurrenceConfig = field(default_factory=CooccurrenceConfig)
    taste: LowRankEaseConfig = field(default_factory=LowRankEaseConfig)
    weights: tuple[float, ...] = (0.3, 0.0, 1.0, 3.0)
    trial_users: int = 3000
    asked_share: float = 0.2
    depth: int = 25


class MomentAndTaste:
    """Adds the standardised scores of `Cooccurrence` and, weighted, of `LowRankEase`.

    Content features go to the co-occurrences. Every item has a place.

    Attributes:
        weight: of taste, found by `fit`; one standard deviation of the co-occurrences counts 1.
    """

    def __init__(self, config: MomentAndTasteConfig | None = None) -> None:
        self.config = config or MomentAndTasteConfig()
        self.weight = self.config.weights[0]
        self._moment: Cooccurrence | None = None
        self._taste: LowRankEase | None = None

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Find the weight on a part of the users, then fit what it needs on all."""
        self._taste = None
        self.weight = self._best_weight(interactions, item_features)
        self._moment = Cooccurrence(self.config.moment).fit(interactions, item_features)
        if self.weight > 0:
            self._taste = LowRankEase(self.config.taste).fit(interactions)
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """The sum for every item; a cold user gets what is popular.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._moment is None:
            raise NotFittedError(self)
        scores = self._moment.scores(history)
        if len(history) == 0 or self._taste is None:
            return scores
        taste = _standardised(self._taste.scores(history))
        return _standardised(scores) + np.float32(self.weight) * taste

    def _best_weight(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None
    ) -> float:
        try:
            trial = personalize_split(
                _some_users(interactions, self.config.trial_users), 0, self.config.asked_share
            )
        except NothingToSplitError:
            return self.config.weights[0]
        if len(trial.train) == 0:
            return self.config.weights[0]
        moment = Cooccurrence(self.config.moment).fit(trial.train, item_features)
        taste = LowRankEase(self.config.taste).fit(trial.train)
        gains = np.zeros(len(self.config.weights))
        for case in trial.cases:
            parts = [_standardised(model.scores(case.history)) for model in (moment, taste)]
            gains += [
                _gain(parts[0] + np.float32(weight) * parts[1], case, self.config.depth)
                for weight in self.config.weights
            ]
        return self.config.weights[int(gains.argmax())]


def _gain(scores: NDArray[np.float32], case: Case, depth: int) -> float:
    """NDCG among what is new to the user: what comes again, both models find."""
    scores[case.history] = -np.inf
    new = np.setdiff1d(case.target, case.history)
    return ndcg_at_k(top_k(scores, depth), new, depth)


def _some_users(interactions: Interactions, most: int) -> Interactions:
    users = np.unique(interactions.users)
    if len(users) <= most:
        return interactions
    chosen = np.zeros(interactions.n_users, dtype=np.bool_)
    chosen[np.random.default_rng(0).choice(users, most, replace=False)] = True
    return interactions.select(chosen[interactions.users])


def _standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = scores.std()
    return np.asarray((scores - scores.mean()) / (spread if spread > 0 else 1), dtype=np.float32)
