"""Reads a REST API back from the AWS API, whoever made it, and compiles it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from musicrec.local.gateway.definition import (
    ApiDefinition,
    GatewayResponse,
    Integration,
    IntegrationResponse,
    Method,
    PlanKey,
    Quota,
    Resource,
    Stage,
    Throttle,
)

_REFERENCE: Final = re.compile(
    r"^(?:https?://.*/models/|#/components/schemas/|#/definitions/)(\w+)$"
)
_DEFAULT_TIMEOUT: Final = 29_000
_PAGE: Final = 500

Json = dict[str, Any]


def read_api(client: Any, api_id: str) -> ApiDefinition | None:
    """The definition of an API with its deployed stages; None if there is no such API.

    Args:
        client: a boto3 client of `apigateway`.
        api_id: id of the REST API.
    """
    try:
        found = client.get_resources(restApiId=api_id, embed=["methods"], limit=_PAGE)["items"]
    except client.exceptions.NotFoundException:
        return None
    validators = {
        item["id"]: item for item in client.get_request_validators(restApiId=api_id)["items"]
    }
    responses = client.get_gateway_responses(restApiId=api_id)["items"]
    return ApiDefinition(
        id=api_id,
        resources=_resources(found, validators),
        models=_models(client.get_models(restApiId=api_id)["items"]),
        gateway_responses={item["responseType"]: _gateway_response(item) for item in responses},
        stages=_stages(client, api_id),
    )


def _resources(found: list[Json], validators: dict[str, Json]) -> tuple[Resource, ...]:
    """One resource a path: where an import doubled one, the later counts."""
    by_path = {item["path"]: item for item in found}
    return tuple(
        Resource(item["id"], path, _methods(item.get("resourceMethods", {}), validators))
        for path, item in by_path.items()
    )


def _methods(methods: dict[str, Json], validators: dict[str, Json]) -> dict[str, Method]:
    return {
        name: _method(name, method, validators.get(method.get("requestValidatorId", ""), {}))
        for name, method in methods.items()
    }


def _method(name: str, method: Json, validator: Json) -> Method:
    integration = method.get("methodIntegration")
    checks_parameters = bool(validator.get("validateRequestParameters"))
    return Method(
        http_method=name,
        api_key_required=bool(method.get("apiKeyRequired")),
        validates_body=bool(validator.get("validateRequestBody")),
        required_parameters=_required(method) if checks_parameters else (),
        request_models=method.get("requestModels") or {},
        integration=_integration(integration) if integration else None,
    )


def _required(method: Json) -> tuple[tuple[str, str], ...]:
    """`method.request.querystring.user_id: true` as `("querystring", "user_id")`."""
    parameters = method.get("requestParameters") or {}
    names = [name.split(".", 3) for name, required in parameters.items() if required]
    return tuple((parts[2], parts[3]) for parts in names)


def _integration(item: Json) -> Integration:
    responses = [
        _integration_response(r) for r in (item.get("integrationResponses") or {}).values()
    ]
    return Integration(
        type=item["type"].upper(),
        uri=item.get("uri") or "",
        credentials=item.get("credentials") or "",
        passthrough=(item.get("passthroughBehavior") or "WHEN_NO_MATCH").upper(),
        request_templates=item.get("requestTemplates") or {},
        request_parameters=item.get("requestParameters") or {},
        timeout=(item.get("timeoutInMillis") or _DEFAULT_TIMEOUT) / 1000,
        responses=tuple(sorted(responses, key=lambda response: response.pattern is None)),
    )


def _integration_response(item: Json) -> IntegrationResponse:
    pattern = item.get("selectionPattern")
    templates = item.get("responseTemplates") or {}
    return IntegrationResponse(
        status=int(item["statusCode"]),
        pattern=re.compile(pattern) if pattern else None,
        templates={kind: text for kind, text in templates.items() if text},
        parameters=item.get("responseParameters") or {},
    )


def _gateway_response(item: Json) -> GatewayResponse:
    status = item.get("statusCode")
    return GatewayResponse(
        status=int(status) if status else None,
        parameters=item.get("responseParameters") or {},
        templates=item.get("responseTemplates") or {},
    )


def _models(items: list[Json]) -> dict[str, Json]:
    """Each model with all others beside it, so that any reference resolves."""
    schemas = {item["name"]: _localized(json.loads(item["schema"])) for item in items}
    return {
        name: {"definitions": schemas, "allOf": [{"$ref": f"#/definitions/{name}"}]}
        for name in schemas
    }


def _localized(node: Any) -> Any:
    if isinstance(node, list):
        return [_localized(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _REFERENCE.sub(r"#/definitions/\1", value)
        if key == "$ref" and isinstance(value, str)
        else _localized(value)
        for key, value in node.items()
    }


def _stages(client: Any, api_id: str) -> dict[str, Stage]:
    keys = _plan_keys(client, api_id)
    return {
        item["stageName"]: Stage(
            name=item["stageName"],
            variables=item.get("variables") or {},
            throttles=_stage_throttles(item.get("methodSettings") or {}),
            keys=keys.get(item["stageName"], {}),
        )
        for item in client.get_stages(restApiId=api_id)["item"]
    }


def _stage_throttles(method_settings: dict[str, Json]) -> dict[str, Throttle]:
    """Method settings by path without its first slash; `~1` is how API Gateway writes a slash."""
    throttles = {}
    for name, setting in method_settings.items():
        throttle = _throttle(
            {
                "rateLimit": setting.get("throttlingRateLimit"),
                "burstLimit": setting.get("throttlingBurstLimit"),
            }
        )
        if throttle:
            throttles[name.replace("~1", "/").lstrip("/")] = throttle
    return throttles


def _plan_keys(client: Any, api_id: str) -> dict[str, dict[str, PlanKey]]:
    """Enabled keys by stage and value."""
    stored = client.get_api_keys(includeValues=True, limit=_PAGE)["items"]
    enabled = {key["id"]: key["value"] for key in stored if key.get("enabled")}
    keys: dict[str, dict[str, PlanKey]] = {}
    for plan in client.get_usage_plans(limit=_PAGE)["items"]:
        stages = [s["stage"] for s in plan.get("apiStages") or () if s["apiId"] == api_id]
        if stages:
            found = _keys_of(client, plan, enabled)
            for stage in stages:
                keys.setdefault(stage, {}).update(found)
    return keys


def _keys_of(client: Any, plan: Json, enabled: dict[str, str]) -> dict[str, PlanKey]:
    throttle, quota = _throttle(plan.get("throttle") or {}), _quota(plan.get("quota") or {})
    attached = client.get_usage_plan_keys(usagePlanId=plan["id"], limit=_PAGE)["items"]
    return {
        enabled[key["id"]]: PlanKey(key["id"], plan["id"], throttle, quota)
        for key in attached
        if key["id"] in enabled
    }


def _throttle(setting: Json) -> Throttle | None:
    rate, burst = setting.get("rateLimit"), setting.get("burstLimit")
    if rate is None or burst is None or float(rate) < 0:
        return None
    return Throttle(float(rate), int(burst))


def _quota(setting: Json) -> Quota | None:
    limit = setting.get("limit")
    return None if limit is None else Quota(int(limit), setting.get("period") or "DAY")
