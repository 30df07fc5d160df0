"""Where a deployed stack's parts are: one SSM parameter that every deployer writes and notebooks read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class DeploymentNotFoundError(LookupError):
    """No stack of that name is deployed where the AWS clients point."""


class Deployment(Struct, frozen=True, kw_only=True):
    """What a stack is called and where its parts are.

    Attributes:
        name: the stack's name, and the prefix of its resources.
        region: AWS region.
        api_url: base of both HTTP endpoints, without a slash at the end.
        api_key_id: id of the ingestion API's key; its value is asked of API Gateway.
        bucket: the lake, the catalogue and the built datasets.
        stream: Kinesis stream of listening events.
        delivery_stream: Firehose stream that fills the lake.
        profile_table: DynamoDB table of musical profiles.
        poison_queue_url: SQS queue of records that could not be processed.
        database: Glue database of the lake.
        table: Glue table of the raw events.
        curated_table: Glue table of the curated interactions.
        workgroup: Athena work group whose results go to the bucket.
        schedule_rule: EventBridge rule that builds the datasets daily.
        personalize_role_arn: role that Personalize reads the bucket with.
    """

    name: str
    region: str
    api_url: str
    api_key_id: str
    bucket: str
    stream: str
    delivery_stream: str
    profile_table: str
    poison_queue_url: str
    database: str
    table: str
    workgroup: str
    schedule_rule: str
    personalize_role_arn: str
    curated_table: str = "curated_interactions"

    @property
    def catalog_uri(self) -> str:
        """The catalogue artefact (see `musicrec.catalog`)."""
        return f"s3://{self.bucket}/catalog/catalog.sqlite"


def parameter_name(stack: str, key: str) -> str:
    """The SSM parameter `key` of a stack, e.g. `/musicrec/deployment`."""
    return f"/{stack}/{key}"


def save(deployment: Deployment, ssm: SSMClient) -> None:
    """Publish the deployment for notebooks and tools."""
    ssm.put_parameter(
        Name=parameter_name(deployment.name, "deployment"),
        Value=msgspec.json.encode(deployment).decode(),
        Type="String",
        Overwrite=True,
    )


def load(stack: str, ssm: SSMClient) -> Deployment:
    """Read where a stack's parts are.

    Raises:
        DeploymentNotFoundError: nothing of that name is deployed.
    """
    name = parameter_name(stack, "deployment")
    try:
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound as error:
        raise DeploymentNotFoundError(
            f"no SSM parameter {name} at {ssm.meta.endpoint_url}: start the embedded stack with "
            "`musicrec up` and set the variables that it prints, or deploy to your AWS account"
        ) from error
    return msgspec.json.decode(value, type=Deployment)
