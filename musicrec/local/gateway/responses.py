"""Gateway responses: how the gateway words its own answers.

Their templates are not VTL: API Gateway only puts `$context` variables in, which is why
`$context.error.messageString` comes with its quotes.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from musicrec.local.gateway.definition import GatewayResponse
from musicrec.local.gateway.exchange import GatewayError, Response
from musicrec.local.gateway.mapping import GATEWAY_HEADER, mapped_headers, request_source

_VARIABLE: Final = re.compile(r"\$context\.(?P<path>[A-Za-z][\w.]*\w)")
_STANDARD: Final = '{"message":$context.error.messageString}'


def answer_error(
    fault: GatewayError,
    responses: dict[str, GatewayResponse],
    context: dict[str, Any],
    stage_variables: dict[str, str],
) -> Response:
    """Word a fault as the API's gateway response of its type, or of its class, or as standard.

    Args:
        fault: what ended the request.
        responses: of the API, by response type.
        context: `$context` without its `error`.
        stage_variables: for header mappings.
    """
    chosen = _choose(fault, responses)
    context = {**context, "error": _error_context(fault)}
    template = chosen.templates.get("application/json", _STANDARD)
    source = request_source({}, "", context, stage_variables)
    return Response(
        status=chosen.status or fault.status,
        headers=(
            ("Content-Type", "application/json"),
            ("x-amzn-ErrorType", fault.error_type),
            *mapped_headers(chosen.parameters, GATEWAY_HEADER, source).items(),
        ),
        body=_substitute(template, context).encode(),
    )


def _choose(fault: GatewayError, responses: dict[str, GatewayResponse]) -> GatewayResponse:
    fallback = "DEFAULT_4XX" if fault.status < 500 else "DEFAULT_5XX"
    standard = GatewayResponse(None, {}, {})
    return responses.get(fault.response_type) or responses.get(fallback) or standard


def _error_context(fault: GatewayError) -> dict[str, str]:
    """`$context.error`; what templates put between quotes is escaped for a JSON string."""
    quoted = json.dumps(fault.message, ensure_ascii=False)
    return {
        "message": quoted[1:-1],
        "messageString": quoted,
        "responseType": fault.response_type,
        "validationErrorString": json.dumps(fault.validation_error, ensure_ascii=False)[1:-1],
    }


def _substitute(template: str, context: dict[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        found: Any = context
        for part in match["path"].split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return "" if found is None else str(found)

    return _VARIABLE.sub(value, template)
