"""The few WSGI habits that the embedded services share."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

Header = tuple[str, str]


def read_body(environ: WSGIEnvironment) -> bytes:
    """The request's body, left readable for the next application in line."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def respond(
    start_response: StartResponse,
    status: int,
    body: bytes = b"",
    headers: Sequence[Header] = (),
) -> Iterable[bytes]:
    """Answer with bytes; the content length is added."""
    phrase = HTTPStatus(status).phrase
    start_response(f"{status} {phrase}", [*headers, ("Content-Length", str(len(body)))])
    return [body]


def respond_json(
    start_response: StartResponse, status: int, answer: Any, headers: Sequence[Header] = ()
) -> Iterable[bytes]:
    """Answer with a JSON document."""
    body = msgspec.json.encode(answer)
    return respond(start_response, status, body, [("Content-Type", "application/json"), *headers])
