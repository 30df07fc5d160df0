"""The REST API as the built-in deployer makes it: imported, deployed, keyed and metered."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from msgspec import Struct

from musicrec.local.deploy_steps import Target, allow_invocation, deploy_log_group
from musicrec.local.parts import Aws
from musicrec.stack import ApiSettings, StackNames, api_document

LOG_WRITER: Final = "apigateway-logs"
"""The part whose role API Gateway writes logs with, one for the account and region."""


class DeployedApi(Struct, frozen=True):
    """Where the API is.

    Attributes:
        api_id: id of the REST API.
        url: base of its paths, without a slash at the end.
        key_id: id of the ingestion key.
    """

    api_id: str
    url: str
    key_id: str


def deploy_api(stack: Target, recommendations_arn: str) -> DeployedApi:
    """Import `infra/openapi.yaml` if it is new or changed, and give its stage a key and a plan.

    Args:
        stack: what is deployed, and where to.
        recommendations_arn: the function behind GET /recommendations.
    """
    aws, names, settings = stack.aws, stack.names, stack.settings.api
    document = _document(names, recommendations_arn)
    api_id = _api(aws, names, document, settings.stage)
    _set_up_stage(stack, api_id)
    key_id = _key(aws, names)
    _usage_plan(aws, names, settings, api_id=api_id, key_id=key_id)
    source = names.arn("execute-api", f"{api_id}/*/GET/recommendations")
    allow_invocation(aws, recommendations_arn, "apigateway.amazonaws.com", source)
    return DeployedApi(
        api_id=api_id,
        url=f"{aws.endpoint_url}/execute-api/{api_id}/{settings.stage}",
        key_id=key_id,
    )


def _set_up_stage(stack: Target, api_id: str) -> None:
    """Set the stage's access log and what each method takes."""
    client, settings = stack.aws.client("apigateway"), stack.settings.api
    role = stack.names.role_arn(LOG_WRITER)
    client.update_account(patchOperations=[_replace("/cloudwatchRoleArn", role)])
    group = deploy_log_group(stack, stack.names.access_log_group)
    changes = {
        "/accessLogSettings/destinationArn": group,
        "/accessLogSettings/format": settings.access_log_format,
    }
    for method, throttle in settings.throttles.items():
        path, _, verb = method.rpartition("/")
        place = f"/{path.replace('/', '~1')}/{verb}"
        changes[f"{place}/metrics/enabled"] = "true"
        changes[f"{place}/throttling/rateLimit"] = str(throttle.rate_limit)
        changes[f"{place}/throttling/burstLimit"] = str(throttle.burst_limit)
    client.update_stage(
        restApiId=api_id,
        stageName=settings.stage,
        patchOperations=[_replace(where, value) for where, value in changes.items()],
    )


def _replace(path: str, value: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": value}


def _document(names: StackNames, recommendations_arn: str) -> bytes:
    document = api_document(
        {
            "name": names.name,
            "region": names.region,
            "stream_name": names.stream,
            "gateway_role_arn": names.role_arn("apigateway"),
            "recommendations_function_arn": recommendations_arn,
        }
    )
    return json.dumps(document).encode()


def _api(aws: Aws, names: StackNames, document: bytes, stage: str) -> str:
    client = aws.client("apigateway")
    digest = f"openapi sha256 {hashlib.sha256(document).hexdigest()}"
    api_id = _named(client.get_rest_apis(), names.name)
    if api_id is None:
        api_id = str(client.import_rest_api(body=document)["id"])
    elif _deployed_digest(client, api_id, stage) == digest:
        return api_id
    else:
        client.put_rest_api(restApiId=api_id, mode="overwrite", body=document)
    _deploy_stage(client, api_id, stage, digest)
    return api_id


def _named(answer: Any, name: str) -> str | None:
    return next((item["id"] for item in answer["items"] if item["name"] == name), None)


def _deployed_digest(client: Any, api_id: str, stage: str) -> str | None:
    """The description of the deployment that the stage shows; None without such a stage."""
    for item in client.get_stages(restApiId=api_id)["item"]:
        if item["stageName"] == stage:
            shown = client.get_deployment(restApiId=api_id, deploymentId=item["deploymentId"])
            return str(shown.get("description"))
    return None


def _deploy_stage(client: Any, api_id: str, stage: str, digest: str) -> None:
    deployment = client.create_deployment(restApiId=api_id, description=digest)["id"]
    stages = {item["stageName"] for item in client.get_stages(restApiId=api_id)["item"]}
    if stage in stages:
        change = _replace("/deploymentId", deployment)
        client.update_stage(restApiId=api_id, stageName=stage, patchOperations=[change])
    else:
        client.create_stage(restApiId=api_id, stageName=stage, deploymentId=deployment)


def _key(aws: Aws, names: StackNames) -> str:
    client = aws.client("apigateway")
    name = f"{names.name}-ingestion"
    existing = _named(client.get_api_keys(nameQuery=name), name)
    about = "Producers of listening events"
    return existing or str(client.create_api_key(name=name, description=about, enabled=True)["id"])


def _usage_plan(
    aws: Aws, names: StackNames, settings: ApiSettings, *, api_id: str, key_id: str
) -> None:
    client = aws.client("apigateway")
    name = f"{names.name}-ingestion"
    plan_id = _named(client.get_usage_plans(), name)
    if plan_id is None:
        plan_id = client.create_usage_plan(
            name=name,
            description="What one key of the ingestion may send",
            apiStages=[{"apiId": api_id, "stage": settings.stage}],
            throttle={"rateLimit": settings.rate_limit, "burstLimit": settings.burst_limit},
            quota={"limit": settings.quota.limit, "period": settings.quota.period},
        )["id"]
    keys = client.get_usage_plan_keys(usagePlanId=plan_id)["items"]
    if not any(key["id"] == key_id for key in keys):
        client.create_usage_plan_key(usagePlanId=plan_id, keyId=key_id, keyType="API_KEY")
