"""The `properties` of events, items and users: a JSON object in a string, keys in camelCase.

A key belongs to the schema field of which it is the camelCase: `numberOfRatings` to
`NUMBER_OF_RATINGS`. Keys that belong to none are ignored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from musicrec.local.personalize.avro import KEYWORDS, MAX_STRING, MAX_TEXT, NUMERIC
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.strict_json import read_json

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema, Field

_BOUNDS = {"int": 2**31, "long": 2**63}


def read(text: str | None) -> dict[str, Any]:
    """The object in the string.

    Raises:
        InvalidInputError: it is no JSON object.
    """
    if text is None:
        return {}
    try:
        found = read_json(text)
    except ValueError as error:
        raise InvalidInputError(f"properties is not valid JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidInputError("properties must be a JSON object.")
    return found


def columns(given: dict[str, Any], schema: DatasetSchema) -> dict[str, Any]:
    """The properties by the schema's column names, in the columns' types.

    Raises:
        InvalidInputError: a value does not fit its column.
    """
    found = {}
    for field in schema.fields:
        key = camel_case(field.name)
        if given.get(key) is not None:
            found[field.name] = _fitting(field, key, given[key])
    return found


def camel_case(column: str) -> str:
    """`NUMBER_OF_RATINGS` as `numberOfRatings`."""
    first, *others = column.lower().split("_")
    return first + "".join(part.capitalize() for part in others)


def single_precision(name: str, value: Any) -> float:
    """A number as the service stores it.

    Raises:
        InvalidInputError: it is none, or too large.
    """
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not abs(value) <= float(np.finfo(np.float32).max):
        raise InvalidInputError(f"{name} must be a number in single precision, not {value!r}.")
    return float(np.float32(value))


def _fitting(field: Field, key: str, value: Any) -> Any:
    if field.type in NUMERIC:
        return _number(field, key, value)
    expected = bool if field.type == "boolean" else str
    if not isinstance(value, expected):
        raise InvalidInputError(f"Property {key} must be a {field.type}, not {value!r}.")
    return _text(field, value) if isinstance(value, str) else value


def _text(field: Field, value: str) -> str:
    if field.textual:
        return value[:MAX_TEXT]
    if len(value) > MAX_STRING:
        raise InvalidInputError(
            f"Length cannot be more than {MAX_STRING} characters for {field.name}."
        )
    if value in KEYWORDS:
        raise InvalidInputError(f"{value} is a reserved keyword and no value for {field.name}.")
    return value


def _number(field: Field, key: str, value: Any) -> float | int:
    if field.type == "float":
        return single_precision(f"Property {key}", value)
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if good and field.type in _BOUNDS:
        good = value == int(value) if math.isfinite(value) else False
        good = good and -_BOUNDS[field.type] <= value < _BOUNDS[field.type]
    if not good or not math.isfinite(value):
        raise InvalidInputError(f"Property {key} must be a {field.type}, not {value!r}.")
    return float(value) if field.type == "double" else int(value)
