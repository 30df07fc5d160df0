"""The Lambda proxy integration's event, format 1.0, and what the function's answer means."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from musicrec.local.gateway.context import Call
from musicrec.local.gateway.exchange import GatewayError, Response

_UNSAFE: Final = frozenset("\r\n\0")


class _Answer(Struct):
    statusCode: int  # noqa: N815 - Lambda's name
    headers: dict[str, str | int | float | bool] | None = None
    multiValueHeaders: dict[str, list[str | int | float | bool]] | None = None  # noqa: N815 - Lambda's name
    body: str | None = None
    isBase64Encoded: bool = False  # noqa: N815 - Lambda's name


def proxy_event(call: Call) -> bytes:
    """The event of one request, as JSON."""
    request = call.request
    headers = [*request.headers, *_forwarded(call)]
    return msgspec.json.encode(
        {
            "resource": call.resource.path,
            "path": unquote(request.path),
            "httpMethod": request.method,
            "headers": dict(headers),
            "multiValueHeaders": _grouped(headers),
            "queryStringParameters": dict(request.query) or None,
            "multiValueQueryStringParameters": _grouped(request.query) or None,
            "pathParameters": call.path_parameters or None,
            "stageVariables": call.stage.variables or None,
            "requestContext": _request_context(call),
            "body": request.text or None,
            "isBase64Encoded": False,
        }
    )


def proxy_response(payload: bytes) -> Response:
    """The HTTP answer that a function's result stands for.

    Raises:
        GatewayError: `INTEGRATION_FAILURE`; the result is not of the form that API Gateway takes,
            or a header would break out of its line.
    """
    try:
        answer = msgspec.json.decode(payload, type=_Answer)
        body = (answer.body or "").encode()
        if answer.isBase64Encoded:
            body = base64.b64decode(body, validate=True)
    except (msgspec.MsgspecError, binascii.Error) as error:
        raise GatewayError("INTEGRATION_FAILURE") from error
    headers = tuple(_headers(answer))
    if not 100 <= answer.statusCode <= 599 or any(_UNSAFE & {*k, *v} for k, v in headers):
        raise GatewayError("INTEGRATION_FAILURE")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", "application/json"), *headers)
    return Response(status=answer.statusCode, headers=headers, body=body)


def _headers(answer: _Answer) -> Iterable[tuple[str, str]]:
    """Single values first; a multi-value header replaces the single one of its name."""
    several = answer.multiValueHeaders or {}
    replaced = {name.lower() for name in several}
    for name, value in (answer.headers or {}).items():
        if name.lower() not in replaced:
            yield name, _text(value)
    for name, values in several.items():
        for value in values:
            yield name, _text(value)


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a header's JSON value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _forwarded(call: Call) -> list[tuple[str, str]]:
    seconds = int(call.received.timestamp())
    trace = f"Root=1-{seconds:08x}-{call.context['requestId'].replace('-', '')[:24]}"
    return [
        ("X-Amzn-Trace-Id", trace),
        ("X-Forwarded-For", call.request.source_ip),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]


def _request_context(call: Call) -> dict[str, Any]:
    context = call.context
    copied = (
        "accountId", "apiId", "domainName", "extendedRequestId", "httpMethod", "identity", "path",
        "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath",
        "stage",
    )  # fmt: skip
    prefix = str(context["domainName"]).partition(".")[0]
    return {**{name: context.get(name) for name in copied}, "domainPrefix": prefix}
