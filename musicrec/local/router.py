"""Which application answers a request to the embedded AWS's one port.

AWS has a host name for each service; here the SigV4 credential scope of the request names it.
Whoever needs to know that something changed is told after moto has answered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from musicrec.local import invoke_api, runtime_api
from musicrec.local.iam.guard import Signature
from musicrec.local.wsgi import read_body, respond_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ADMIN_PREFIX: Final = "/_musicrec"
EXECUTE_API_PREFIX: Final = "/execute-api"
RESET_PATH: Final = "/moto-api/reset"

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_ONE_HOST: Final = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?")
"""Of two `Host` headers the server makes one text."""

_SCOPE: Final = re.compile(
    r"Credential=(?P<access_key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exchange:
    """One request that was answered.

    Attributes:
        method: HTTP method.
        path: decoded path.
        query: query string as sent, without the question mark.
        target: `X-Amz-Target`, the operation in AWS's JSON protocols; empty in the others.
        body: the request's.
        status: HTTP status of the answer.
        response: body of the answer.
    """

    method: str
    path: str
    query: str
    target: str
    body: bytes
    status: int
    response: bytes


Observer = Callable[[Exchange], None]

Around = Callable[["WSGIApplication", "WSGIEnvironment", Signature], "WSGIApplication"]
"""Which application really answers a request that is meant for one: that, or one that refuses."""


@dataclass(frozen=True)
class Routes:
    """The applications behind the port.

    Attributes:
        moto: stores everything that nobody else takes.
        kinesis: everything signed for Kinesis Data Streams.
        personalize: everything signed for Personalize.
        athena: everything signed for Athena.
        gateway: executes the stored REST APIs.
        invoke: Lambda's Invoke API.
        runtime: Lambda's runtime API.
        admin: what the embedded AWS offers beside AWS.
        around: stands before every service (see `musicrec.local.iam.guard`).
        observers: by signing service, who is told what was answered.
        reset: forgets everything that the parts know; called after moto was reset.
    """

    moto: WSGIApplication
    kinesis: WSGIApplication
    personalize: WSGIApplication
    athena: WSGIApplication
    gateway: WSGIApplication
    invoke: WSGIApplication
    runtime: WSGIApplication
    admin: WSGIApplication
    around: Around
    observers: Mapping[str, Observer]
    reset: Callable[[], None]


class Router:
    """Sends each request to the application that answers it.

    Requests from web pages of other hosts are refused, whether they come by a name that was made
    to resolve to the loopback address or openly from another origin.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        refusal = _refusal(environ)
        if refusal is not None:
            return respond_json(start_response, HTTPStatus.FORBIDDEN, {"message": refusal})
        signature = signature_of(environ)
        application = self._application(environ["PATH_INFO"], signature.service)
        return self._routes.around(application, environ, signature)(environ, start_response)

    def _application(self, path: str, service: str) -> WSGIApplication:
        own = self._own(path, service)
        if own is not None:
            return own
        if path == RESET_PATH:
            return self._reset
        stored = self._routes.kinesis if service == "kinesis" else self._routes.moto
        observer = self._routes.observers.get(service)
        return stored if observer is None else partial(_observed, stored, observer)

    def _own(self, path: str, service: str) -> WSGIApplication | None:
        """The application of ours that takes a request, None when it is moto's."""
        if service == "personalize":
            return self._routes.personalize
        if service == "athena":
            return self._routes.athena
        if service == "lambda":
            return self._routes.invoke if invoke_api.PATH.fullmatch(path) else None
        if service not in {"", "execute-api"}:
            return None
        prefixes = {
            EXECUTE_API_PREFIX: self._routes.gateway,
            runtime_api.PREFIX: self._routes.runtime,
            ADMIN_PREFIX: self._routes.admin,
        }
        return prefixes.get("/" + path.split("/", 2)[1])

    def _reset(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._routes.moto(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            self._routes.reset()
        return answer


def _observed(
    application: WSGIApplication,
    observer: Observer,
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Let the application answer, then tell the observer; its failure is ours, not the caller's."""
    body = read_body(environ)
    status = [0]

    def note(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        status[0] = int(line.split(" ", 1)[0])
        return start_response(line, headers, *rest)

    response = b"".join(application(environ, note))
    exchange = Exchange(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        target=environ.get("HTTP_X_AMZ_TARGET", ""),
        body=body,
        status=status[0],
        response=response,
    )
    try:
        observer(exchange)
    except Exception:  # noqa: BLE001 - there is an answer, and the caller must hear it
        _log.exception("after %s %s %s", exchange.method, exchange.path, exchange.target)
    return [response]


def signing_service(environ: WSGIEnvironment) -> str:
    """The service that a request was signed for, in its header or its query; empty if unsigned."""
    return signature_of(environ).service


def signature_of(environ: WSGIEnvironment) -> Signature:
    """By whom and for what a request was signed, in its header or its query."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is not None:
        return Signature(match["access_key"], match["region"], match["service"].lower())
    for credential in parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", []):
        parts = credential.rsplit("/", 4)
        return Signature(parts[0], parts[2], parts[3].lower()) if len(parts) == 5 else Signature()
    return Signature()


def _refusal(environ: WSGIEnvironment) -> str | None:
    """Why a request may not come in, None when it may."""
    named = environ.get("HTTP_HOST", "")
    host = _host_name(f"http://{named}") if _ONE_HOST.fullmatch(named) else named
    if host not in LOOPBACK_HOSTS:
        return f"the embedded AWS answers to 127.0.0.1 and localhost only, not to {host!r}"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and _host_name(origin) not in LOOPBACK_HOSTS:
        return f"the embedded AWS answers pages of this machine only, not of {origin!r}"
    return None


def _host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
