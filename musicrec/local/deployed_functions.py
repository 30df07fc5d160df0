"""The Lambda functions as the built-in deployer makes them, and what invokes them."""

from __future__ import annotations

import base64
import hashlib

from musicrec.deploying import packages
from musicrec.local.deploy_steps import Target, allow_invocation, found
from musicrec.stack import FunctionSettings


def function_role(key: str) -> str:
    """Which part a function's role is for, e.g. `hot-path` for the key `hot_path`."""
    return key.replace("_", "-")


def deploy_function(stack: Target, key: str) -> str:
    """Create or update one function; its ARN."""
    function = stack.settings.functions[key]
    client = stack.aws.client("lambda")
    code = packages.function_zip(key, stack.lambdas)
    place = {"S3Bucket": stack.names.bucket, "S3Key": f"code/{key}.zip"}
    ask = client.get_function_configuration
    if not found(lambda: ask(FunctionName=function.name), "ResourceNotFoundException"):
        _upload(stack, place, code)
        _create_function(stack, key, function, place)
    elif ask(FunctionName=function.name)["CodeSha256"] != _sha256(code):
        _upload(stack, place, code)
        client.update_function_code(FunctionName=function.name, **place)
    return stack.names.arn("lambda", f"function:{function.name}")


def _sha256(code: bytes) -> str:
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def _upload(stack: Target, place: dict[str, str], code: bytes) -> None:
    stack.aws.client("s3").put_object(Bucket=place["S3Bucket"], Key=place["S3Key"], Body=code)


def _create_function(
    stack: Target, key: str, function: FunctionSettings, place: dict[str, str]
) -> None:
    stack.aws.client("lambda").create_function(
        FunctionName=function.name,
        Description=function.description,
        Runtime=function.runtime,
        Handler=function.handler,
        Role=stack.names.role_arn(function_role(key)),
        MemorySize=function.memory_mb,
        Timeout=function.timeout_seconds,
        TracingConfig={"Mode": function.tracing},
        Environment={"Variables": function.environment},
        Code=place,
    )


def deploy_event_source_mapping(stack: Target, key: str) -> None:
    """Have the stream invoke a function, unless it does."""
    client, names = stack.aws.client("lambda"), stack.names
    function = stack.settings.functions[key].name
    stream = names.arn("kinesis", f"stream/{names.stream}")
    found = client.list_event_source_mappings(FunctionName=function, EventSourceArn=stream)
    if found["EventSourceMappings"]:
        return
    mapping = stack.settings.event_source_mappings[key]
    client.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=stream,
        StartingPosition=mapping.starting_position,
        BatchSize=mapping.batch_size,
        MaximumBatchingWindowInSeconds=mapping.batching_window_seconds,
        ParallelizationFactor=mapping.parallelization_factor,
        BisectBatchOnFunctionError=mapping.bisect_on_error,
        MaximumRetryAttempts=mapping.maximum_retry_attempts,
        MaximumRecordAgeInSeconds=mapping.maximum_record_age_seconds,
        FunctionResponseTypes=mapping.function_response_types,
        DestinationConfig={
            "OnFailure": {"Destination": names.arn("sqs", names.poison_queue)},
        },
    )


def deploy_schedule(stack: Target, function_arn: str) -> None:
    """Have the daily rule invoke a function."""
    events_client, rule = stack.aws.client("events"), stack.names.schedule_rule
    expression = stack.settings.schedule.expression
    arn = events_client.put_rule(Name=rule, ScheduleExpression=expression)["RuleArn"]
    events_client.put_targets(Rule=rule, Targets=[{"Id": "dataset-builder", "Arn": function_arn}])
    allow_invocation(stack.aws, function_arn, "events.amazonaws.com", arn)
