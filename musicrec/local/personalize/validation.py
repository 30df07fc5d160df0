"""Checks a request against botocore's service model, as the service does before anything else.

botocore itself enforces only required members and types; lengths, patterns, enumerations and upper
bounds travel to the wire, so they are checked here, with the message form of AWS's services.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import InvalidInputError, MalformedRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import ListShape, MapShape, Shape, StructureShape

_SEPARATORS: Final = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

_JAVA_CLASSES: Final = {
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{L}\p{Z}\p{N}": rf"\w{_SEPARATORS}",
}
"""Java's character classes in the models' patterns, in Python's words."""

_LARGEST: Final = {"integer": 2**31 - 1, "long": 2**63 - 1}

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


def check(shape: StructureShape, params: dict[str, Any]) -> None:
    """Check `params` against the input shape.

    Raises:
        MalformedRequestError: a member has another JSON type than the model's.
        InvalidInputError: a member is missing, or outside its length, range, pattern or enum.
    """
    violations = list(_violations(shape, params, ""))
    if violations:
        count = len(violations)
        noun = "error" if count == 1 else "errors"
        raise InvalidInputError(f"{count} validation {noun} detected: {'; '.join(violations)}")


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
        raise MalformedRequestError(
            f"'{path or 'request'}' must be a {shape.type_name}, not {type(value).__name__}"
        )
    largest = _LARGEST.get(shape.type_name)
    if largest is not None and not -largest - 1 <= value <= largest:
        raise MalformedRequestError(f"'{path}' is beyond what a {shape.type_name} holds: {value}")


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
    if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
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
