"""Lambda's Invoke API over HTTP, for whoever calls a stored function with an AWS client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from musicrec.local.parts import (
    FunctionCodeError,
    FunctionNotFoundError,
    FunctionNotRunnableError,
    FunctionRoleError,
    FunctionThrottledError,
)
from musicrec.local.stored_function import parse_name
from musicrec.local.wsgi import read_body, respond, respond_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from musicrec.local.functions import Functions

PATH: Final = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations/?")

MAX_EVENT_BYTES: Final = 6 * 1024 * 1024
"""Lambda's limit for the event of an invocation."""

_STATUSES: Final = {
    FunctionNotFoundError: (HTTPStatus.NOT_FOUND, "ResourceNotFoundException"),
    FunctionThrottledError: (HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException"),
    FunctionCodeError: (HTTPStatus.BAD_GATEWAY, "InvalidZipFileException"),
    FunctionRoleError: (HTTPStatus.FORBIDDEN, "AccessDeniedException"),
}


class InvokeApi:
    """Answers `POST /2015-03-31/functions/<name or ARN>/invocations`, a WSGI application."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._kinds: dict[str, Callable[[str, bytes, StartResponse], Iterable[bytes]]] = {
            "RequestResponse": self._wait,
            "Event": self._submit,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the function, or say in Lambda's own words why not."""
        match = PATH.fullmatch(environ["PATH_INFO"])
        assert match is not None  # the router sends nothing else here
        name = _qualified(match["name"], environ.get("QUERY_STRING", ""))
        event = read_body(environ) or b"{}"
        kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        refusal = _refusal(event, kind in self._kinds, kind)
        if refusal is not None:
            return _error(start_response, *refusal)
        try:
            return self._kinds[kind](name, event, start_response)
        except FunctionNotRunnableError as error:
            status, code = _STATUSES.get(
                type(error), (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceException")
            )
            return _error(start_response, status, code, str(error))

    def _wait(self, name: str, event: bytes, start_response: StartResponse) -> Iterable[bytes]:
        result = self._functions.invoke(name, event)
        qualifier = parse_name(name)[1]
        version = qualifier if qualifier.isdecimal() else "$LATEST"  # an alias is not resolved
        headers = [("Content-Type", "application/json"), ("X-Amz-Executed-Version", version)]
        if result.error is not None:
            headers.append(("X-Amz-Function-Error", result.error))
        return respond(start_response, HTTPStatus.OK, result.payload, headers)

    def _submit(self, name: str, event: bytes, start_response: StartResponse) -> Iterable[bytes]:
        self._functions.submit(name, event)
        return respond(start_response, HTTPStatus.ACCEPTED)


def _qualified(name: str, query: str) -> str:
    """The function's name with the qualifier that the query gives it."""
    match = re.search(r"(?:^|&)Qualifier=([^&]+)", query)
    return f"{name}:{match[1].replace('%24', '$')}" if match else name


def _refusal(event: bytes, known_kind: bool, kind: str) -> tuple[HTTPStatus, str, str] | None:  # noqa: FBT001 - private
    if not known_kind:
        message = f"invocation type {kind} is not served: use RequestResponse or Event"
        return HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message
    if len(event) > MAX_EVENT_BYTES:
        message = (
            f"Request must be smaller than {MAX_EVENT_BYTES} bytes for the InvokeFunction operation"
        )
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message
    try:
        msgspec.json.decode(event)
    except msgspec.DecodeError as error:
        message = f"Could not parse request body into json: {error}"
        return HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message
    return None


def _error(
    start_response: StartResponse, status: HTTPStatus, code: str, message: str
) -> Iterable[bytes]:
    headers = [("x-amzn-ErrorType", code)]
    return respond_json(start_response, status, {"Type": "User", "Message": message}, headers)
