"""Checks a request against botocore's service model, as Kinesis does before anything else.

botocore checks required members and types in the client; lengths, patterns, enumerations and bounds
travel to the service. Blobs come out decoded.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.kinesis.errors import MalformedRequestError, ValidationError

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}

_Check = Callable[[Any, str, list[str]], Any]
"""Takes a value, its path and the list of violations so far; returns the value as it is used."""


def check(shape: StructureShape, params: dict[str, Any]) -> dict[str, Any]:
    """Check `params` against the input shape.

    Returns:
        the members that the model knows, blobs as bytes.

    Raises:
        MalformedRequestError: a member has another JSON type than the model's.
        ValidationError: a member is missing, or outside its length, range, pattern or enum.
    """
    violations: list[str] = []
    checked: dict[str, Any] = _checker(shape)(params, "", violations)
    if violations:
        count = len(violations)
        noun = "error" if count == 1 else "errors"
        raise ValidationError(f"{count} validation {noun} detected: {'; '.join(violations)}")
    return checked


@cache
def _checker(shape: Shape) -> _Check:
    """The check of one shape, put together once; PutRecords has 1,500 members to check."""
    by_type: dict[str, Callable[[Any], _Check]] = {
        "structure": _structure,
        "list": _list,
        "map": _map,
    }
    inner = by_type.get(shape.type_name, _scalar)(shape)
    allowed = _TYPES[shape.type_name]

    def checked(value: Any, path: str, violations: list[str]) -> Any:
        good = isinstance(value, allowed) and isinstance(value, bool) == (bool in allowed)
        if not good or (isinstance(value, float) and not math.isfinite(value)):
            raise MalformedRequestError(
                f"'{path or 'request'}' must be a {shape.type_name}, not {type(value).__name__}"
            )
        return inner(value, path, violations)

    return checked


def _structure(shape: StructureShape) -> _Check:
    members = {name: (_spelled(name), member) for name, member in shape.members.items()}
    required = [(name, _spelled(name)) for name in shape.required_members]

    def checked(value: dict[str, Any], path: str, violations: list[str]) -> dict[str, Any]:
        prefix = f"{path}." if path else ""
        for name, spelled in required:
            if value.get(name) is None:
                violations.append(
                    f"Value null at '{prefix}{spelled}' failed to satisfy constraint: Member must "
                    "not be null"
                )
        found = {}
        for name, part in value.items():
            if part is not None and name in members:
                spelled, member = members[name]
                found[name] = _checker(member)(part, prefix + spelled, violations)
        return found

    return checked


def _list(shape: ListShape) -> _Check:
    constraints = _constraints(shape)

    def checked(value: list[Any], path: str, violations: list[str]) -> list[Any]:
        broken = constraints(len(value), value)
        if broken:
            violations.extend(_violation(path, None, each) for each in broken)
            return value
        entry = _checker(shape.member)
        return [
            entry(part, f"{path}.{number}.member", violations)
            for number, part in enumerate(value, start=1)
        ]

    return checked


def _map(shape: MapShape) -> _Check:
    def checked(value: dict[str, Any], path: str, violations: list[str]) -> dict[str, Any]:
        return {
            _checker(shape.key)(key, f"{path}.key", violations): _checker(shape.value)(
                part, f"{path}.{key}", violations
            )
            for key, part in value.items()
        }

    return checked


def _scalar(shape: Shape) -> _Check:
    constraints = _constraints(shape)
    if shape.type_name == "blob":

        def decoded(value: str, path: str, violations: list[str]) -> bytes:
            try:
                data = binascii.a2b_base64(value, strict_mode=True)
            except (binascii.Error, ValueError) as error:
                raise MalformedRequestError(f"'{path}' is not base64: {error}") from error
            violations.extend(_violation(path, None, each) for each in constraints(len(data), data))
            return data

        return decoded

    def checked(value: Any, path: str, violations: list[str]) -> Any:
        size = len(value) if isinstance(value, str) else value
        violations.extend(_violation(path, value, each) for each in constraints(size, value))
        return value

    return checked


def _constraints(shape: Shape) -> Callable[[float, Any], list[str]]:
    """What a value of a shape breaks, given its size and itself."""
    rules = shape.metadata
    measure = "have value" if shape.type_name in {"integer", "long"} else "have length"
    least, most = rules.get("min", -math.inf), rules.get("max", math.inf)
    shown = re.sub(r"\A\^\((.*)\)\$\Z", r"\1", rules.get("pattern", ""))
    pattern = re.compile(rules["pattern"], re.ASCII) if "pattern" in rules else None
    values = rules.get("enum")

    def broken(size: float, value: Any) -> list[str]:
        if least <= size <= most and pattern is None and values is None:
            return []
        found = []
        if size < least:
            found.append(f"{measure} greater than or equal to {least}")
        if size > most:
            found.append(f"{measure} less than or equal to {most}")
        elif pattern is not None and not pattern.fullmatch(value):
            found.append(f"satisfy regular expression pattern: {shown}")
        if values and value not in values:
            found.append(f"satisfy enum value set: [{', '.join(values)}]")
        return found

    return broken


def _violation(path: str, value: Any, constraint: str) -> str:
    shown = "" if value is None else f"'{value}' "
    return f"Value {shown}at '{path}' failed to satisfy constraint: Member must {constraint}"


def _spelled(name: str) -> str:
    """A member's name as the service's messages write it."""
    return name[0].lower() + name[1:]
