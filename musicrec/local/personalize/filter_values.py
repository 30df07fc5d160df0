"""The values that a request brings for a filter's placeholders.

Text comes as a list of strings in double quotes (`"rock","jazz"`), a number bare (`1970`).
"""

from __future__ import annotations

import math
import re
from typing import Final

from musicrec.local.personalize.errors import InvalidInputError

_LIST: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*"\s*(?:,\s*"(?:[^"\\]|\\.)*"\s*)*')
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


def texts(name: str, value: str) -> tuple[str, ...]:
    """The strings of a list.

    Raises:
        InvalidInputError: the value is no comma-separated list of strings in double quotes.
    """
    if not _LIST.fullmatch(value):
        raise InvalidInputError(
            f"The filter value of {name} must be strings in double quotes, separated by commas, "
            f"not {value}."
        )
    return tuple(re.sub(r"\\(.)", r"\1", text) for text in _TEXT.findall(value))


def number(name: str, value: str) -> float:
    """The number.

    Raises:
        InvalidInputError: the value is none.
    """
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not math.isfinite(parsed):
        raise InvalidInputError(f"The filter value of {name} must be a number, not {value}.")
    return parsed
