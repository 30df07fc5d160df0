"""Promotions: a share of an answer's places goes to items that a filter of their own selects."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from musicrec.local.personalize import request_filter
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.ranking import best

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

_OWN = ("filterArn", "filterValues")


def promoted(
    region: Region,
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
    *,
    scores: NDArray[np.float32],
    count: int,
) -> NDArray[np.int64]:
    """The codes of the promoted items, best first; none when the request promotes nothing.

    The request's own filter does not apply to them. Their number is the percentage of `count`,
    rounded down; where the promotion's filter lets fewer through, the others fill the places.

    Raises:
        InvalidInputError: the promotion is incomplete, or its filter does not fit.
        ResourceNotFoundError: its filter does not exist.
    """
    for promotion in params.get("promotions", []):
        missing = [
            name for name in ("name", "percentPromotedItems", "filterArn") if name not in promotion
        ]
        if missing:
            raise InvalidInputError(f"The promotion lacks {', '.join(missing)}.")
        plain = {name: value for name, value in params.items() if name not in _OWN}
        own = {name: promotion[name] for name in _OWN if name in promotion}
        allowed = request_filter.allowed(region, version, trained, plain | own)
        places = count * int(promotion["percentPromotedItems"]) // 100
        assert allowed is not None  # a filter was given
        return best(scores, places, allowed)
    return np.empty(0, dtype=np.int64)


def places(total: int, promoted_items: int, seed: str) -> set[int]:
    """Random places for the promoted items; the same seed gives the same ones."""
    # Nothing secret hangs on the places.
    return set(random.Random(seed).sample(range(total), promoted_items))  # noqa: S311 - see above
