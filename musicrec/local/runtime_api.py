"""Lambda's runtime API, version 2018-06-01: where function processes fetch work and report results.

All functions share the embedded AWS's one port; each environment has a path prefix of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from musicrec.local.environments import UNHANDLED
from musicrec.local.parts import InvokeResult
from musicrec.local.wsgi import read_body, respond, respond_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from musicrec.local.environments import Environment

PREFIX: Final = "/_runtime"
"""Below this path every environment has its runtime API; no S3 bucket may be called so."""


class RuntimeApi:
    """The runtime API of every living environment, as a WSGI application."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._environments: dict[str, Environment] = {}

    def add(self, environment: Environment) -> None:
        """Give an environment its API, before its process starts."""
        with self._lock:
            self._environments[environment.name] = environment

    def remove(self, environment: Environment) -> None:
        """Take the API away from an environment that has ended."""
        with self._lock:
            self._environments.pop(environment.name, None)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer `/_runtime/<environment>/2018-06-01/runtime/...`."""
        name, *rest = environ["PATH_INFO"].removeprefix(PREFIX + "/").split("/")
        with self._lock:
            environment = self._environments.get(name)
        if environment is None:
            return _error(start_response, HTTPStatus.GONE, "EnvironmentEnded", name)
        match environ["REQUEST_METHOD"], *rest:
            case "GET", "2018-06-01", "runtime", "invocation", "next":
                return _next(environment, start_response)
            case "POST", "2018-06-01", "runtime", "invocation", request_id, "response":
                result = InvokeResult(read_body(environ))
            case "POST", "2018-06-01", "runtime", "invocation", request_id, "error":
                result = InvokeResult(read_body(environ), UNHANDLED)
            case "POST", "2018-06-01", "runtime", "init", "error":
                environment.report_init_error(read_body(environ))
                return _accepted(start_response)
            case _:
                path = environ["PATH_INFO"]
                return _error(start_response, HTTPStatus.NOT_FOUND, "UnknownRoute", path)
        if not environment.report(request_id, result):
            return _error(start_response, HTTPStatus.BAD_REQUEST, "InvalidRequestID", request_id)
        return _accepted(start_response)


def _next(environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
    """Hold the request until there is work; an environment that ends lets go of it."""
    invocation = environment.next_invocation()
    if invocation is None:
        return _error(start_response, HTTPStatus.GONE, "EnvironmentEnded", environment.name)
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
    ]
    return respond(start_response, HTTPStatus.OK, invocation.event, headers)


def _accepted(start_response: StartResponse) -> Iterable[bytes]:
    return respond_json(start_response, HTTPStatus.ACCEPTED, {"status": "OK"})


def _error(
    start_response: StartResponse, status: HTTPStatus, kind: str, what: str
) -> Iterable[bytes]:
    return respond_json(start_response, status, {"errorType": kind, "errorMessage": what})
