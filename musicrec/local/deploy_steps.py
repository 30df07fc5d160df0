"""What the steps of the built-in deployer share: the stack, and what to ask before creating."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from musicrec.local.parts import Aws
from musicrec.stack import StackNames, StackSettings


@dataclass(frozen=True)
class Target:
    """What is deployed, and where to.

    Attributes:
        aws: the embedded AWS.
        names: what the stack's parts are called.
        settings: of the stack.
        lambdas: the directory of the handlers.
    """

    aws: Aws
    names: StackNames
    settings: StackSettings
    lambdas: Path


def found(ask: Callable[[], Any], missing: str) -> bool:
    """Whether a resource is there.

    Args:
        ask: describes the resource.
        missing: AWS's error code when there is no such resource.

    Raises:
        ClientError: any other error.
    """
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] != missing:
            raise
        return False
    return True


def agrees(described: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a resource is as it should be, whatever else AWS tells of it."""
    return all(
        agrees(described.get(key, {}), value)
        if isinstance(value, dict)
        else described.get(key) == value
        for key, value in wanted.items()
    )


def deploy_log_group(stack: Target, name: str) -> str:
    """The ARN of a CloudWatch log group whose lines end; the group is made if it is missing."""
    logs = stack.aws.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=stack.settings.logs.retention_days)
    return stack.names.arn("logs", f"log-group:{name}")


def allow_invocation(aws: Aws, function_arn: str, service: str, source_arn: str) -> None:
    """Let a service invoke a function on behalf of one resource, unless it may already."""
    client = aws.client("lambda")
    sid = service.split(".", maxsplit=1)[0]
    if sid in _allowed(client, function_arn):
        return
    client.add_permission(
        FunctionName=function_arn,
        StatementId=sid,
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source_arn,
    )


def _allowed(client: Any, function_arn: str) -> set[str]:
    def ask() -> Any:
        return client.get_policy(FunctionName=function_arn)

    if not found(ask, "ResourceNotFoundException"):
        return set()
    return {statement["Sid"] for statement in json.loads(ask()["Policy"])["Statement"]}
