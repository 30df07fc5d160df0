"""Answers that clients may keep: their tag, and whether the client has this one already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def weak_etag(content: bytes) -> str:
    """A tag of what an answer means to its reader, `W/"..."`.

    It is weak (RFC 9110, section 8.8.1) since answers with the same content may differ in bytes,
    e.g. in the id of the request.
    """
    return f'W/"{sha256(content).hexdigest()[:32]}"'


def is_known(etag: str, headers: Mapping[str, str] | None) -> bool:
    """Whether a request's `If-None-Match` names this tag, by weak comparison (RFC 9110, 13.1.2).

    Args:
        etag: of the answer, weak or not.
        headers: of the request, names in any case; API Gateway may give None.
    """
    for name, value in (headers or {}).items():
        if name.lower() == "if-none-match":
            return value.strip() == "*" or etag.removeprefix("W/") in _TAG.findall(value)
    return False
