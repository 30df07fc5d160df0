"""Deploys the stack into the embedded AWS with boto3 alone, for machines without Terraform.

Every step creates what is missing and leaves alone what is there, so that deploying again changes
nothing. Settings, REST API and policies come from the files that Terraform reads (`musicrec.stack`).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from musicrec import deployment, events
from musicrec.deployment import Deployment
from musicrec.local import packages
from musicrec.local.deploy_steps import allow_invocation, found
from musicrec.local.deployed_api import DeployedApi, deploy_api
from musicrec.local.parts import Aws
from musicrec.stack import (
    FunctionSettings,
    StackNames,
    StackSettings,
    policy,
    settings,
    trust_policy,
)

_FUNCTION_ROLES: Final = ("hot-path", "profile-builder", "dataset-builder", "recommendations")
_SERVICE_ROLES: Final = {
    "personalize": "personalize.amazonaws.com",
    "firehose": "firehose.amazonaws.com",
    "apigateway": "apigateway.amazonaws.com",
}
_PARQUET_IN: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUT: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_PARQUET_SERDE: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@dataclass(frozen=True)
class _Stack:
    """What every step needs."""

    aws: Aws
    names: StackNames
    settings: StackSettings
    lambdas: Path


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
    queue_url = _queue(aws, names)
    stack = _Stack(aws, names, settings(_variables(names, queue_url)), lambdas)
    _set_queue_retention(stack, queue_url)
    _bucket(stack)
    _stream(stack)
    _table(stack)
    _roles(stack)
    _lake_table(stack)
    functions = {key: _function(stack, key) for key in stack.settings.functions}
    for key in stack.settings.event_source_mappings:
        _event_source_mapping(stack, key)
    _delivery_stream(stack)
    _schedule(stack, functions["dataset_builder"])
    api = deploy_api(aws, names, stack.settings.api, functions["recommendations"])
    return _publish(stack, queue_url, api)


def _variables(names: StackNames, queue_url: str) -> dict[str, str]:
    return {
        "name": names.name,
        "poison_queue_url": queue_url,
        "profile_table": names.profile_table,
        "catalog_uri": f"s3://{names.bucket}/catalog/catalog.sqlite",
    }


def _publish(stack: _Stack, queue_url: str, api: DeployedApi) -> Deployment:
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
        schedule_rule=names.schedule_rule,
        personalize_role_arn=names.role_arn("personalize"),
    )
    deployment.save(deployed, stack.aws.client("ssm"))
    return deployed


def _queue(aws: Aws, names: StackNames) -> str:
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=names.poison_queue)["QueueUrl"]
    return url


def _set_queue_retention(stack: _Stack, queue_url: str) -> None:
    seconds = stack.settings.poison_queue.retention_seconds
    stack.aws.client("sqs").set_queue_attributes(
        QueueUrl=queue_url, Attributes={"MessageRetentionPeriod": str(seconds)}
    )


def _bucket(stack: _Stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.names.bucket
    if not found(lambda: s3.head_bucket(Bucket=bucket), "404"):
        s3.create_bucket(Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": _lifecycle(stack.settings)}
    )


def _lifecycle(stack: StackSettings) -> list[dict[str, Any]]:
    lake = stack.lake
    transitions = [{"StorageClass": t.storage_class, "Days": t.days} for t in lake.transitions]
    return [
        {
            "ID": "raw-ages-out",
            "Status": "Enabled",
            "Filter": {"Prefix": lake.prefix},
            "Transitions": transitions,
        },
        {
            "ID": "errors-expire",
            "Status": "Enabled",
            "Filter": {"Prefix": lake.errors_prefix},
            "Expiration": {"Days": lake.errors_expire_days},
        },
    ]


def _stream(stack: _Stack) -> None:
    kinesis, name = stack.aws.client("kinesis"), stack.names.stream
    describe = kinesis.describe_stream_summary
    if not found(lambda: describe(StreamName=name), "ResourceNotFoundException"):
        kinesis.create_stream(StreamName=name, ShardCount=stack.settings.stream.shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)


def _table(stack: _Stack) -> None:
    dynamodb, name = stack.aws.client("dynamodb"), stack.names.profile_table
    if found(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException"):
        return
    keys = stack.settings.profile_table
    pair = [(keys.partition_key, "HASH"), (keys.sort_key, "RANGE")]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in pair],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in pair],
    )


def _roles(stack: _Stack) -> None:
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
    services = dict.fromkeys(_FUNCTION_ROLES, "lambda.amazonaws.com") | _SERVICE_ROLES
    for part, service in services.items():
        _role(stack, part, service, policy(part, variables))


def _role(stack: _Stack, part: str, service: str, rights: str) -> None:
    iam, role = stack.aws.client("iam"), stack.names.role(part)
    if not found(lambda: iam.get_role(RoleName=role), "NoSuchEntity"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_policy(service))
    iam.put_role_policy(RoleName=role, PolicyName=part, PolicyDocument=rights)


def _lake_table(stack: _Stack) -> None:
    glue, database = stack.aws.client("glue"), stack.names.name
    table = stack.settings.lake.table
    if not found(lambda: glue.get_database(Name=database), "EntityNotFoundException"):
        glue.create_database(DatabaseInput={"Name": database})
    if not found(
        lambda: glue.get_table(DatabaseName=database, Name=table), "EntityNotFoundException"
    ):
        glue.create_table(DatabaseName=database, TableInput=_lake_table_input(stack))


def _lake_table_input(stack: _Stack) -> dict[str, Any]:
    lake = stack.settings.lake
    location = f"s3://{stack.names.bucket}/{lake.prefix}"
    key = lake.partition_key
    return {
        "Name": lake.table,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"}],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "projection.enabled": "true",
            f"projection.{key}.type": "date",
            f"projection.{key}.format": "yyyy-MM-dd",
            f"projection.{key}.range": lake.partition_range,
            "storage.location.template": f"{location}{key}=${{{key}}}/",
        },
        "StorageDescriptor": {
            "Columns": events.glue_columns(),
            "Location": location,
            "InputFormat": _PARQUET_IN,
            "OutputFormat": _PARQUET_OUT,
            "SerdeInfo": {"SerializationLibrary": _PARQUET_SERDE},
        },
    }


def _function(stack: _Stack, key: str) -> str:
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


def _upload(stack: _Stack, place: dict[str, str], code: bytes) -> None:
    stack.aws.client("s3").put_object(Bucket=place["S3Bucket"], Key=place["S3Key"], Body=code)


def _create_function(
    stack: _Stack, key: str, function: FunctionSettings, place: dict[str, str]
) -> None:
    stack.aws.client("lambda").create_function(
        FunctionName=function.name,
        Description=function.description,
        Runtime=function.runtime,
        Handler=function.handler,
        Role=stack.names.role_arn(key.replace("_", "-")),
        MemorySize=function.memory_mb,
        Timeout=function.timeout_seconds,
        Environment={"Variables": function.environment},
        Code=place,
    )


def _event_source_mapping(stack: _Stack, key: str) -> None:
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


def _delivery_stream(stack: _Stack) -> None:
    firehose, names = stack.aws.client("firehose"), stack.names
    describe = firehose.describe_delivery_stream
    name = names.delivery_stream
    if found(lambda: describe(DeliveryStreamName=name), "ResourceNotFoundException"):
        return
    role = names.role_arn("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": names.arn("kinesis", f"stream/{names.stream}"),
            "RoleARN": role,
        },
        ExtendedS3DestinationConfiguration=_destination(stack, role),
    )


def _destination(stack: _Stack, role: str) -> dict[str, Any]:
    delivery = stack.settings.delivery
    return {
        "RoleARN": role,
        "BucketARN": f"arn:aws:s3:::{stack.names.bucket}",
        "Prefix": delivery.prefix,
        "ErrorOutputPrefix": delivery.error_prefix,
        "BufferingHints": {
            "SizeInMBs": delivery.buffer_mb,
            "IntervalInSeconds": delivery.buffer_seconds,
        },
        "CompressionFormat": "UNCOMPRESSED",
        "DynamicPartitioningConfiguration": {
            "Enabled": True,
            "RetryOptions": {"DurationInSeconds": delivery.retry_seconds},
        },
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [_metadata_extraction(delivery.partition_query)],
        },
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {
                "Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}
            },
            "SchemaConfiguration": {
                "RoleARN": role,
                "DatabaseName": stack.names.name,
                "TableName": stack.settings.lake.table,
                "Region": stack.names.region,
                "VersionId": "LATEST",
            },
        },
    }


def _metadata_extraction(query: str) -> dict[str, Any]:
    values = {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}
    return {
        "Type": "MetadataExtraction",
        "Parameters": [
            {"ParameterName": key, "ParameterValue": value} for key, value in values.items()
        ],
    }


def _schedule(stack: _Stack, function_arn: str) -> None:
    events_client, rule = stack.aws.client("events"), stack.names.schedule_rule
    expression = stack.settings.schedule.expression
    arn = events_client.put_rule(Name=rule, ScheduleExpression=expression)["RuleArn"]
    events_client.put_targets(Rule=rule, Targets=[{"Id": "dataset-builder", "Arn": function_arn}])
    allow_invocation(stack.aws, function_arn, "events.amazonaws.com", arn)
