"""Pages of a listing, which stay whole while what is listed comes and goes."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from musicrec.local.personalize.errors import InvalidNextTokenError
from musicrec.local.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE_SIZE: Final = 100
"""Entries of a listing's page unless the caller wants fewer. AWS documents no default."""


class Listed(Protocol):
    """What can be listed."""

    @property
    def sequence(self) -> int:
        """The place in the order of creation."""

    def view(self) -> dict[str, Any]:
        """What a list shows of it."""


P = TypeVar("P", bound=Listed)


def page(
    entries: Iterable[P],
    listing: str,
    params: dict[str, Any],
    *,
    newest_first: bool = False,
    usual: int = PAGE_SIZE,
) -> tuple[list[P], str | None]:
    """One page of a listing, and the token of the next one.

    A token names the listing and the last entry shown.

    Raises:
        InvalidNextTokenError: the token comes from elsewhere.
    """
    rest = list(entries)[::-1] if newest_first else list(entries)
    if "nextToken" in params:
        last = _read_token(listing, params["nextToken"])
        rest = [entry for entry in rest if (entry.sequence > last) != newest_first]
        rest = [entry for entry in rest if entry.sequence != last]
    size = params.get("maxResults", usual)
    shown = rest[:size]
    return shown, _token(listing, shown[-1].sequence) if len(rest) > size else None


def _token(listing: str, last: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([listing, last]).encode()).decode()


def _read_token(listing: str, token: str) -> int:
    try:
        origin, last = read_json(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidNextTokenError from None
    if origin != listing or not isinstance(last, int):
        raise InvalidNextTokenError
    return last
