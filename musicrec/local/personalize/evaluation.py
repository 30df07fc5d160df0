"""Offline metrics, computed by the split and the definitions that AWS documents.

A tenth of the users is held out of a training made for the evaluation; the oldest 90 % of each of
their histories is the input, the newest 10 % the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.local.personalize.objective import average_rewards
from musicrec.local.personalize.ranking import best
from musicrec.local.personalize.recipes import RELATED_ITEMS
from musicrec.local.personalize.training import unfitted
from musicrec.research.metrics import (
    coverage,
    dcg,
    mean_reciprocal_rank,
    ndcg_at_k,
    precision_at_k,
)
from musicrec.research.splits import personalize_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.event_selection import EventSelection
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.training import TrainingData
    from musicrec.research.models.base import Interactions, Model
    from musicrec.research.splits import Case

DEPTHS: Final = (5, 10, 25)
LISTED: Final = 100
"""Recommendations made for each user: those that rewards are looked for in."""

SEED: Final = 20
"""Of the choice of users, so that two trainings on the same data are judged alike."""


def evaluate(recipe: Recipe, selection: EventSelection, data: TrainingData) -> dict[str, float]:
    """Metrics by AWS's names, rounded to four decimals."""
    split = personalize_split(data.interactions, SEED)
    model = unfitted(recipe, data).fit(split.train, data.features)
    lists = [_ranking(model, recipe, case) for case in split.cases]
    rankings = [ranked[: max(DEPTHS)] for ranked in lists]
    found = _accuracy(rankings, split.cases)
    if selection.weighted:
        found |= _weighted(rankings, split.cases, data.interactions)
    if data.objective is not None:
        found["average_rewards_at_k"] = average_rewards(data.objective, lists, split.cases)
    found["coverage"] = coverage(rankings, data.catalogue_size)
    return {name: round(float(value), 4) for name, value in sorted(found.items())}


def _ranking(model: Model, recipe: Recipe, case: Case) -> NDArray[np.int64]:
    if recipe.kind == RELATED_ITEMS:
        return best(model.scores(case.history[-1:]), LISTED)
    return best(model.scores(case.history, case.timestamps), LISTED)


def _accuracy(rankings: list[NDArray[np.int64]], cases: list[Case]) -> dict[str, float]:
    asked = [(ranked, case.target) for ranked, case in zip(rankings, cases, strict=True)]
    found = {
        "mean_reciprocal_rank_at_25": np.mean([mean_reciprocal_rank(*pair, k=25) for pair in asked])
    }
    for k in DEPTHS:
        found[f"normalized_discounted_cumulative_gain_at_{k}"] = np.mean(
            [ndcg_at_k(*pair, k=k) for pair in asked]
        )
        found[f"precision_at_{k}"] = np.mean([precision_at_k(*pair, k=k) for pair in asked])
    return {name: float(value) for name, value in found.items()}


def _weighted(
    rankings: list[NDArray[np.int64]], cases: list[Case], interactions: Interactions
) -> dict[str, float]:
    """NDCG in which a hit gains its event's weight, weights scaled to a mean of 1."""
    histories = interactions.by_user()
    scale = float(np.unique(interactions.weights).mean()) or 1.0
    gains = np.zeros(interactions.n_items)
    sums = dict.fromkeys(DEPTHS, 0.0)
    for ranked, case in zip(rankings, cases, strict=True):
        rows = histories.rows[histories.places(case.user)][-len(case.target) :]
        np.maximum.at(gains, case.target, interactions.weights[rows] / scale)
        ideal = np.sort(gains[np.unique(case.target)])[::-1]
        for k in DEPTHS:
            possible = dcg(ideal[:k])
            sums[k] += dcg(gains[ranked[:k]]) / possible if possible else 0.0
        gains[case.target] = 0.0
    name = "normalized_discounted_cumulative_gain_with_event_weights_at"
    return {f"{name}_{k}": total / len(cases) for k, total in sums.items()}
