"""The recipes that Amazon Personalize lists, and what each is to the embedded one.

Names, types and hyperparameters are those of AWS's recipe pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from musicrec.local.personalize.errors import InvalidInputError, ResourceNotFoundError

PREFIX: Final = "arn:aws:personalize:::recipe/"

USER_PERSONALIZATION: Final = "USER_PERSONALIZATION"
PERSONALIZED_RANKING: Final = "PERSONALIZED_RANKING"
RELATED_ITEMS: Final = "RELATED_ITEMS"
POPULAR_ITEMS: Final = "POPULAR_ITEMS"
USER_SEGMENTATION: Final = "USER_SEGMENTATION"
PERSONALIZED_ACTIONS: Final = "PERSONALIZED_ACTIONS"


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of the algorithm, a string on the wire.

    Attributes:
        default: as the recipe page says.
        low: smallest number allowed; None for a flag.
        high: largest number allowed.
    """

    default: str
    low: float | None = None
    high: float | None = None

    def check(self, name: str, value: str) -> None:
        """Check a value.

        Raises:
            InvalidInputError: it is no flag, no number or out of range.
        """
        if self.low is None or self.high is None:
            good = value.lower() in {"true", "false"}
            wanted = "true or false"
        else:
            good = _is_number(value) and self.low <= float(value) <= self.high
            wanted = f"a number from {self.low:g} to {self.high:g}"
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

    @property
    def arn(self) -> str:
        """The recipe's ARN, without region and account."""
        return PREFIX + self.name

    @property
    def second_generation(self) -> bool:
        """Whether answers give reasons, and metadata without the campaign's consent."""
        return self.name.endswith("-v2")

    def check_hyperparameters(self, given: dict[str, str]) -> None:
        """Check the hyperparameters of a solution.

        Raises:
            InvalidInputError: one is unknown to the recipe or has a bad value.
        """
        known = dict(self.hyperparameters)
        for name, value in given.items():
            if name not in known:
                raise InvalidInputError(
                    f"Hyperparameter {name} is not supported by {self.name}; "
                    f"it has {sorted(known) or 'none'}."
                )
            known[name].check(name, value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_FLAG: Final = Hyperparameter("true")
_RECURRENT: Final = (
    ("hidden_dimension", Hyperparameter("149", 32, 256)),
    ("bptt", Hyperparameter("32", 2, 32)),
    ("recency_mask", _FLAG),
)
_DISCOUNT: Final = "popularity_discount_factor"

_CUSTOM: Final = (
    Recipe("aws-item-affinity", USER_SEGMENTATION, "Segments of users by affinity to items"),
    Recipe(
        "aws-item-attribute-affinity",
        USER_SEGMENTATION,
        "Segments of users by affinity to attributes of items",
    ),
    Recipe("aws-next-best-action", PERSONALIZED_ACTIONS, "The next best actions for a user"),
    Recipe(
        "aws-personalized-ranking",
        PERSONALIZED_RANKING,
        "Ranks a given list of items for a user",
        _RECURRENT,
        trainable=True,
        scored=True,
    ),
    Recipe(
        "aws-personalized-ranking-v2",
        PERSONALIZED_RANKING,
        "Ranks a given list of items for a user, second generation",
        (("apply_recency_bias", _FLAG),),
        trainable=True,
        takes_events_config=True,
        scored=True,
    ),
    Recipe(
        "aws-popularity-count",
        POPULAR_ITEMS,
        "Items by the number of distinct users who interacted with them",
        trainable=True,
        feature_transformation="sims",
    ),
    Recipe(
        "aws-semantic-similarity",
        RELATED_ITEMS,
        "Items whose texts mean the like of a given item's",
    ),
    Recipe(
        "aws-similar-items",
        RELATED_ITEMS,
        "Items like a given one by interactions and metadata",
        ((_DISCOUNT, Hyperparameter("0.0", 0, 1)),),
        trainable=True,
    ),
    Recipe(
        "aws-sims",
        RELATED_ITEMS,
        "Items that the same users interacted with",
        (
            (_DISCOUNT, Hyperparameter("0.5", 0, 1)),
            ("min_cointeraction_count", Hyperparameter("3", 0, 10)),
        ),
        trainable=True,
        feature_transformation="sims",
    ),
    Recipe("aws-trending-now", POPULAR_ITEMS, "Items whose popularity grows fastest"),
    Recipe(
        "aws-user-personalization",
        USER_PERSONALIZATION,
        "Items that a user will interact with",
        _RECURRENT,
        trainable=True,
        updatable=True,
        scored=True,
    ),
    Recipe(
        "aws-user-personalization-v2",
        USER_PERSONALIZATION,
        "Items that a user will interact with, second generation",
        (("apply_recency_bias", _FLAG),),
        trainable=True,
        takes_events_config=True,
        scored=True,
    ),
)

_DOMAIN: Final = {
    "ECOMMERCE": {
        "aws-ecomm-customers-who-viewed-x-also-viewed": RELATED_ITEMS,
        "aws-ecomm-frequently-bought-together": RELATED_ITEMS,
        "aws-ecomm-popular-items-by-purchases": POPULAR_ITEMS,
        "aws-ecomm-popular-items-by-views": POPULAR_ITEMS,
        "aws-ecomm-recommended-for-you": USER_PERSONALIZATION,
    },
    "VIDEO_ON_DEMAND": {
        "aws-vod-because-you-watched-x": RELATED_ITEMS,
        "aws-vod-more-like-x": RELATED_ITEMS,
        "aws-vod-most-popular": POPULAR_ITEMS,
        "aws-vod-top-picks": USER_PERSONALIZATION,
        "aws-vod-trending-now": POPULAR_ITEMS,
    },
}

RECIPES: Final = {
    recipe.arn: recipe
    for recipe in sorted(
        (
            *_CUSTOM,
            *(
                Recipe(name, kind, f"Domain recipe for {domain}", domain=domain)
                for domain, names in _DOMAIN.items()
                for name, kind in names.items()
            ),
        ),
        key=lambda recipe: recipe.name,
    )
}
"""All recipes by ARN, alphabetical."""


def recipe_of(arn: str) -> Recipe:
    """The recipe of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
    """
    try:
        return RECIPES[arn]
    except KeyError:
        raise ResourceNotFoundError(arn) from None
