"""What a request is known by: its id, `$context`, and its parameters by place."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from msgspec import Struct

from musicrec.local.gateway.definition import Method, PlanKey, Resource, Stage
from musicrec.local.gateway.exchange import Request


class Call(Struct, frozen=True, kw_only=True):
    """A request that has found its method.

    Attributes:
        context: `$context`; templates may write to its `responseOverride`.
        received: when the request came.
    """

    account_id: str
    api_id: str
    stage: Stage
    resource: Resource
    method: Method
    path_parameters: dict[str, str]
    request: Request
    context: dict[str, Any]
    received: datetime

    def method_arn(self, region: str) -> str:
        """The method as the policies of functions name it."""
        path = f"{self.stage.name}/{self.request.method}{self.resource.path}"
        return f"arn:aws:execute-api:{region}:{self.account_id}:{self.api_id}/{path}"

    @property
    def parameters(self) -> dict[str, dict[str, str]]:
        """Path, query string and header parameters; the last of several values counts."""
        return {
            "path": self.path_parameters,
            "querystring": dict(self.request.query),
            "header": dict(self.request.headers),
        }


def new_context(
    request: Request, *, account_id: str, api_id: str, stage: str, received: datetime
) -> dict[str, Any]:
    """`$context` as far as it is known before the path is looked at."""
    return {
        "accountId": account_id,
        "apiId": api_id,
        "domainName": request.host,
        "extendedRequestId": uuid.uuid4().hex[:15] + "=",
        "httpMethod": request.method,
        "identity": _identity(request),
        "path": f"/{stage}{request.path}",
        "protocol": request.protocol,
        "requestId": str(uuid.uuid4()),
        "requestTime": received.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(received.timestamp() * 1000),
        "requestOverride": {"header": {}, "path": {}, "querystring": {}},
        "responseOverride": {"header": {}},
        "stage": stage,
    }


def place_context(context: dict[str, Any], resource: Resource, key: PlanKey | None) -> None:
    """Add what is known once the resource and the key are."""
    context["resourceId"] = resource.id
    context["resourcePath"] = resource.path
    if key:
        context["identity"]["apiKeyId"] = key.key_id


def _identity(request: Request) -> dict[str, Any]:
    return {
        "accessKey": None,
        "accountId": None,
        "apiKey": request.header("x-api-key"),
        "caller": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": request.source_ip,
        "user": None,
        "userAgent": request.header("user-agent"),
        "userArn": None,
    }
