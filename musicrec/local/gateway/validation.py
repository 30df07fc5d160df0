"""Request validation: required parameters, and the body against its JSON Schema draft 4 model.

The wording follows API Gateway's validator, with one addition: each finding begins with the path of
the field, which the real service leaves out for most keywords.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import fastjsonschema
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from musicrec.local.gateway.definition import Method
from musicrec.local.gateway.exchange import GatewayError, Request

DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"

_MAX_FINDINGS: Final = 10
_MAX_SHOWN: Final = 64

Schema = dict[str, Any]


class BodyValidator:
    """Holds bodies against one model.

    A compiled validator accepts valid bodies in a thirtieth of the time; only what it refuses, or
    what it judges by Python's rules rather than JSON's (1.0 is an integer, true is 1), goes to
    jsonschema, whose findings are reported.
    """

    def __init__(self, schema: Schema) -> None:
        schema = {**schema, "$schema": DRAFT_4}
        self._exact = Draft4Validator(schema)
        self._fast: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)

    def check(self, text: str) -> None:
        """Refuse a body that is not JSON or not of the model.

        Raises:
            GatewayError: `BAD_REQUEST_BODY`; its validation error names the fields.
        """
        document, plain = parse_json(text)
        if plain and self._accepts(document):
            return
        findings = [_finding(error) for error in islice(self._errors(document), _MAX_FINDINGS)]
        if findings:
            raise GatewayError("BAD_REQUEST_BODY", validation_error=f"[{', '.join(findings)}]")

    def _accepts(self, document: Any) -> bool:
        try:
            self._fast(document)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    def _errors(self, document: Any) -> Iterator[ValidationError]:
        for error in self._exact.iter_errors(document):
            yield _most_telling(error)


def parse_json(text: str) -> tuple[Any, bool]:
    """A JSON text's value, and whether it is free of floats and booleans.

    Raises:
        GatewayError: `BAD_REQUEST_BODY`; the text is not JSON.
    """
    floats: list[str] = []

    def note(literal: str) -> float:
        floats.append(literal)
        return float(literal)

    def refuse(literal: str) -> Any:
        raise ValueError(f"{literal} is not JSON")

    try:
        document = json.loads(text, parse_float=note, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise GatewayError(
            "BAD_REQUEST_BODY",
            validation_error=f"[body: could not parse request body into json: {error}]",
        ) from error
    return document, not floats and "true" not in text and "false" not in text


def check_parameters(method: Method, request: Request, path_parameters: dict[str, str]) -> None:
    """Refuse a request that lacks a required parameter, or gives it blank.

    Raises:
        GatewayError: `BAD_REQUEST_PARAMETERS`; its message names the parameters.
    """
    missing = [
        name
        for place, name in method.required_parameters
        if not (_parameter(place, name, request, path_parameters) or "").strip()
    ]
    if missing:
        names = ", ".join(missing)
        raise GatewayError(
            "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{names}]"
        )


def _parameter(
    place: str, name: str, request: Request, path_parameters: dict[str, str]
) -> str | None:
    if place == "path":
        return path_parameters.get(name)
    return request.header(name) if place == "header" else request.parameter(name)


def _most_telling(error: ValidationError) -> ValidationError:
    """For a choice of schemas, the finding within it that lies deepest: it names the field."""
    choices = [inner for inner in error.context or () if inner.validator != "type"]
    return max(choices, key=lambda inner: len(inner.absolute_path), default=error)


def _finding(error: ValidationError) -> str:
    return f"{_path(error)}: {_reason(error)}"


def _path(error: ValidationError) -> str:
    path = ""
    for part in error.absolute_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".") or "body"


def _reason(error: ValidationError) -> str:
    wording = _WORDINGS.get(str(error.validator))
    if wording is None:
        return f"instance does not satisfy {error.validator} ({_json(error.validator_value)})"
    return wording(error.instance, error.validator_value, error)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _names(names: list[str]) -> str:
    return json.dumps(names, ensure_ascii=False, separators=(",", ":"))


def _missing(instance: Any, required: list[str], _: ValidationError) -> str:
    missing = sorted(set(required) - set(instance))
    return f"object has missing required properties ({_names(missing)})"


def _not_allowed(instance: Any, _: Any, error: ValidationError) -> str:
    known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    extra = sorted(set(instance) - set(known))[:_MAX_FINDINGS]
    shown = _names([name[:_MAX_SHOWN] for name in extra])
    return f"object instance has properties which are not allowed by the schema: {shown}"


def _wrong_type(instance: Any, allowed: Any, _: ValidationError) -> str:
    names = allowed if isinstance(allowed, list) else [allowed]
    return (
        f"instance type ({_type(instance)}) does not match any allowed primitive type "
        f"(allowed: {_names(names)})"
    )


def _type(instance: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return "null" if instance is None else names.get(type(instance), "number")


_WORDINGS: Final[dict[str, Callable[[Any, Any, ValidationError], str]]] = {
    "required": _missing,
    "additionalProperties": _not_allowed,
    "type": _wrong_type,
    "enum": lambda it, values, _: (
        f"instance value ({_json(it)}) not found in enum "
        f"(possible values: {json.dumps(values, separators=(',', ':'))})"
    ),
    "minLength": lambda it, limit, _: (
        f"string {_json(it)} is too short (length: {len(it)}, required minimum: {limit})"
    ),
    "maxLength": lambda it, limit, _: (
        f"string {_json(it)} is too long (length: {len(it)}, maximum allowed: {limit})"
    ),
    "pattern": lambda it, pattern, _: (
        f"ECMA 262 regex {json.dumps(pattern)} does not match input string {_json(it)}"
    ),
    "minimum": lambda it, limit, _: (
        "numeric instance is lower than the required minimum "
        f"(minimum: {limit}, found: {_json(it)})"
    ),
    "maximum": lambda it, limit, _: (
        "numeric instance is greater than the required maximum "
        f"(maximum: {limit}, found: {_json(it)})"
    ),
    "minItems": lambda it, limit, _: (
        f"array is too short: must have at least {limit} elements but instance has "
        f"{len(it)} elements"
    ),
    "maxItems": lambda it, limit, _: (
        f"array is too long: must have at most {limit} elements but instance has {len(it)} elements"
    ),
    "anyOf": lambda _it, schemas, _: (
        f"instance failed to match at least one required schema among {len(schemas)}"
    ),
}
