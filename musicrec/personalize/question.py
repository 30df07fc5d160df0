"""What `GET /recommendations` may be asked: query parameters, each checked and refused by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

MAX_RESULTS: Final = 500
"""Personalize's limit of one list."""

_SHOWN: Final = 64
"""Characters of a refused value that its message repeats."""


class BadQuestionError(ValueError):
    """A parameter is missing, malformed or given twice.

    Attributes:
        parameter: its name.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter} {reason}")
        self.parameter = parameter


class Question(Struct, frozen=True, kw_only=True):
    """Query parameters of `GET /recommendations`; unknown ones are passed over.

    Attributes:
        user_id: the listener, as in the events.
        num_results: how many tracks.
        filter: `no-skips` leaves out what the listener skipped lately, `none` nothing.
        explicit: whether tracks with a parental advisory may be in the list.
        exclude_recent: whether what the listener played lately is left out.
    """

    user_id: Annotated[str, Meta(min_length=1, max_length=256)]
    num_results: Annotated[int, Meta(ge=1, le=MAX_RESULTS)] = 25
    filter: Literal["no-skips", "none"] = "no-skips"
    explicit: bool = True
    exclude_recent: bool = False


def parse(query: Mapping[str, Sequence[str]] | None) -> Question:
    """Read the query parameters of a request.

    Args:
        query: every value of each parameter (`multiValueQueryStringParameters`); API Gateway gives
            None when there are none.

    Raises:
        BadQuestionError: a parameter is missing, malformed or given more than once.
    """
    given = query or {}
    values: dict[str, Any] = {}
    for parameter in msgspec.structs.fields(Question):
        name = parameter.encode_name
        if name in given:
            values[name] = _value(name, given[name], parameter.type)
        elif parameter.required:
            raise BadQuestionError(name, "is missing")
    return Question(**values)


def _value(name: str, given: Sequence[str], kind: Any) -> Any:
    if len(given) != 1:
        raise BadQuestionError(name, f"is given {len(given)} times: give it once")
    (text,) = given
    try:
        return msgspec.convert(_READERS.get(name, str)(text), kind)
    except (ValueError, msgspec.ValidationError) as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise BadQuestionError(name, f"cannot be {shown!r}: {error}") from error


def _whole_number(text: str) -> int:
    """Stricter than `int`, which takes blanks, signs, underscores and other scripts' digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= _SHOWN):
        raise ValueError("expected a whole number")
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("expected true or false")
    return text == "true"


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "num_results": _whole_number,
    "explicit": _truth,
    "exclude_recent": _truth,
}
