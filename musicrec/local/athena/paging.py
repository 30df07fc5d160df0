"""Pages of what is listed: a token says where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from musicrec.local.athena.errors import InvalidRequestError

T = TypeVar("T")


def page(
    entries: Sequence[T], size: int, token: str | None, listing: str
) -> tuple[Sequence[T], str | None]:
    """One page, and the token of the next; None when it is the last.

    Args:
        entries: all of them.
        size: entries of a page.
        token: from the page before.
        listing: what is listed, so that its tokens open no other list.

    Raises:
        InvalidRequestError: the token is none of this listing's.
    """
    start = 0 if token is None else _read(token, listing)
    end = start + size
    more = end < len(entries)
    return entries[start:end], _token(end, listing) if more else None


def _token(start: int, listing: str) -> str:
    return base64.urlsafe_b64encode(f"{listing} {start}".encode()).decode()


def _read(token: str, listing: str) -> int:
    try:
        origin, _, start = base64.urlsafe_b64decode(token).decode().rpartition(" ")
        place = int(start)
    except (binascii.Error, ValueError):
        origin, place = "", -1
    if origin != listing or place < 0:
        raise InvalidRequestError(
            "The NextToken is not valid; pass on the token of the answer before."
        )
    return place
