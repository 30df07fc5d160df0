"""Requests and answers of AWS's JSON services, checked and written by botocore's service models.

botocore itself enforces only required members and types; lengths, patterns, enumerations and upper
bounds travel to the wire, so they are checked here, with the message form of AWS's services.
"""

from __future__ import annotations

import math
import re
import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from botocore.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

_SEPARATORS: Final = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

_JAVA_CLASSES: Final = {
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{L}\p{Z}\p{N}": rf"\w{_SEPARATORS}",
}
"""Java's character classes in the models' patterns, in Python's words."""

_LARGEST: Final = {"integer": 2**31 - 1, "long": 2**63 - 1}
"""Other numbers are doubles at most."""

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


class WrongTypeError(ValueError):
    """A member of a request has another JSON type than the model's."""


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service, by boto3's name of it, that botocore ships."""
    return Session().get_service_model(service)


def violation(shape: StructureShape, params: dict[str, Any]) -> str | None:
    """What is wrong with `params` by the input shape, in AWS's words; None when nothing is.

    Raises:
        WrongTypeError: a member has another JSON type than the model's.
    """
    found = list(_violations(shape, params, ""))
    if not found:
        return None
    noun = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {noun} detected: {'; '.join(found)}"


def rendered(shape: Shape, value: Any) -> Any:
    """An answer's members that the output shape knows and that have a value, and nothing else."""
    write = _writer(shape)
    return value if write is None else write(value)


@cache
def _writer(shape: Shape) -> Callable[[Any], Any] | None:
    """How values of a shape are written; None for those that are written as they are.

    Made once a shape: a walk through the model costs more than all else in an answer of 25 items.
    """
    if shape.type_name == "structure":
        return partial(_structure, _members(shape))  # type: ignore[arg-type]  # told by type_name
    if shape.type_name == "list":
        return partial(_list, _writer(shape.member))  # type: ignore[attr-defined]  # a list
    if shape.type_name == "map":
        return partial(_map, _writer(shape.value))  # type: ignore[attr-defined]  # a map
    return None


def _members(shape: StructureShape) -> dict[str, Callable[[Any], Any] | None]:
    return {name: _writer(member) for name, member in shape.members.items()}


def _structure(
    members: dict[str, Callable[[Any], Any] | None], value: dict[str, Any]
) -> dict[str, Any]:
    shown = {}
    for name, entry in value.items():
        if entry is not None and name in members:
            write = members[name]
            shown[name] = entry if write is None else write(entry)
    return shown


def _list(write: Callable[[Any], Any] | None, value: list[Any]) -> list[Any]:
    return value if write is None else [write(entry) for entry in value]


def _map(write: Callable[[Any], Any] | None, value: dict[str, Any]) -> dict[str, Any]:
    return value if write is None else {key: write(entry) for key, entry in value.items()}


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    _check_type(shape, value, path)
    if shape.type_name == "structure":
        yield from _in_structure(shape, value, path)  # type: ignore[arg-type]  # told by type_name
    elif shape.type_name == "list":
        yield from _in_list(shape, value, path)  # type: ignore[arg-type]  # told by type_name
    elif shape.type_name == "map":
        yield from _in_map(shape, value, path)  # type: ignore[arg-type]  # told by type_name
    for constraint in _broken(shape, value):
        shown = "" if shape.metadata.get("sensitive") else f"'{value}' "
        yield f"Value {shown}at '{path}' failed to satisfy constraint: Member must {constraint}"


def _check_type(shape: Shape, value: Any, path: str) -> None:
    allowed = _TYPES[shape.type_name]
    good = isinstance(value, allowed) and (isinstance(value, bool) == (bool in allowed))
    if not good or (isinstance(value, float) and not math.isfinite(value)):
        raise WrongTypeError(
            f"'{path or 'request'}' must be a {shape.type_name}, not {type(value).__name__}"
        )
    largest = _LARGEST.get(shape.type_name, sys.float_info.max)
    if isinstance(value, (int, float)) and not -largest - 1 <= value <= largest:
        raise WrongTypeError(f"'{path}' is beyond what a {shape.type_name} holds: {value}")


def _in_structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield (
                f"Value null at '{prefix}{name}' failed to satisfy constraint: "
                "Member must not be null"
            )
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _violations(member, value[name], prefix + name)


def _in_list(shape: ListShape, value: list[Any], path: str) -> Iterator[str]:
    for number, entry in enumerate(value, start=1):
        yield from _violations(shape.member, entry, f"{path}.{number}.member")


def _in_map(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for key, entry in value.items():
        yield from _violations(shape.key, key, f"{path}.key")
        yield from _violations(shape.value, entry, f"{path}.{key}")


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    if not rules:
        return
    size = value if isinstance(value, (int, float)) else len(value)
    measure = "have value" if isinstance(value, (int, float)) else "have length"
    if "min" in rules and size < rules["min"]:
        yield f"{measure} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"{measure} less than or equal to {rules['max']}"
    # Matching takes long on long texts, which are refused anyway.
    short = size <= rules.get("max", size)
    if "pattern" in rules and short and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"satisfy regular expression pattern: {rules['pattern']}"
    if rules.get("enum") and value not in rules["enum"]:
        yield f"satisfy enum value set: [{', '.join(rules['enum'])}]"


@cache
def _pattern(java: str) -> re.Pattern[str]:
    # Java's \d is 0 to 9; Python's takes the digits of all scripts unless told otherwise.
    flags = re.NOFLAG if r"\p{L}" in java else re.ASCII
    for foreign, ours in _JAVA_CLASSES.items():
        java = java.replace(foreign, ours)
    return re.compile(java, flags)
