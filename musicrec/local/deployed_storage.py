"""The stores of the stack as the built-in deployer makes them: queue, stream and profiles."""

from __future__ import annotations

from typing import Any

from musicrec.local.deploy_steps import Target, found
from musicrec.local.parts import Aws
from musicrec.stack import StackNames, StreamSettings, TableSettings


def deploy_queue(aws: Aws, names: StackNames) -> str:
    """The poison queue's URL; the queue is made if it is missing."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=names.poison_queue)["QueueUrl"]
    return url


def set_queue_attributes(stack: Target, queue_url: str) -> None:
    """Set what the poison queue takes, how it encrypts it and how long it keeps it."""
    queue = stack.settings.poison_queue
    attributes = {
        "MaximumMessageSize": str(queue.max_message_bytes),
        "MessageRetentionPeriod": str(queue.retention_seconds),
        "SqsManagedSseEnabled": str(queue.managed_encryption).lower(),
    }
    stack.aws.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes=attributes)


def deploy_stream(stack: Target) -> None:
    """Make the stream of listening events; of one that is there, set what it keeps and how.

    The number of its shards stays: Kinesis lets it be doubled or halved a few times a day only.
    """
    kinesis, name = stack.aws.client("kinesis"), stack.names.stream
    settings = stack.settings.stream
    describe = kinesis.describe_stream_summary
    if not found(lambda: describe(StreamName=name), "ResourceNotFoundException"):
        shards = {"ShardCount": settings.shards} if settings.mode == "PROVISIONED" else {}
        mode = {"StreamMode": settings.mode}
        kinesis.create_stream(StreamName=name, StreamModeDetails=mode, **shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    _settle_stream(kinesis, describe(StreamName=name)["StreamDescriptionSummary"], settings)


def _settle_stream(kinesis: Any, stream: dict[str, Any], settings: StreamSettings) -> None:
    name, hours = stream["StreamName"], stream["RetentionPeriodHours"]
    wanted = settings.retention_hours
    if hours < wanted:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=wanted)
    elif hours > wanted:
        kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=wanted)
    if stream.get("KeyId") != settings.kms_key:
        kinesis.start_stream_encryption(
            StreamName=name, EncryptionType="KMS", KeyId=settings.kms_key
        )
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    if stream["StreamModeDetails"]["StreamMode"] != settings.mode:
        mode = {"StreamMode": settings.mode}
        kinesis.update_stream_mode(StreamARN=stream["StreamARN"], StreamModeDetails=mode)


def deploy_profile_table(stack: Target) -> None:
    """Make the table of musical profiles, billed by request, and see to its backups."""
    dynamodb, name = stack.aws.client("dynamodb"), stack.names.profile_table
    settings = stack.settings.profile_table
    if not found(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException"):
        dynamodb.create_table(**_table(name, settings))
        dynamodb.get_waiter("table_exists").wait(TableName=name)
    dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": settings.point_in_time_recovery
        },
    )


def _table(name: str, settings: TableSettings) -> dict[str, Any]:
    pair = [(settings.partition_key, "HASH"), (settings.sort_key, "RANGE")]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key, _ in pair],
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in pair],
        "SSESpecification": {"Enabled": settings.kms_encryption},
    }
