"""What the hyperparameters of a solution mean to the models that stand behind its recipe.

Those that have no counterpart in a model are checked and echoed only.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from musicrec.research.models import (
    Cooccurrence,
    CooccurrenceConfig,
    ItemKnn,
    MomentAndTaste,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicrec.local.personalize.recipes import Recipe
    from musicrec.research.models.base import Model
    from musicrec.research.models.low_rank import LowRankEaseConfig

RECENCY: Final = ("apply_recency_bias", "recency_mask")
DISCOUNT: Final = "popularity_discount_factor"
TOGETHER: Final = "min_cointeraction_count"


def tuned(model: Model, recipe: Recipe, given: Mapping[str, str]) -> Model:
    """The unfitted model as the hyperparameters want it.

    Args:
        model: of the recipe, with its own settings.
        recipe: gives the defaults.
        given: the solution's hyperparameters, checked.
    """
    values = {name: entry.default for name, entry in recipe.hyperparameters} | dict(given)
    if isinstance(model, ItemKnn) and DISCOUNT in values:
        return ItemKnn(
            replace(
                model.config,
                popularity_discount=float(values[DISCOUNT]),
                min_together=round(float(values[TOGETHER])),
            )
        )
    if isinstance(model, Cooccurrence):
        return Cooccurrence(_moment(model.config, values))
    if isinstance(model, MomentAndTaste):
        config = model.config
        taste = config.taste if _fades(values) else _lasting(config.taste)
        return MomentAndTaste(replace(config, moment=_moment(config.moment, values), taste=taste))
    return model


def _fades(values: Mapping[str, str]) -> bool:
    return all(values.get(name, "true").lower() == "true" for name in RECENCY)


def _moment(config: CooccurrenceConfig, values: Mapping[str, str]) -> CooccurrenceConfig:
    """No discount is what the model does by itself; the whole discount divides by the totals."""
    power = config.popularity_discount
    power += (1 - power) * float(values.get(DISCOUNT, "0"))
    config = replace(config, popularity_discount=power)
    if _fades(values):
        return config
    return replace(config, history_half_life=math.inf, lasting_half_life=math.inf)


def _lasting(config: LowRankEaseConfig) -> LowRankEaseConfig:
    return replace(config, history_half_life=math.inf, lasting_half_life=math.inf)
