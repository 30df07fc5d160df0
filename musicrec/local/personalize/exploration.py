"""Exploration: some places of a list go to items that are young and of which little is known.

How many places, and how old the items may be, a campaign of User-Personalization says in its
`itemExplorationConfig`; the second generation decides by itself, and lightly. Which items, chance
decides: the likelier, the better they fit the user, the fewer people have met them and the less often
they were shown and passed over. Chance comes from the server's seed, the user and the state of things,
so that the same request on the same state gives the same list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import crc32

import numpy as np

from musicrec.local.personalize.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.novelty import Novelty
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

WEIGHT: Final = "explorationWeight"
AGE: Final = "explorationItemAgeCutOff"

DEFAULT_WEIGHT: Final = 0.3
DEFAULT_AGE: Final = 30.0
MIN_AGE: Final = 1.0
SECONDS_PER_DAY: Final = 86_400

LIGHT: Final = 0.001
"""The second generation's share of places for young items that the training knew."""

LIGHT_FOR_NEWCOMERS: Final = 0.02
"""The same for items that came after the training, while there are any."""

BEST_FIT: Final = 6.0
"""Standard deviations beyond which fitting the user better does not help an item any more."""


@dataclass(frozen=True)
class Exploration:
    """How much of a list is explored, and how old the explored items may be.

    Attributes:
        share: of the places, 0 to 1.
        max_age: days before the newest interaction.
        newcomers_only: whether items that the training knew stay out.
    """

    share: float
    max_age: float = DEFAULT_AGE
    newcomers_only: bool = False

    @classmethod
    def of(cls, recipe: Recipe, config: Mapping[str, Any], *, newcomers: bool) -> Self:
        """What a recipe explores.

        Args:
            recipe: of the solution.
            config: a campaign's or a batch job's configuration.
            newcomers: whether there are items that came after the training.

        Raises:
            InvalidInputError: the configuration is none.
        """
        if not recipe.explores:
            return cls(0.0)
        if recipe.second_generation:
            share = LIGHT_FOR_NEWCOMERS if newcomers else LIGHT
            return cls(share, newcomers_only=newcomers)
        given = config.get("itemExplorationConfig", {})
        return cls(
            _number(given, WEIGHT, DEFAULT_WEIGHT, 0.0, 1.0),
            _number(given, AGE, DEFAULT_AGE, MIN_AGE, math.inf),
        )


def check(recipe: Recipe, config: Mapping[str, Any]) -> None:
    """Check the `itemExplorationConfig` of a campaign or a batch job, if there is one.

    Raises:
        InvalidInputError: the recipe does not explore, or a setting is unknown or out of range.
    """
    given = config.get("itemExplorationConfig")
    if not given:
        return
    if not recipe.explores:
        raise InvalidInputError(f"itemExplorationConfig is not supported by {recipe.name}.")
    unknown = sorted(given.keys() - {WEIGHT, AGE})
    if unknown:
        raise InvalidInputError(f"itemExplorationConfig takes {WEIGHT} and {AGE}, not {unknown}.")
    _number(given, WEIGHT, DEFAULT_WEIGHT, 0.0, 1.0)
    _number(given, AGE, DEFAULT_AGE, MIN_AGE, math.inf)


def _number(given: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = given.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high or math.isinf(number):
        most = "" if math.isinf(high) else f" to {high:g}"
        raise InvalidInputError(f"{name} must be a number from {low:g}{most}, not '{text}'.")
    return number


def generator(
    region: Region,
    version: SolutionVersion,
    trained: Trained,
    user: str,
    heard: NDArray[np.int32],
) -> np.random.Generator:
    """Chance for one user in one state of things: the model, its items, the user's history.

    What is no part of the history, such as an event of a type left out, does not draw anew.
    """
    state = (version.solution.arn, version.sequence, len(trained.item_ids), user)
    return np.random.default_rng([region.seed, crc32(repr(state).encode()), crc32(heard.tobytes())])


def places(exploration: Exploration, count: int, chance: np.random.Generator) -> int:
    """How many of `count` places to explore: the share, rounded up or down by chance."""
    return min(int(exploration.share * count + chance.random()), count)


def young(exploration: Exploration, novelty: Novelty, known: int) -> NDArray[np.bool_]:
    """Mask of the item codes that may be explored at all.

    Args:
        exploration: says how old they may be.
        novelty: how old they are.
        known: codes below it are those of the training.
    """
    oldest = novelty.latest - exploration.max_age * SECONDS_PER_DAY
    mask: NDArray[np.bool_] = novelty.born >= oldest
    if exploration.newcomers_only:
        mask[:known] = False
    return mask


def drawn(
    version: SolutionVersion,
    trained: Trained,
    scores: NDArray[np.float32],
    chance: np.random.Generator,
) -> NDArray[np.float32]:
    """A lot for every item, weighted by its chance: the highest ones win.

    Args:
        version: whose group's impressions count.
        trained: its model.
        scores: how well each item fits.
        chance: gives every item a lot, so that what befalls one changes no other's.
    """
    novelty = trained.novelty
    assert novelty  # without it nothing is explored
    spread = scores.std() or np.float32(1)
    worth: NDArray[np.float32] = ((scores - scores.mean()) / spread).clip(max=BEST_FIT)
    worth -= novelty.familiarity
    worth -= novelty.passed.penalties(version.solution.group.log.impressions, trained.item_index)
    # Among exponential clocks at these rates, the first to ring is a draw by weight.
    clocks = chance.standard_exponential(len(scores), dtype=np.float32)
    worth -= np.log(np.maximum(clocks, np.finfo(np.float32).tiny))
    return worth
