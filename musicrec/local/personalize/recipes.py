"""What a recipe is: the kind of solution, and the settings that its solutions may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from musicrec.local.personalize.errors import InvalidInputError

PREFIX: Final = "arn:aws:personalize:::recipe/"

USER_PERSONALIZATION: Final = "USER_PERSONALIZATION"
PERSONALIZED_RANKING: Final = "PERSONALIZED_RANKING"
RELATED_ITEMS: Final = "RELATED_ITEMS"
POPULAR_ITEMS: Final = "POPULAR_ITEMS"
USER_SEGMENTATION: Final = "USER_SEGMENTATION"
PERSONALIZED_ACTIONS: Final = "PERSONALIZED_ACTIONS"

TREND_INTERVALS: Final = {
    "30 minutes": 1800,
    "1 hour": 3600,
    "2 hours": 7200,
    "3 hours": 10_800,
    "1 day": 86_400,
}
"""Seconds between two looks at the trends, by the values that Trending-Now's parameter takes."""


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of the algorithm, a string on the wire.

    Attributes:
        default: as the recipe page says.
        low: smallest number allowed; None for a choice.
        high: largest number allowed.
        choices: the values allowed where it is no number, in lower case.
    """

    default: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ("true", "false")

    def check(self, name: str, value: str) -> None:
        """Check a value.

        Raises:
            InvalidInputError: it is none of the choices, no number or out of range.
        """
        if self.low is None or self.high is None:
            good = value.lower() in self.choices
            wanted = " or ".join(self.choices)
        else:
            whole = "." not in self.default
            written = re.fullmatch("[0-9]+" if whole else r"[0-9]+(\.[0-9]*)?|\.[0-9]+", value)
            good = written is not None and self.low <= float(value) <= self.high
            wanted = f"a{' whole' * whole} number from {self.low:g} to {self.high:g}"
        if not good:
            raise InvalidInputError(
                f"Invalid value '{value}' for hyperparameter {name}: use {wanted}."
            )


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
        name: last part of the ARN.
        kind: AWS's `recipeType`.
        description: one line.
        hyperparameters: by name.
        trainable: whether the embedded Personalize can train it.
        takes_events_config: whether `eventsConfig` may be set (the v2 recipes).
        updatable: whether `UPDATE` trainings exist.
        scored: whether results carry scores.
        domain: of domain recipes.
        feature_transformation: last part of that ARN.
        transformation: parameters of the feature transformation, by name.
        algorithm: last part of that ARN where it is not the recipe's name.
        base: name of the custom recipe whose model a domain recipe uses.
        learns_from: the only event type that a domain recipe looks at; None for all.
        hides: event type whose items a domain recipe keeps from the user who met them.
        needs_user: whether requests must name a user though the model does not ask.
        needs_items: whether there must be an Items dataset.
    """

    name: str
    kind: str
    description: str
    hyperparameters: tuple[tuple[str, Hyperparameter], ...] = ()
    trainable: bool = False
    takes_events_config: bool = False
    updatable: bool = False
    scored: bool = False
    domain: str | None = None
    feature_transformation: str = "JSON-percentile-filtering"
    transformation: tuple[tuple[str, Hyperparameter], ...] = ()
    algorithm: str | None = None
    base: str | None = None
    learns_from: str | None = None
    hides: str | None = None
    needs_user: bool = False
    needs_items: bool = False

    @property
    def method(self) -> str:
        """The name of the recipe by which its model goes."""
        return self.base or self.name

    @property
    def arn(self) -> str:
        """The recipe's ARN, without region and account."""
        return PREFIX + self.name

    @property
    def inference(self) -> bool:
        """Whether batch inference jobs take it."""
        batchless = self.kind in {USER_SEGMENTATION, PERSONALIZED_ACTIONS}
        return not batchless and self.name != "aws-trending-now"

    @property
    def second_generation(self) -> bool:
        """Whether answers give reasons, and metadata without the campaign's consent."""
        return self.name.endswith("-v2")

    @property
    def explores(self) -> bool:
        """Whether answers include new items, and those added since the training."""
        return self.method in {"aws-user-personalization", "aws-user-personalization-v2"}

    @property
    def takes_context(self) -> bool:
        """Whether the circumstances of a request matter."""
        return self.explores or self.name.startswith("aws-personalized-ranking")

    @property
    def algorithm_arn(self) -> str:
        """The ARN of the recipe's algorithm."""
        return f"arn:aws:personalize:::algorithm/{self.algorithm or self.name}"

    @property
    def feature_transformation_arn(self) -> str:
        """The ARN of the recipe's feature transformation."""
        return f"arn:aws:personalize:::feature-transformation/{self.feature_transformation}"

    def check_parameters(self, algorithm: dict[str, str], transformation: dict[str, str]) -> None:
        """Check the parameters of a solution.

        Raises:
            InvalidInputError: one is unknown to the recipe or has a bad value.
        """
        self._check("Hyperparameter", dict(self.hyperparameters), algorithm)
        self._check("Feature transformation parameter", dict(self.transformation), transformation)

    def _check(self, what: str, known: dict[str, Hyperparameter], given: dict[str, str]) -> None:
        for name, value in given.items():
            if name not in known:
                raise InvalidInputError(
                    f"{what} {name} is not supported by {self.name}; "
                    f"it has {sorted(known) or 'none'}."
                )
            known[name].check(name, value)
