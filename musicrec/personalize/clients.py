"""The AWS clients that operating Personalize takes, made in one place and passed on as arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, kw_only=True)
class Clients:
    """boto3 clients of one account and region, and the session that they came from."""

    session: boto3.Session
    personalize: PersonalizeClient
    personalize_events: PersonalizeEventsClient
    personalize_runtime: PersonalizeRuntimeClient
    s3: S3Client
    ssm: SSMClient
    dynamodb: DynamoDBClient
    apigateway: APIGatewayClient


def connect(session: boto3.Session | None = None) -> Clients:
    """Clients by the usual rules of boto3: profile, region and `AWS_ENDPOINT_URL` variables.

    Args:
        session: by default a new one from the environment.
    """
    session = session or boto3.Session()
    return Clients(
        session=session,
        personalize=session.client("personalize"),
        personalize_events=session.client("personalize-events"),
        personalize_runtime=session.client("personalize-runtime"),
        s3=session.client("s3"),
        ssm=session.client("ssm"),
        dynamodb=session.client("dynamodb"),
        apigateway=session.client("apigateway"),
    )
