"""Dynamic partitioning: a JQ query makes partition keys from each record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jq
import msgspec

Keys = tuple[tuple[str, str], ...]
"""Partition keys by name, e.g. `(("dt", "2026-01-31"),)`."""


class Partitioner:
    """Runs a query over many records at once.

    Args:
        query: JQ with an object as its result.
    """

    def __init__(self, query: str) -> None:
        self._program = jq.compile(f"(try [{query}] catch [.]) | .[0]")

    def keys(self, payloads: Sequence[bytes]) -> list[Keys | str]:
        """Keys for each payload, or why there are none."""
        texts = [_checked(payload) for payload in payloads]
        found = iter(self._run([text for text in texts if text is not None]))
        return ["the record is not JSON" if text is None else _keys(next(found)) for text in texts]

    def _run(self, texts: list[bytes]) -> list[Any]:
        try:
            return list(self._program.input_text(b"\n".join(texts).decode()).all()) if texts else []
        except ValueError as error:  # jq cannot read one of them, e.g. for its depth
            if len(texts) == 1:
                return [str(error)]
            return [result for text in texts for result in self._run([text])]


def _checked(payload: bytes) -> bytes | None:
    """The payload; None if it is not one JSON value in UTF-8."""
    try:
        msgspec.json.decode(payload)
        payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return payload


def _keys(result: Any) -> Keys | str:
    if not isinstance(result, dict):
        return f"the query gave no keys but {result!r}"
    empty = [name for name, value in result.items() if value is None or value == ""]
    if empty:
        return f"partition key {empty[0]!r} is null or empty"
    return tuple(sorted((name, str(value)) for name, value in result.items()))
