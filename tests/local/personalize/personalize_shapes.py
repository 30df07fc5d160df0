"""Requests made from botocore's service models: such that fit, and such that break one rule.

`complaints` is a second reading of the models' constraints, apart from the one under test.
"""

from __future__ import annotations

import copy
import math
import re
import sys
from functools import cache

from hypothesis import strategies as st

INTEGERS = {"integer": 2**31, "long": 2**63}
NUMBERS = {"float", "double", "timestamp"}
LONGEST = 24
"""Of generated texts, short of those at a bound."""

JAVA_CLASSES = {r"\p{ASCII}": r"[\x00-\x7f]", r"\p{L}\p{Z}\p{N}": r"\w "}
WRONG = [None, True, 7, -1.5, "text", "", [], [None], {}, {"a": None}]


@cache
def pattern(shape):
    """The shape's pattern as Python spells it; None for none."""
    java = shape.metadata.get("pattern")
    for foreign, ours in JAVA_CLASSES.items():
        java = java and java.replace(foreign, ours)
    return java and re.compile(java, 0 if r"\w " in java else re.ASCII)


def complaints(shape, value, path=""):
    """What is wrong with a value from the wire, member by member."""
    if not _of_type(shape.type_name, value):
        yield f"{path} is no {shape.type_name}: {value!r:.80}"
        return
    for name in getattr(shape, "required_members", ()):
        if value.get(name) is None:
            yield f"{path}.{name} is missing"
    for member, entry, where in _parts(shape, value):
        yield from complaints(member, entry, path + where)
    yield from _bounds(shape, value, path)


