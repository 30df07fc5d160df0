"""Deploys the stack into the embedded AWS with boto3 alone, for machines without Terraform.

Every step creates what is missing and sets what is there to the settings, so that deploying again
changes nothing. Left as they were made are the number of shards, the delivery stream and the usage
plan. Settings, REST API and policies come from the files that Terraform reads (`musicrec.stack`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from musicrec import deployment
from musicrec.deploying import packages
from musicrec.deployment import Deployment, parameter_name
from musicrec.local.deploy_steps import Target, found
from musicrec.local.deployed_api import LOG_WRITER, DeployedApi, deploy_api
from musicrec.local.deployed_bucket import deploy_bucket
from musicrec.local.deployed_functions import (
    deploy_event_source_mapping,
    deploy_function,
    deploy_schedule,
    function_role,
)
from musicrec.local.deployed_lake import (
    deploy_delivery_stream,
    deploy_lake_tables,
    deploy_workgroup,
)
from musicrec.local.deployed_monitoring import deploy_monitoring
from musicrec.local.deployed_storage import (
    deploy_profile_table,
    deploy_queue,
    deploy_stream,
    set_queue_attributes,
)
from musicrec.local.parts import Aws
from musicrec.parameters import UNSET
from musicrec.stack import StackNames, policy, settings, trust_policy

_SERVICE_ROLES: Final = {
    "personalize": "personalize.amazonaws.com",
    "firehose": "firehose.amazonaws.com",
    "apigateway": "apigateway.amazonaws.com",
}
_WRITE_LOGS: Final = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


def deploy(
    aws: Aws, name: str = "musicrec", *, lambdas: Path = packages.LAMBDAS_DIRECTORY
) -> Deployment:
    """Create whatever of the stack is missing, and publish where its parts are.

    Args:
        aws: the embedded AWS.
        name: the stack's name, prefix of its resources.
        lambdas: the directory of the handlers.

    Raises:
        HandlerNotFoundError: a function of `infra/stack.json` has no handler.
        ClientError: the embedded AWS refused a step.
    """
    names = StackNames(name=name, region=aws.region, account_id=aws.account_id)
    queue_url = deploy_queue(aws, names)
    stack = Target(aws, names, settings(_variables(names, queue_url)), lambdas)
    set_queue_attributes(stack, queue_url)
    deploy_bucket(stack)
    deploy_stream(stack)
    deploy_profile_table(stack)
    _roles(stack)
    deploy_lake_tables(stack)
    deploy_workgroup(stack)
    functions = {key: deploy_function(stack, key) for key in stack.settings.functions}
    for key in stack.settings.event_source_mappings:
        deploy_event_source_mapping(stack, key)
    deploy_delivery_stream(stack)
    deploy_schedule(stack, functions["dataset_builder"])
    api = deploy_api(stack, functions["recommendations"])
    deploy_monitoring(stack)
    return _publish(stack, queue_url, api)


def _variables(names: StackNames, queue_url: str) -> dict[str, str]:
    return {
        "name": names.name,
        "poison_queue_url": queue_url,
        "profile_table": names.profile_table,
        "catalog_uri": f"s3://{names.bucket}/catalog/catalog.sqlite",
    }


def _publish(stack: Target, queue_url: str, api: DeployedApi) -> Deployment:
    names = stack.names
    deployed = Deployment(
        name=names.name,
        region=names.region,
        api_url=api.url,
        api_key_id=api.key_id,
        bucket=names.bucket,
        stream=names.stream,
        delivery_stream=names.delivery_stream,
        profile_table=names.profile_table,
        poison_queue_url=queue_url,
        database=names.name,
        table=stack.settings.lake.table,
        curated_table=stack.settings.lake.curated_table,
        workgroup=names.workgroup,
        schedule_rule=names.schedule_rule,
        personalize_role_arn=names.role_arn("personalize"),
    )
    _parameters(stack, deployed)
    return deployed


def _parameters(stack: Target, deployed: Deployment) -> None:
    """Publish the deployment, and room for the names of what Personalize will have."""
    ssm = stack.aws.client("ssm")
    for key in stack.settings.parameters:
        name = parameter_name(deployed.name, key)
        if not found(partial(ssm.get_parameter, Name=name), "ParameterNotFound"):
            ssm.put_parameter(Name=name, Value=UNSET, Type="String")
    deployment.save(deployed, ssm)


def _roles(stack: Target) -> None:
    names = stack.names
    variables = {
        "name": names.name,
        "region": names.region,
        "account_id": names.account_id,
        "stream_arn": names.arn("kinesis", f"stream/{names.stream}"),
        "poison_queue_arn": names.arn("sqs", names.poison_queue),
        "profile_table_arn": names.arn("dynamodb", f"table/{names.profile_table}"),
        "bucket_arn": f"arn:aws:s3:::{names.bucket}",
        "personalize_role_arn": names.role_arn("personalize"),
    }
    functions = [function_role(key) for key in stack.settings.functions]
    services = dict.fromkeys(functions, "lambda.amazonaws.com") | _SERVICE_ROLES
    iam = stack.aws.client("iam")
    for part, service in services.items():
        role, rights = _role(stack, part, service), policy(part, variables)
        iam.put_role_policy(RoleName=role, PolicyName=part, PolicyDocument=rights)
    writer = _role(stack, LOG_WRITER, "apigateway.amazonaws.com")
    iam.attach_role_policy(RoleName=writer, PolicyArn=_WRITE_LOGS)


def _role(stack: Target, part: str, service: str) -> str:
    """The name of a part's role; the role is made if it is missing."""
    iam, role = stack.aws.client("iam"), stack.names.role(part)
    if not found(lambda: iam.get_role(RoleName=role), "NoSuchEntity"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_policy(service))
    return role
