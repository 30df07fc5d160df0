"""The part of JSONPath that mapping templates use: names, indices and wildcards."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

_STEP: Final = re.compile(
    r"""\.(?P<name>[\w-]+) | \[\s*(?P<index>-?\d+)\s*\] | (?P<all>\.\*|\[\s*\*\s*\])
    | \[\s*(?P<quote>['"])(?P<quoted>(?:(?!(?P=quote)).)*)(?P=quote)\s*\]""",
    re.VERBOSE,
)

Step = str | int | None
"""A name, an index, or None for the wildcard."""


class JsonPathError(ValueError):
    """A path that is not in the supported part of JSONPath."""


def select(document: Any, path: str) -> Any:
    """The value at a path, e.g. `$.events[0].user_id`; a list for a path with a wildcard.

    Returns None when the document has nothing there.

    Raises:
        JsonPathError: the path is malformed or uses filters, slices or recursive descent.
    """
    steps = _parse(path)
    found = [document]
    for step in steps:
        found = [inner for value in found for inner in _children(value, step)]
    if None in steps:
        return found
    return found[0] if found else None


@lru_cache(maxsize=8192)
def _parse(path: str) -> tuple[Step, ...]:
    path = path.strip()
    if not path.startswith("$"):
        raise JsonPathError(f"JSONPath {path!r} must start with $")
    steps: list[Step] = []
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise JsonPathError(
                f"JSONPath {path!r} is not supported at {path[position:]!r}: use names, indices "
                "and wildcards"
            )
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["all"]:
        return None
    if match["index"] is not None:
        return int(match["index"])
    return match["name"] if match["name"] is not None else match["quoted"]


def _children(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        if step is None:
            return list(value.values())
        return [value[step]] if step in value else []
    if isinstance(value, list):
        if step is None:
            return value
        if isinstance(step, int) and -len(value) <= step < len(value):
            return [value[step]]
    return []
