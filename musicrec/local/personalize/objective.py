"""A further objective beside relevance: items that bring more of something come earlier.

The something is a numeric column of the Items dataset. How much it counts the solution says, by
`objectiveSensitivity`; where it counts as much as relevance (MEDIUM), one standard deviation of the
column among all items weighs as much as one of the scores among the user's best items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from musicrec.local.personalize.avro import NUMERIC
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.item_columns import ItemColumns
from musicrec.local.personalize.ranking import best

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.research.models.base import Interactions, Model
    from musicrec.research.splits import Case

RECIPES: Final = frozenset({"aws-user-personalization", "aws-personalized-ranking"})

EMPHASIS: Final = {"OFF": 0.0, "LOW": 0.3, "MEDIUM": 1.0, "HIGH": 3.0}
"""Weight of the objective beside relevance. Switched off it is measured, and changes nothing."""

BEST_ITEMS: Final = 100
"""The user's best items, by whose scores relevance is measured."""

REWARDED: Final = 25
"""The recommendations that bring most, to which the metric looks."""


def setting(config: Mapping[str, Any]) -> tuple[str, float] | None:
    """The column and the weight that a `solutionConfig` asks for; None for no objective."""
    given = config.get("optimizationObjective", {})
    sensitivity = given.get("objectiveSensitivity", "OFF")
    if sensitivity == "OFF" and "itemAttribute" not in given:
        return None
    return str(given.get("itemAttribute", "")), EMPHASIS[sensitivity]


def check(recipe: Recipe, config: Mapping[str, Any], items: DatasetSchema | None) -> None:
    """Check the objective of a `solutionConfig`, if it has one.

    Args:
        recipe: of the solution.
        config: its `solutionConfig`.
        items: the schema of the group's Items dataset.

    Raises:
        InvalidInputError: the recipe takes none, or the column does not do.
    """
    if "optimizationObjective" in config and recipe.name not in RECIPES:
        raise InvalidInputError(
            f"optimizationObjective is not supported by the recipe {recipe.name}; "
            f"use one of {sorted(RECIPES)}."
        )
    wanted = setting(config)
    if wanted is None:
        return
    column = items.field(wanted[0]) if items else None
    if column is None or column.type not in NUMERIC or column.nullable:
        raise InvalidInputError(
            f"itemAttribute '{wanted[0]}' must be a numeric column of the Items dataset whose type "
            "does not include null."
        )


@dataclass(frozen=True, eq=False)
class Objective:
    """What each item brings, and how much that counts.

    Attributes:
        rewards: by item code; the mean for an item without a record.
        emphasis: beside relevance.
    """

    rewards: NDArray[np.float64]
    emphasis: float

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        records: MetadataRecords | None,
        item_index: dict[str, int],
    ) -> Self | None:
        """The objective of a solution's configuration; None without one, or without the column."""
        wanted = setting(config)
        if wanted is None or records is None or records.schema.field(wanted[0]) is None:
            return None
        rewards = ItemColumns.of(records, item_index).numbers(wanted[0].upper())
        known = np.isfinite(rewards)
        mean = rewards[known].mean() if known.any() else 0.0
        return cls(np.where(known, rewards, mean), wanted[1])


class WithObjective:
    """A model whose scores speak for an objective too."""

    def __init__(self, model: Model, objective: Objective) -> None:
        rewards = objective.rewards - objective.rewards.mean()
        self._model = model
        self._bonus = (objective.emphasis * rewards / (rewards.std() or 1)).astype(np.float32)

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Fit the model; the objective is known."""
        self._model.fit(interactions, item_features)
        return self

    def scores(
        self, history: NDArray[np.int32], timestamps: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Relevance, in standard deviations among the user's best items, and the objective."""
        scores = self._model.scores(history, timestamps)
        leading = scores[best(scores, BEST_ITEMS)]
        spread = leading.std() or np.float32(1)
        return np.asarray(scores / spread + self._bonus, dtype=np.float32)


def average_rewards(
    objective: Objective, rankings: Sequence[NDArray[np.int64]], cases: Sequence[Case]
) -> float:
    """The metric `average_rewards_at_k`, averaged over the users with a hit.

    For each of them the rewards of the hits among the `REWARDED` recommendations that bring most, as
    a share of the rewards of all hits. Rewards count from the smallest one on.
    """
    rewards = objective.rewards - objective.rewards.min(initial=0)
    shares = []
    for ranked, case in zip(rankings, cases, strict=True):
        hits = np.isin(ranked, case.target)
        total = float(rewards[ranked[hits]].sum())
        if total > 0:
            top = ranked[np.argsort(-rewards[ranked], kind="stable")[:REWARDED]]
            shares.append(float(rewards[top[np.isin(top, case.target)]].sum()) / total)
    return float(np.mean(shares)) if shares else 0.0
