"""The Lambda functions as the built-in deployer makes them, and what invokes them."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from typing import Any

from musicrec.deploying import packages
from musicrec.local.deploy_steps import (
    Target,
    agrees,
    allow_invocation,
    deploy_log_group,
    found,
)
from musicrec.stack import FunctionSettings, MappingSettings


def function_role(key: str) -> str:
    """Which part a function's role is for, e.g. `hot-path` for the key `hot_path`."""
    return key.replace("_", "-")


def deploy_function(stack: Target, key: str) -> str:
    """Create one function, or update its code and its settings where they differ; its ARN."""
    function = stack.settings.functions[key]
    client = stack.aws.client("lambda")
    code = packages.function_zip(key, stack.lambdas)
    place = {"S3Bucket": stack.names.bucket, "S3Key": f"code/{key}.zip"}
    wanted = _configuration(stack, key, function)
    deploy_log_group(stack, f"/aws/lambda/{function.name}")
    ask = partial(client.get_function_configuration, FunctionName=function.name)
    if not found(ask, "ResourceNotFoundException"):
        _upload(stack, place, code)
        architectures = [function.architecture]
        client.create_function(**wanted, Code=place, Architectures=architectures)
    else:
        if ask()["CodeSha256"] != _sha256(code):
            _upload(stack, place, code)
            client.update_function_code(FunctionName=function.name, **place)
        if not agrees(ask(), wanted):
            client.update_function_configuration(**wanted)
    return stack.names.arn("lambda", f"function:{function.name}")


def _sha256(code: bytes) -> str:
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def _upload(stack: Target, place: dict[str, str], code: bytes) -> None:
    stack.aws.client("s3").put_object(Bucket=place["S3Bucket"], Key=place["S3Key"], Body=code)


def _configuration(stack: Target, key: str, function: FunctionSettings) -> dict[str, Any]:
    return {
        "FunctionName": function.name,
        "Description": function.description,
        "Runtime": function.runtime,
        "Handler": function.handler,
        "Role": stack.names.role_arn(function_role(key)),
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_seconds,
        "TracingConfig": {"Mode": function.tracing},
        "Environment": {"Variables": function.environment},
    }


def deploy_event_source_mapping(stack: Target, key: str) -> None:
    """Have the stream invoke a function as the settings say."""
    client, names = stack.aws.client("lambda"), stack.names
    function = stack.settings.functions[key].name
    stream = names.arn("kinesis", f"stream/{names.stream}")
    settings = stack.settings.event_source_mappings[key]
    wanted = _reading(settings, names.arn("sqs", names.poison_queue))
    existing = client.list_event_source_mappings(FunctionName=function, EventSourceArn=stream)
    for mapping in existing["EventSourceMappings"]:
        if not agrees(mapping, wanted):
            client.update_event_source_mapping(UUID=mapping["UUID"], **wanted)
    if not existing["EventSourceMappings"]:
        client.create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=stream,
            StartingPosition=settings.starting_position,
            **wanted,
        )


def _reading(mapping: MappingSettings, on_failure: str) -> dict[str, Any]:
    return {
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.batching_window_seconds,
        "ParallelizationFactor": mapping.parallelization_factor,
        "BisectBatchOnFunctionError": mapping.bisect_on_error,
        "MaximumRetryAttempts": mapping.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": mapping.maximum_record_age_seconds,
        "FunctionResponseTypes": mapping.function_response_types,
        "DestinationConfig": {"OnFailure": {"Destination": on_failure}},
    }


def deploy_schedule(stack: Target, function_arn: str) -> None:
    """Have the daily rule invoke a function."""
    events_client, rule = stack.aws.client("events"), stack.names.schedule_rule
    expression = stack.settings.schedule.expression
    arn = events_client.put_rule(Name=rule, ScheduleExpression=expression)["RuleArn"]
    events_client.put_targets(Rule=rule, Targets=[{"Id": "dataset-builder", "Arn": function_arn}])
    allow_invocation(stack.aws, function_arn, "events.amazonaws.com", arn)
