"""Reads that the embedded AWS makes for itself.

AWS's Lambda reads each shard once a second for each mapping, and Firehose does so too. Here both are
woken by every put and read at once, so they would soon use up the five reads a second that a shard
gives to all, and the readers that a user runs beside them would be throttled where AWS would not.
Their reads are therefore made with a throughput of their own, as AWS gives to enhanced fan-out
consumers.
"""

from __future__ import annotations

from typing import Any

from musicrec.local.kinesis.app import DEDICATED


def with_dedicated_throughput(kinesis: Any) -> Any:
    """Let every read of a boto3 client leave the shards' shared limits alone.

    Args:
        kinesis: the client, of the embedded AWS; returned for convenience.
    """
    for operation in ("GetRecords", "GetShardIterator"):
        kinesis.meta.events.register(
            f"before-call.kinesis.{operation}", _mark, unique_id=f"dedicated-{operation}"
        )
    return kinesis


def _mark(params: dict[str, Any], **_: Any) -> None:
    params["headers"][DEDICATED] = "1"
