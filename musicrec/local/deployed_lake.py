"""The lake as the built-in deployer makes it: its tables, what fills them and what asks them."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from musicrec import events
from musicrec.local.deploy_steps import Target, agrees, found
from musicrec.processor import curated
from musicrec.stack import partition_query

_PARQUET_IN: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUT: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_PARQUET_SERDE: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

# Firehose's own defaults, which Terraform's provider sends too, so that both stacks read the same.
_JSON: Final = {"CaseInsensitive": True, "ConvertDotsInJsonKeysToUnderscores": False}
_PARQUET: Final = {
    "BlockSizeBytes": 256 * 2**20,
    "Compression": "SNAPPY",
    "EnableDictionaryCompression": False,
    "MaxPaddingBytes": 0,
    "PageSizeBytes": 2**20,
    "WriterVersion": "V1",
}


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
        made = _table_input(stack, name, prefix, columns)
        if not found(get, "EntityNotFoundException"):
            glue.create_table(DatabaseName=database, TableInput=made)
        elif not agrees(get()["Table"], made):
            glue.update_table(DatabaseName=database, TableInput=made)


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
    settings = stack.settings.athena
    location = {"OutputLocation": f"s3://{stack.names.bucket}/{settings.results_prefix}"}
    given = {
        "EnforceWorkGroupConfiguration": False,
        "PublishCloudWatchMetricsEnabled": True,
        "BytesScannedCutoffPerQuery": settings.scan_limit_bytes,
    }
    if found(lambda: athena.get_work_group(WorkGroup=name), "InvalidRequestException"):
        updates = {**given, "ResultConfigurationUpdates": location}
        athena.update_work_group(WorkGroup=name, ConfigurationUpdates=updates)
        return
    athena.create_work_group(
        Name=name,
        Description="Questions to the lake of listening events",
        Configuration={**given, "ResultConfiguration": location},
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
        "CustomTimeZone": "UTC",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},  # the bucket encrypts
        "S3BackupMode": "Disabled",
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
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": _JSON}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": _PARQUET}},
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