def _parts(shape, value):
    """What a value is made of: shape, value and path of each part."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield member, value[name], f".{name}"
    elif shape.type_name == "list":
        yield from ((shape.member, entry, "[]") for entry in value)
    elif shape.type_name == "map":
        yield from ((shape.key, key, ".key") for key in value)
        yield from ((shape.value, entry, f".{key}") for key, entry in value.items())


def _of_type(kind, value):
    """Whether JSON's value is one of the model's type."""
    if kind in INTEGERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and abs(value) < INTEGERS[kind]
    if kind in NUMBERS:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    expected = {"string": str, "boolean": bool, "list": list}.get(kind, dict)
    return isinstance(value, expected)


def _bounds(shape, value, path):
    rules = shape.metadata
    size = value if isinstance(value, (int, float)) else len(value)
    if not rules.get("min", -math.inf) <= size <= rules.get("max", math.inf):
        yield f"{path} is out of bounds: {value!r:.80}"
    if shape.type_name == "string" and pattern(shape) and not pattern(shape).fullmatch(value):
        yield f"{path} does not match {pattern(shape).pattern}: {value!r:.80}"
    if rules.get("enum") and value not in rules["enum"]:
        yield f"{path} is none of {rules['enum']}: {value!r:.80}"


@st.composite
def fitting(draw, shape, known=None, *, usual=frozenset()):
    """A value that fits the shape.

    Args:
        draw: hypothesis's.
        shape: botocore's.
        known: by member name, texts that mean something where the request goes.
        usual: optional members that are mostly there.
    """
    return _fitting(draw, shape, known or {}, usual, "")


def _fitting(draw, shape, known, usual, name):
    kind = shape.type_name
    if known.get(name) and kind == "string" and draw(st.integers(0, 9)) > 0:
        chosen = draw(st.sampled_from(known[name]))
        if not any(complaints(shape, chosen)):
            return chosen
    if kind == "structure":
        optional = [key for key in shape.members if key not in shape.required_members]
        extra = draw(st.lists(st.sampled_from(optional), max_size=3)) if optional else []
        extra += [key for key in optional if key in usual and draw(st.integers(0, 9)) > 0]
        chosen = [key for key in shape.members if key in {*shape.required_members, *extra}]
        return {key: _fitting(draw, shape.members[key], known, usual, key) for key in chosen}
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if kind == "list":
        size = draw(st.integers(low or 0, min(high or 3, (low or 0) + 3)))
        return [_fitting(draw, shape.member, known, usual, name) for _ in range(size)]
    if kind == "map":
        size = draw(st.integers(0, min(high or 2, 2)))
        keys = [_fitting(draw, shape.key, known, usual, f"{name}.key") for _ in range(size)]
        return {key: _fitting(draw, shape.value, known, usual, name) for key in keys}
    return draw(_scalars(shape))


@cache
def _scalars(shape):
    kind = shape.type_name
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if kind == "boolean":
        return st.booleans()
    if kind in INTEGERS:
        low = 1 - INTEGERS[kind] if low is None else low
        high = INTEGERS[kind] - 1 if high is None else high
        return st.one_of(st.integers(low, min(high, low + 40)), st.sampled_from([low, high]))
    if kind in NUMBERS:
        edges = [edge for edge in (low, high, 0, 1e-320, 1e299, 10**299) if edge is not None]
        edges = [edge for edge in edges if not any(complaints(shape, edge))]
        return st.one_of(
            st.floats(low, high, allow_nan=False, allow_infinity=False),
            st.sampled_from(edges),
        )
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    return _texts(shape, low or 0, high)


def _texts(shape, low, high):
    if pattern(shape):
        matching = st.from_regex(pattern(shape), fullmatch=True)
        return matching.filter(lambda text: low <= len(text) <= (high or len(text)))
    free = st.text(min_size=low, max_size=max(low, min(high or LONGEST, LONGEST)))
    edges = [edge * "x" for edge in (low, high) if edge is not None]
    return st.one_of(free, free, st.sampled_from(edges)) if edges else free


@st.composite
def spoiled(draw, shape, known=None, *, usual=frozenset()):
    """A value with one rule of the shape broken, and where."""
    value = {"": _fitting(draw, shape, known or {}, usual, "")}
    sites = list(_sites(shape, value, "", ""))
    path, holder, key, rule = draw(st.sampled_from(sites))
    for bad in draw(st.permutations(_breaches(rule, holder[key]))):
        was, holder[key] = holder[key], bad
        changed = copy.deepcopy(value[""])
        if isinstance(changed, dict) and any(complaints(shape, changed)):
            return changed, path
        holder[key] = was
    return {**value[""], shape.required_members[0]: None} if shape.required_members else None, path


def _sites(shape, holder, key, path):
    """Every value in a request with its shape and the container that it is in."""
    value = holder[key]
    if path:
        yield path, holder, key, shape
    if shape.type_name == "structure":
        for name in list(value):
            yield from _sites(shape.members[name], value, name, f"{path}.{name}")
    elif shape.type_name == "list":
        for place in range(len(value)):
            yield from _sites(shape.member, value, place, f"{path}[{place}]")
    elif shape.type_name == "map":
        for name in list(value):
            yield from _sites(shape.value, value, name, f"{path}.{name}")
    if not path and not value:
        yield "request", holder, key, shape


def _breaches(shape, value):
    """Candidates for a value that the shape does not take."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    found = [wrong for wrong in WRONG if wrong is not None]
    found += [[None], [value], {"x": value}]
    if shape.type_name in INTEGERS or shape.type_name in NUMBERS:
        found += [math.nan, math.inf, -math.inf, 10**400, -(10**400), 2**63, 1e308]
        found += [edge + step for edge in (low, high) if edge is not None for step in (-1, 1)]
    if shape.type_name == "string":
        found += ["NO_SUCH", "\ud800", "ü|\0 \n", "-", "::", "x" * ((high or 100) + 1)]
        found += [value + "\n", value + "!", " " + value, value * ((high or 0) + 1)]
    if shape.type_name == "list" and value and high is not None:
        found.append(value[:1] * (high + 1))
    if shape.type_name == "structure":
        found += [{key: value[key] for key in value if key != gone} for gone in value]
    return found
