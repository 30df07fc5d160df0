"""How often a solution trains by itself, as its configuration says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY: Final = 86_400.0
DEFAULT_DAYS: Final = 7
MAX_DAYS: Final = 30

_RATE: Final = re.compile(r"rate\((\d+) days?\)")


def interval(config: Mapping[str, Any]) -> float:
    """Seconds from one training's start to the next, as a `solutionConfig` says.

    Raises:
        InvalidInputError: the expression is none.
    """
    expression = config.get("autoTrainingConfig", {}).get("schedulingExpression")
    if expression is None:
        return DEFAULT_DAYS * DAY
    match = _RATE.fullmatch(expression)
    if match is None or not 1 <= int(match[1]) <= MAX_DAYS:
        raise InvalidInputError(
            f"schedulingExpression '{expression}' must read rate(value days) with a value from 1 to "
            f"{MAX_DAYS}."
        )
    return int(match[1]) * DAY
