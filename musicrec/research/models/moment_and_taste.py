"""What follows what, and who likes what: two models, added up as far as the data speaks for each.

Where people go through items in a telling order, co-occurrence foresees the next one best; where they
jump about in a library, their taste as a whole does. Which of the two it is, a part of the users
tells: the weight of taste that would have served them best is used for all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from musicrec.research.metrics import ndcg_at_k
from musicrec.research.models.base import NotFittedError, top_k
from musicrec.research.models.cooccurrence import Cooccurrence, CooccurrenceConfig
from musicrec.research.models.low_rank import LowRankEase, LowRankEaseConfig
from musicrec.research.models.neighbours import WORKERS
from musicrec.research.splits import NothingToSplitError, personalize_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions, Model
    from musicrec.research.splits import Case, Split

_CANDIDATES: Final = 10
"""Times the judged depth: so many of each part's best may be among the best of the sum."""


@dataclass(frozen=True)
class MomentAndTasteConfig:
    """The two models, and how their balance is found.

    Attributes:
        moment: of the co-occurrences.
        taste: of the linear autoencoder.
        weights: candidates for the weight of taste beside the moment; the first where data is too
            little to tell.
        asked_users: at most so many users are held out and asked to find the weight.
        asked_share: at most this share of the users.
        negligible: both models are fitted once more with the users who were held out when these
            have more than this share of the interactions.
        depth: length of the lists that are judged.
    """

    moment: CooccurrenceConfig = field(default_factory=CooccurrenceConfig)
    taste: LowRankEaseConfig = field(default_factory=LowRankEaseConfig)
    weights: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)
    asked_users: int = 400
    asked_share: float = 0.4
    negligible: float = 0.01
    depth: int = 50


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
        """Fit both, and find their balance on users who are held out meanwhile."""
        trial = self._trial(interactions)
        if trial is None:
            self.weight = self.config.weights[0]
            self._fit_both(interactions, item_features)
        else:
            moment, taste = self._fit_both(trial.train, item_features)
            self.weight = self._best_weight(moment, taste, trial.cases)
            if len(trial.train) < (1 - self.config.negligible) * len(interactions):
                self._fit_both(interactions, item_features)
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
        if len(history) == 0 or self._taste is None or self.weight == 0:
            return scores
        taste = _standardised(self._taste.scores(history))
        taste *= np.float32(self.weight)
        taste += _standardised(scores)
        return taste

    def _fit_both(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None
    ) -> tuple[Cooccurrence, LowRankEase]:
        with ThreadPoolExecutor(1) as pool:
            taste = pool.submit(LowRankEase(self.config.taste).fit, interactions)
            moment = Cooccurrence(self.config.moment).fit(interactions, item_features)
            self._moment, self._taste = moment, taste.result()
        return self._moment, self._taste

    def _trial(self, interactions: Interactions) -> Split | None:
        """Some users held out; nothing when there is not enough to learn from the others."""
        users = len(np.unique(interactions.users))
        share = min(self.config.asked_share, self.config.asked_users / max(1, users))
        try:
            trial = personalize_split(interactions, 0, share)
        except NothingToSplitError:
            return None
        return trial if len(trial.train) > 0 else None

    def _best_weight(self, moment: Model, taste: Model, cases: list[Case]) -> float:
        def gains(case: Case) -> list[float]:
            parts = [_standardised(model.scores(case.history)) for model in (moment, taste)]
            return _gains(parts, self.config.weights, case, self.config.depth)

        with ThreadPoolExecutor(WORKERS) as pool:
            summed = np.sum(list(pool.map(gains, cases)), axis=0)
        return self.config.weights[int(summed.argmax())]


def _gains(
    parts: list[NDArray[np.float32]], weights: tuple[float, ...], case: Case, depth: int
) -> list[float]:
    """NDCG by weight, among what is new to the user: what comes again, both models find.

    Only the best of either part are looked at, who the best of the sums are among.
    """
    for part in parts:
        part[case.history] = -np.inf
    best = np.union1d(*(top_k(part, _CANDIDATES * depth) for part in parts))
    moment, taste = (part[best] for part in parts)
    new = np.setdiff1d(case.target, case.history)
    sums = (moment + np.float32(weight) * taste for weight in weights)
    return [ndcg_at_k(best[top_k(each, depth)], new, depth) for each in sums]


def _standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same array, brought to a mean of 0 and a standard deviation of 1."""
    scores -= scores.mean()
    spread = np.sqrt(np.dot(scores, scores) / max(1, len(scores)))
    scores /= spread if spread > 0 else np.float32(1)
    return scores
