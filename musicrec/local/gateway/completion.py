"""Completes an OpenAPI import: stores, by API calls, what moto reads past in the document.

moto keeps paths, integrations and their templates. Models, validators, gateway responses, and which
method needs a key, a validator, a model or a parameter, are written here through the same API that a
client would use, so that everyone reads the whole API back from one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import yaml

from musicrec.local.gateway.readback import Json

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_ANY: Final = "x-amazon-apigateway-any-method"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_PLACES: Final = {"query": "querystring", "header": "header", "path": "path"}
_CHECKS: Final = ("validateRequestBody", "validateRequestParameters")
_SCHEMA_REFERENCE: Final = "#/components/schemas/"


def imported_document(body: bytes) -> Json | None:
    """The OpenAPI document that a request imports; None if its body is something else."""
    try:
        document = json.loads(body)
    except ValueError:
        document = _yaml(body)
    return document if isinstance(document, dict) and "openapi" in document else None


def complete_import(client: Any, api_id: str, document: Json, *, overwrite: bool) -> None:
    """Store the rest of an imported document.

    Args:
        client: a boto3 client of `apigateway`.
        api_id: the API that the document was imported into.
        document: OpenAPI 3.
        overwrite: whether models, validators and gateway responses of before are to go.
    """
    if overwrite:
        _clear(client, api_id)
        _describe(client, api_id, document)
    _put_models(client, api_id, document)
    _put_gateway_responses(client, api_id, document)
    validators = _put_validators(client, api_id, document)
    resources = client.get_resources(restApiId=api_id, limit=500)["items"]
    ids = {resource["path"]: resource["id"] for resource in resources}
    for path, name, operation in _operations(document):
        where = {"restApiId": api_id, "resourceId": ids[path], "httpMethod": name}
        _Method(client, where, operation, document).put(validators)


def _yaml(body: bytes) -> Any:
    try:
        return yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document.get("paths", {}).items():
        for name in _METHODS:
            if name in item:
                yield path, name.upper(), item[name]
        if _ANY in item:
            yield path, "ANY", item[_ANY]


def _clear(client: Any, api_id: str) -> None:
    for model in client.get_models(restApiId=api_id, limit=500)["items"]:
        client.delete_model(restApiId=api_id, modelName=model["name"])
    for validator in client.get_request_validators(restApiId=api_id, limit=500)["items"]:
        client.delete_request_validator(restApiId=api_id, requestValidatorId=validator["id"])
    for response in client.get_gateway_responses(restApiId=api_id, limit=500)["items"]:
        client.delete_gateway_response(restApiId=api_id, responseType=response["responseType"])


def _describe(client: Any, api_id: str, document: Json) -> None:
    """Give the API the words of a document that overwrites it; a created one has them."""
    words = document.get("info", {}).get("description", "")
    change = {"op": "replace", "path": "/description", "value": words}
    client.update_rest_api(restApiId=api_id, patchOperations=[change])


def _put_models(client: Any, api_id: str, document: Json) -> None:
    schemas = document.get("components", {}).get("schemas", {})
    inline = {_inline_model(o): s for _, _, o in _operations(document) if (s := _inline_schema(o))}
    for name, schema in {**schemas, **inline}.items():
        client.create_model(
            restApiId=api_id,
            name=name,
            contentType="application/json",
            schema=json.dumps(_referring(schema, api_id)),
        )


def _referring(node: Any, api_id: str) -> Any:
    """References between models as API Gateway stores them: by the other model's address."""
    if isinstance(node, list):
        return [_referring(item, api_id) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith(_SCHEMA_REFERENCE):
        name = reference.removeprefix(_SCHEMA_REFERENCE)
        return {"$ref": f"https://apigateway.amazonaws.com/restapis/{api_id}/models/{name}"}
    return {key: _referring(value, api_id) for key, value in node.items()}


def _put_validators(client: Any, api_id: str, document: Json) -> dict[str, str]:
    """Create or change the document's validators; their ids by name."""
    wanted = document.get("x-amazon-apigateway-request-validators", {})
    existing = client.get_request_validators(restApiId=api_id, limit=500)["items"]
    ids = {validator["name"]: validator["id"] for validator in existing}
    for name, checks in wanted.items():
        chosen = {check: bool(checks.get(check)) for check in _CHECKS}
        if name in ids:
            client.update_request_validator(
                restApiId=api_id, requestValidatorId=ids[name], patchOperations=_changes(chosen)
            )
        else:
            created = client.create_request_validator(restApiId=api_id, name=name, **chosen)
            ids[name] = created["id"]
    return ids


def _changes(checks: dict[str, bool]) -> list[dict[str, str]]:
    return [
        {"op": "replace", "path": f"/{check}", "value": str(value).lower()}
        for check, value in checks.items()
    ]


def _put_gateway_responses(client: Any, api_id: str, document: Json) -> None:
    for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
        given = {
            "statusCode": str(response["statusCode"]) if "statusCode" in response else None,
            "responseParameters": response.get("responseParameters"),
            "responseTemplates": response.get("responseTemplates"),
        }
        present = {name: value for name, value in given.items() if value is not None}
        client.put_gateway_response(restApiId=api_id, responseType=kind, **present)


def _content(operation: Json) -> Json:
    content: Json = operation.get("requestBody", {}).get("content", {})
    return content


def _inline_schema(operation: Json) -> Json | None:
    """The request body's schema when it is no reference to a model."""
    schema: Json | None = _content(operation).get("application/json", {}).get("schema")
    return schema if schema and "$ref" not in schema else None


def _inline_model(operation: Json) -> str:
    return f"Inline{operation.get('operationId', 'Body')}"


class _Method:
    """One operation of the document, stored anew: putting a method drops what it had."""

    def __init__(self, client: Any, where: dict[str, str], operation: Json, document: Json) -> None:
        self._client = client
        self._where = where
        self._operation = operation
        self._document = document

    def put(self, validators: dict[str, str]) -> None:
        """Store method, method responses and integration."""
        self._client.put_method(**self._where, **self._settings(validators))
        for status, response in self._operation.get("responses", {}).items():
            headers = response.get("headers", {})
            self._client.put_method_response(
                **self._where,
                statusCode=str(status),
                responseModels=_response_models(response),
                responseParameters={f"method.response.header.{name}": False for name in headers},
            )
        if integration := self._operation.get(_INTEGRATION):
            self._put_integration(integration)

    def _settings(self, validators: dict[str, str]) -> Json:
        default = self._document.get("x-amazon-apigateway-request-validator")
        name = self._operation.get("x-amazon-apigateway-request-validator", default)
        settings = {
            "authorizationType": "NONE",
            "apiKeyRequired": self._needs_key(),
            "requestModels": self._request_models(),
            "requestParameters": self._request_parameters(),
            "operationName": self._operation.get("operationId"),
            "requestValidatorId": validators.get(name) if name else None,
        }
        return {key: value for key, value in settings.items() if value is not None}

    def _needs_key(self) -> bool:
        schemes = self._document.get("components", {}).get("securitySchemes", {})
        stated = self._operation if "security" in self._operation else self._document
        asked: list[Json] = stated.get("security") or []
        return any(
            schemes.get(scheme, {}).get("type") == "apiKey"
            and schemes[scheme].get("name", "").lower() == "x-api-key"
            for requirement in asked
            for scheme in requirement
        )

    def _request_models(self) -> dict[str, str]:
        models = {}
        for kind, media in _content(self._operation).items():
            reference = media.get("schema", {}).get("$ref", "")
            models[kind] = reference.removeprefix(_SCHEMA_REFERENCE)
        if _inline_schema(self._operation):
            models["application/json"] = _inline_model(self._operation)
        return {kind: name for kind, name in models.items() if name}

    def _request_parameters(self) -> dict[str, bool]:
        return {
            f"method.request.{_PLACES[item['in']]}.{item['name']}": bool(item.get("required"))
            for item in self._operation.get("parameters", ())
            if item.get("in") in _PLACES
        }

    def _put_integration(self, integration: Json) -> None:
        kind = integration["type"].upper()
        given = {
            "type": kind,
            "integrationHttpMethod": integration.get("httpMethod"),
            "uri": integration.get("uri") or None,
            "credentials": integration.get("credentials"),
            "requestParameters": integration.get("requestParameters"),
            "requestTemplates": integration.get("requestTemplates"),
            "passthroughBehavior": integration.get("passthroughBehavior", "").upper() or None,
            "timeoutInMillis": integration.get("timeoutInMillis"),
            "contentHandling": integration.get("contentHandling"),
        }
        present = {key: value for key, value in given.items() if value is not None}
        self._client.put_integration(**self._where, **present)
        for pattern, response in integration.get("responses", {}).items():
            self._put_integration_response(pattern, response)

    def _put_integration_response(self, pattern: str, response: Json) -> None:
        given = {
            "selectionPattern": None if pattern == "default" else pattern,
            "responseTemplates": response.get("responseTemplates"),
            "responseParameters": response.get("responseParameters"),
            "contentHandling": response.get("contentHandling"),
        }
        present = {key: value for key, value in given.items() if value is not None}
        self._client.put_integration_response(
            **self._where, statusCode=str(response["statusCode"]), **present
        )


def _response_models(response: Json) -> dict[str, str]:
    models = {}
    for kind, media in response.get("content", {}).items():
        reference = media.get("schema", {}).get("$ref", "")
        models[kind] = reference.removeprefix(_SCHEMA_REFERENCE) or "Empty"
    return models
