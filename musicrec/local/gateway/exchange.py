"""A request on its way through the REST API, its answer, and the faults that end it early."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""API Gateway's payload limit."""


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request, its path relative to the stage.

    Attributes:
        method: upper case.
        path: percent-encoded as sent, starting with a slash.
        query: parameters in their order, decoded.
        headers: in their order, names as the server gives them.
        body: raw bytes.
        source_ip: the client's address.
        host: the address that the client asked for.
        protocol: e.g. HTTP/1.1.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    host: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The last value of a header, its name in any case; None if absent."""
        return _last(self.headers, name.lower(), fold=True)

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter; None if absent."""
        return _last(self.query, name, fold=False)

    @property
    def content_type(self) -> str:
        """The media type without its parameters; a request without one counts as JSON."""
        given = self.header("content-type") or "application/json"
        return given.partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become U+FFFD."""
        return self.body.decode("utf-8", errors="replace")


class Response(Struct, frozen=True, kw_only=True):
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def status_line(self) -> str:
        """Code and phrase, e.g. `403 Forbidden`; a code without a phrase stands alone."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Status"


_FAULTS: Final = {
    "ACCESS_DENIED": (403, "Forbidden", "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error", "InternalServerErrorException"),
    "BAD_REQUEST_BODY": (400, "Invalid request body", "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": (400, "Invalid request parameters", "BadRequestException"),
    "INTEGRATION_FAILURE": (502, "Internal server error", "InternalServerErrorException"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out", "InternalServerErrorException"),
    "INVALID_API_KEY": (403, "Forbidden", "ForbiddenException"),
    "MISSING_AUTHENTICATION_TOKEN": (
        403,
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    ),
    "QUOTA_EXCEEDED": (429, "Limit Exceeded", "LimitExceededException"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long", "RequestTooLargeException"),
    "THROTTLED": (429, "Too Many Requests", "TooManyRequestsException"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type", "UnsupportedMediaTypeException"),
}
"""Status, message and error type that API Gateway gives to each of its gateway response types."""


class GatewayError(Exception):
    """A request that the gateway itself answers, by the gateway response of a type.

    Attributes:
        response_type: e.g. `BAD_REQUEST_BODY`.
        status: what is answered unless the gateway response says otherwise.
        message: API Gateway's own words.
        validation_error: what the validator found, for `BAD_REQUEST_BODY`.
        error_type: value of the `x-amzn-ErrorType` header.
    """

    def __init__(
        self, response_type: str, message: str | None = None, *, validation_error: str = ""
    ) -> None:
        self.response_type = response_type
        self.status, standard, self.error_type = _FAULTS[response_type]
        self.message = message or standard
        self.validation_error = validation_error
        super().__init__(f"{response_type}: {self.message} {validation_error}".rstrip())


def parse_query(query: str) -> tuple[tuple[str, str], ...]:
    """Decode a query string, blank values kept."""
    return tuple(parse_qsl(query, keep_blank_values=True))


def _last(pairs: Sequence[tuple[str, str]], name: str, *, fold: bool) -> str | None:
    for key, value in reversed(pairs):
        if (key.lower() if fold else key) == name:
            return value
    return None
