"""Which research model stands behind which recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.local.personalize.hyperparameters import tuned
from musicrec.research.models import Cooccurrence, ItemKnn, MomentAndTaste, Popularity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from musicrec.local.personalize.recipes import Recipe
    from musicrec.research.models.base import Model

_MODELS: Final[dict[str, Callable[[], Model]]] = {
    "aws-hrnn": MomentAndTaste,
    "aws-hrnn-coldstart": MomentAndTaste,
    "aws-hrnn-metadata": MomentAndTaste,
    "aws-item-affinity": Cooccurrence,
    "aws-item-attribute-affinity": Cooccurrence,
    "aws-personalized-ranking": MomentAndTaste,
    "aws-personalized-ranking-v2": MomentAndTaste,
    "aws-popularity-count": Popularity,
    "aws-similar-items": Cooccurrence,
    "aws-sims": ItemKnn,
    "aws-trending-now": Popularity,
    "aws-user-personalization": MomentAndTaste,
    "aws-user-personalization-v2": MomentAndTaste,
}

_WITH_METADATA: Final = frozenset(
    name for name, model in _MODELS.items() if model in {Cooccurrence, MomentAndTaste}
)


def new_model(recipe: Recipe, parameters: Mapping[str, str]) -> Model:
    """An unfitted model for a trainable recipe, with a solution's hyperparameters."""
    return tuned(_MODELS[recipe.method](), recipe, parameters)


def uses_metadata(recipe: Recipe) -> bool:
    """Whether the recipe learns from the Items dataset and can return items nobody has met."""
    return recipe.method in _WITH_METADATA
