"""Parameter mappings: where a header of the integration request or of the answer comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from musicrec.local.gateway.jsonpath import select
from musicrec.local.gateway.vtl import BodyNotJsonError, parse_body, to_json

METHOD_HEADER: Final = "method.response.header."
GATEWAY_HEADER: Final = "gatewayresponse.header."
INTEGRATION_HEADER: Final = "integration.request.header."


def mapped_headers(
    mappings: Mapping[str, str], prefix: str, source: Callable[[str], str | None]
) -> dict[str, str]:
    """The headers that mappings with a prefix make; those whose source has no value are left out.

    Args:
        mappings: destination to source expression, e.g. `method.response.header.X: "'fixed'"`.
        prefix: of the destinations that are headers.
        source: value of an expression that is not a quoted literal.
    """
    headers: dict[str, str] = {}
    for destination, expression in mappings.items():
        if destination.startswith(prefix):
            value = _literal(expression)
            value = source(expression) if value is None else value
            if value is not None:
                headers[destination.removeprefix(prefix)] = value
    return headers


def request_source(
    parameters: dict[str, dict[str, str]],
    body: str,
    context: Mapping[str, Any],
    stage_variables: Mapping[str, str],
) -> Callable[[str], str | None]:
    """Values of `method.request...`, `context...` and `stageVariables...` expressions."""
    places = {f"method.request.{place}.": values for place, values in parameters.items()}

    def value(expression: str) -> str | None:
        for prefix, values in places.items():
            if expression.startswith(prefix):
                return _folded(values, expression.removeprefix(prefix))
        if expression.startswith("method.request.body"):
            return _from_body(body, expression.removeprefix("method.request.body"))
        return _from_surroundings(expression, context, stage_variables)

    return value


def response_source(
    headers: Mapping[str, str],
    body: str,
    context: Mapping[str, Any],
    stage_variables: Mapping[str, str],
) -> Callable[[str], str | None]:
    """Values of `integration.response...`, `context...` and `stageVariables...` expressions."""
    prefix = "integration.response."

    def value(expression: str) -> str | None:
        if expression.startswith(f"{prefix}header."):
            return _folded(headers, expression.removeprefix(f"{prefix}header."))
        if expression.startswith(f"{prefix}body"):
            return _from_body(body, expression.removeprefix(f"{prefix}body"))
        return _from_surroundings(expression, context, stage_variables)

    return value


def _literal(expression: str) -> str | None:
    quoted = len(expression) > 1 and expression.startswith("'") and expression.endswith("'")
    return expression[1:-1] if quoted else None


def _folded(values: Mapping[str, str], name: str) -> str | None:
    if name in values:
        return values[name]
    return next((value for key, value in values.items() if key.lower() == name.lower()), None)


def _from_body(body: str, path: str) -> str | None:
    try:
        value = select(parse_body(body), f"${path}")
    except BodyNotJsonError:
        return None
    return value if value is None or isinstance(value, str) else to_json(value)


def _from_surroundings(
    expression: str, context: Mapping[str, Any], stage_variables: Mapping[str, str]
) -> str | None:
    place, _, path = expression.partition(".")
    if place == "stageVariables":
        return stage_variables.get(path)
    value: Any = dict(context) if place == "context" else None
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if value is None else str(value)
