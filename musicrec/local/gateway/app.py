"""The gateway: answers HTTP for whatever REST API is stored, and keeps up with its changes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from msgspec import Struct

from musicrec.local.gateway.aws_action import ActionCaller
from musicrec.local.gateway.completion import complete_import, imported_document
from musicrec.local.gateway.concurrency import Gate
from musicrec.local.gateway.context import Call, new_context, place_context
from musicrec.local.gateway.definition import ApiDefinition, Method, Stage
from musicrec.local.gateway.exchange import (
    MAX_BODY_BYTES,
    GatewayError,
    Request,
    Response,
    parse_query,
)
from musicrec.local.gateway.integrations import Integrations
from musicrec.local.gateway.matching import match_method, match_resource
from musicrec.local.gateway.readback import read_api
from musicrec.local.gateway.responses import answer_error
from musicrec.local.gateway.usage import Meter
from musicrec.local.gateway.validation import BodyValidator, check_parameters
from musicrec.local.parts import ActAs, Aws, Invoke, Permit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PREFIX: Final = "/execute-api/"
"""Where the data plane is: `/execute-api/<api id>/<stage>/<path>`."""

_API_ID: Final = re.compile(r"[a-z0-9]+")
_ORIGIN: Final = re.compile(r"(?i)https?://[^/?#]*")
_CONTROL_PATHS: Final = ("/restapis", "/apikeys", "/usageplans")
_PUT_API: Final = re.compile(r"/restapis/(?P<api_id>[^/?]+)/?")


class _Compiled(Struct, frozen=True):
    definition: ApiDefinition
    validators: dict[str, BodyValidator]


class Gateway:
    """A WSGI application for the data plane, told of the control plane's writes by `observe`.

    A definition is read back and compiled at the first request after a write, never per request.
    A stage shows the API as it is stored now; the snapshot that a real deployment takes is not kept.

    Args:
        aws: the embedded AWS.
        invoke: runs Lambda functions.
        permit: checks that a method of an API may invoke a function.
        act_as: takes the roles of integrations.
        clock: monotonic seconds.
        now: the UTC time.
    """

    def __init__(
        self,
        *,
        aws: Aws,
        invoke: Invoke,
        permit: Permit,
        act_as: ActAs,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._aws = aws
        self._now = now
        self._meter = Meter(clock, now)
        self._gate = Gate()
        self._integrations = Integrations(ActionCaller(aws, act_as), invoke, permit)
        self._lock = threading.Lock()
        self._compiled: dict[str, _Compiled] = {}
        self._generation = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request to `/execute-api/...`."""
        api_id, _, rest = _raw_path(environ).removeprefix(PREFIX).partition("/")
        stage, slash, inner = rest.partition("/")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        answer = self.handle(
            unquote(api_id), unquote(stage), _request(environ, slash + inner, length)
        )
        start_response(
            answer.status_line, [*answer.headers, ("Content-Length", str(len(answer.body)))]
        )
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def handle(self, api_id: str, stage: str, request: Request) -> Response:
        """Answer one request to a stage; never raises for anything that a client can send."""
        received = self._now()
        context = new_context(
            request,
            account_id=self._aws.account_id,
            api_id=api_id,
            stage=stage,
            received=received,
        )
        compiled = self._compile(api_id) if _API_ID.fullmatch(api_id) else None
        shown = compiled.definition.stages.get(stage) if compiled else None
        if compiled is None or shown is None:
            return _identified(
                answer_error(GatewayError("ACCESS_DENIED"), {}, context, {}), context
            )
        try:
            with self._gate.passing():
                answer = self._run(compiled, shown, request, context, received)
        except GatewayError as error:
            responses = compiled.definition.gateway_responses
            answer = answer_error(error, responses, context, shown.variables)
        return _identified(answer, context)

    def observe(self, method: str, path: str, body: bytes, status: int, response: bytes) -> None:
        """Take note of an API Gateway write that has been answered; complete it if an import.

        Args:
            method: of the control-plane request.
            path: of the request, with or without its query string.
            body: of the request.
            status: of the answer.
            response: body of the answer.
        """
        if method == "GET" or status >= 300 or not path.startswith(_CONTROL_PATHS):
            return
        self._forget()
        imported = _imported(method, path, response)
        document = imported_document(body) if imported else None
        if imported and document:
            api_id, overwrite = imported
            client = self._aws.client("apigateway")
            complete_import(client, api_id, document, overwrite=overwrite)
            self._forget()

    def reset(self) -> None:
        """Forget every definition and every count, when the embedded AWS is emptied."""
        self._forget()
        self._meter.reset()

    def close(self) -> None:
        """End threads and connections."""
        self._integrations.close()

    def _run(
        self,
        compiled: _Compiled,
        stage: Stage,
        request: Request,
        context: dict[str, Any],
        received: datetime,
    ) -> Response:
        definition = compiled.definition
        if len(request.body) > MAX_BODY_BYTES:
            raise GatewayError("REQUEST_TOO_LARGE")
        found = match_resource(definition.resources, request.path)
        method = match_method(found[0], request.method) if found else None
        if found is None or method is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        resource, path_parameters = found
        self._meter.admit_stage(definition.id, stage, resource, method)
        key = self._meter.admit_key(stage, request) if method.api_key_required else None
        place_context(context, resource, key)
        check_parameters(method, request, path_parameters)
        _check_body(compiled, method, request)
        return self._integrations.run(
            Call(
                account_id=self._aws.account_id,
                api_id=definition.id,
                stage=stage,
                resource=resource,
                method=method,
                path_parameters=path_parameters,
                request=request,
                context=context,
                received=received,
            )
        )

    def _compile(self, api_id: str) -> _Compiled | None:
        with self._lock:
            if api_id in self._compiled:
                return self._compiled[api_id]
            generation = self._generation
        definition = read_api(self._aws.client("apigateway"), api_id)
        if definition is None:
            return None
        validators = {name: BodyValidator(model) for name, model in definition.models.items()}
        compiled = _Compiled(definition, validators)
        with self._lock:
            if generation == self._generation:
                self._compiled[api_id] = compiled
        return compiled

    def _forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._compiled.clear()


