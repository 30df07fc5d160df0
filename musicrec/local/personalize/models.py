"""Which research model stands behind which recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.research.models import Cooccurrence, ItemKnn, Popularity

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicrec.local.personalize.recipes import Recipe
    from musicrec.research.models.base import Model

_MODELS: Final[dict[str, Callable[[], Model]]] = {
    "aws-hrnn": Cooccurrence,
    "aws-hrnn-coldstart": Cooccurrence,
    "aws-hrnn-metadata": Cooccurrence,
    "aws-item-affinity": Cooccurrence,
    "aws-item-attribute-affinity": Cooccurrence,
    "aws-personalized-ranking": Cooccurrence,
    "aws-personalized-ranking-v2": Cooccurrence,
    "aws-popularity-count": Popularity,
    "aws-similar-items": Cooccurrence,
    "aws-sims": ItemKnn,
    "aws-trending-now": Popularity,
    "aws-user-personalization": Cooccurrence,
    "aws-user-personalization-v2": Cooccurrence,
}

_WITH_METADATA: Final = frozenset(name for name, model in _MODELS.items() if model is Cooccurrence)


def new_model(recipe: Recipe) -> Model:
    """An unfitted model for a trainable recipe."""
    return _MODELS[recipe.method]()


def uses_metadata(recipe: Recipe) -> bool:
    """Whether the recipe learns from the Items dataset and can return items nobody has met."""
    return recipe.method in _WITH_METADATA
