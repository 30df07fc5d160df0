"""The stores of the stack as the built-in deployer makes them, and what fills the lake."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from musicrec import events
from musicrec.local.deploy_steps import Target, found
from musicrec.local.parts import Aws
from musicrec.processor import curated
from musicrec.stack import StackNames, StackSettings, partition_query

_STANDARD_RETENTION_HOURS: Final = 24
_PARQUET_IN: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUT: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_PARQUET_SERDE: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def deploy_queue(aws: Aws, names: StackNames) -> str:
    """The poison queue's URL; the queue is made if it is missing."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=names.poison_queue)["QueueUrl"]
    return url


def set_queue_retention(stack: Target, queue_url: str) -> None:
    """Set how long the poison queue keeps its messages."""
    seconds = stack.settings.poison_queue.retention_seconds
    stack.aws.client("sqs").set_queue_attributes(
        QueueUrl=queue_url, Attributes={"MessageRetentionPeriod": str(seconds)}
    )


def deploy_bucket(stack: Target) -> None:
    """Make the bucket: closed to the public, its lake ageing into cheaper classes."""
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
        {
            "ID": "query-results-expire",
            "Status": "Enabled",
            "Filter": {"Prefix": stack.athena.results_prefix},
            "Expiration": {"Days": stack.athena.results_expire_days},
        },
    ]


def deploy_stream(stack: Target) -> None:
    """Make the stream of listening events."""
    kinesis, name = stack.aws.client("kinesis"), stack.names.stream
    describe = kinesis.describe_stream_summary
    if not found(lambda: describe(StreamName=name), "ResourceNotFoundException"):
        kinesis.create_stream(StreamName=name, ShardCount=stack.settings.stream.shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        hours = stack.settings.stream.retention_hours
        if hours > _STANDARD_RETENTION_HOURS:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)


def deploy_profile_table(stack: Target) -> None:
    """Make the table of musical profiles, billed by request."""
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


def deploy_lake_tables(stack: Target) -> None:
    """Make the Glue tables of the lake; their partitions are projected, so nothing crawls."""
    glue, database, lake = stack.aws.client("glue"), stack.names.name, stack.settings.lake
    if not found(lambda: glue.get_database(Name=database), "EntityNotFoundException"):
        glue.create_database(DatabaseInput={"Name": database})
    tables = (
        (lake.table, lake.prefix, events.glue_columns()),
        (lake.curated_table, lake.curated_prefix, curated.glue_columns()),
    )
    for name, prefix, columns in tables:
        get = partial(glue.get_table, DatabaseName=database, Name=name)
        if not found(get, "EntityNotFoundException"):
            made = _table_input(stack, name, prefix, columns)
            glue.create_table(DatabaseName=database, TableInput=made)


def _table_input(
    stack: Target, name: str, prefix: str, columns: list[dict[str, str]]
) -> dict[str, Any]:
    lake = stack.settings.lake
    location = f"s3://{stack.names.bucket}/{prefix}"
    key = lake.partition_key
    return {
        "Name": name,
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
            "Columns": columns,
            "Location": location,
            "InputFormat": _PARQUET_IN,
            "OutputFormat": _PARQUET_OUT,
            "SerdeInfo": {"SerializationLibrary": _PARQUET_SERDE},
        },
    }


def deploy_workgroup(stack: Target) -> None:
    """Make the Athena work group; the client may still choose another place for results."""
    athena, name = stack.aws.client("athena"), stack.names.workgroup
    if found(lambda: athena.get_work_group(WorkGroup=name), "InvalidRequestException"):
        return
    settings = stack.settings.athena
    location = f"s3://{stack.names.bucket}/{settings.results_prefix}"
    athena.create_work_group(
        Name=name,
        Description="Questions to the lake of listening events",
        Configuration={
            "EnforceWorkGroupConfiguration": False,
            "ResultConfiguration": {"OutputLocation": location},
            "BytesScannedCutoffPerQuery": settings.scan_limit_bytes,
        },
    )


def deploy_delivery_stream(stack: Target) -> None:
    """Make the Firehose stream that fills the lake."""
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


def _destination(stack: Target, role: str) -> dict[str, Any]:
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
            "Processors": [_metadata_extraction(partition_query())],
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