def _imported(method: str, path: str, response: bytes) -> tuple[str, bool] | None:
    """The API that a request may have imported a document into, and whether it was overwritten."""
    bare, _, query = path.partition("?")
    match = _PUT_API.fullmatch(bare)
    if method == "PUT" and match:
        return match["api_id"], dict(parse_query(query)).get("mode") == "overwrite"
    if method == "POST" and bare.rstrip("/") == "/restapis":
        created = re.search(rb'"id":\s*"(\w+)"', response)
        return (created[1].decode(), False) if created else None
    return None


def _check_body(compiled: _Compiled, method: Method, request: Request) -> None:
    """Hold the body against the model of its content type; a type without a model passes."""
    model = method.request_models.get(request.content_type)
    validator = compiled.validators.get(model) if model else None
    if not method.validates_body or validator is None:
        return
    if not request.body:
        raise GatewayError("BAD_REQUEST_BODY", validation_error="[body: missing]")
    validator.check(request.text)


def _raw_path(environ: WSGIEnvironment) -> str:
    """The path as sent, percent-encoded; only the prefix when it is in any disguise.

    The server has made PATH_INFO plain, doubled slashes and percent-encoding gone; what was sent
    decides.
    """
    if "REQUEST_URI" not in environ:
        return quote(str(environ.get("PATH_INFO", "")).encode("latin-1"))
    raw = _ORIGIN.sub("", str(environ["REQUEST_URI"]), count=1).partition("?")[0]
    return raw if raw.startswith(PREFIX) else PREFIX


def _request(environ: WSGIEnvironment, path: str, length: int) -> Request:
    """The request as the gateway sees it; of a body over the limit only as much as shows that."""
    body = environ["wsgi.input"].read(min(length, MAX_BODY_BYTES + 1)) if length else b""
    return Request(
        method=environ["REQUEST_METHOD"],
        path=path or "/",
        query=parse_query(environ.get("QUERY_STRING", "")),
        headers=tuple(_headers(environ)),
        body=body,
        source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
        host=environ.get("HTTP_HOST", "127.0.0.1"),
        protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
    )


def _headers(environ: WSGIEnvironment) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").title(), value
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            yield name.replace("_", "-").title(), environ[name]


def _identified(answer: Response, context: dict[str, Any]) -> Response:
    headers = (
        ("x-amzn-RequestId", context["requestId"]),
        ("x-amz-apigw-id", context["extendedRequestId"]),
        *answer.headers,
    )
    return Response(status=answer.status, headers=headers, body=answer.body)
