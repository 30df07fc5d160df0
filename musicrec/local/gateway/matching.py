"""Which resource a path belongs to: exact parts before `{parameters}` before `{greedy+}` ones."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from musicrec.local.gateway.definition import Method, Resource

_EXACT: Final = 0
_PARAMETER: Final = 1
_GREEDY: Final = 2


def match_resource(
    resources: tuple[Resource, ...], path: str
) -> tuple[Resource, dict[str, str]] | None:
    """The most specific resource for a path, with its path parameters; None if there is none.

    Empty parts never match, so doubled and trailing slashes find nothing.

    Args:
        resources: of one API.
        path: relative to the stage, still percent-encoded, starting with a slash.
    """
    parts = path.split("/")[1:] if path != "/" else []
    best: tuple[tuple[int, ...], Resource, dict[str, str]] | None = None
    for resource in resources:
        found = _match(resource.segments, parts)
        if found and (best is None or found[0] < best[0]):
            best = found[0], resource, found[1]
    return (best[1], best[2]) if best else None


def match_method(resource: Resource, method: str) -> Method | None:
    """The resource's method of that name, or its ANY method."""
    return resource.methods.get(method) or resource.methods.get("ANY")


def _match(
    segments: tuple[str, ...], parts: list[str]
) -> tuple[tuple[int, ...], dict[str, str]] | None:
    ranks: list[int] = []
    parameters: dict[str, str] = {}
    for position, segment in enumerate(segments):
        rest = parts[position:]
        if not rest or not all(rest):
            return None
        if segment.startswith("{") and segment.endswith("+}"):
            parameters[segment[1:-2]] = "/".join(map(unquote, rest))
            return (*ranks, _GREEDY), parameters
        if segment.startswith("{"):
            ranks.append(_PARAMETER)
            parameters[segment[1:-1]] = unquote(rest[0])
        elif segment == unquote(rest[0]):
            ranks.append(_EXACT)
        else:
            return None
    return (tuple(ranks), parameters) if len(segments) == len(parts) else None
