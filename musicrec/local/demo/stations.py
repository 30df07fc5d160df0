"""Counting the events at every station of the pipeline, so that a loss or a double shows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec import events
from musicrec.events import ListeningEvent
from musicrec.local.running import RunningStack
from musicrec.personalize import exports, foundation
from musicrec.processor.hot_path import event_value
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import ProfileStore
from musicrec.retry import is_throttling

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef

PATIENCE_S: Final = 60.0
"""How long a shard may refuse to be read: after 10 MB at once it does for five seconds."""

AGAIN_S: Final = 0.5


class Station(Struct, frozen=True):
    """One place where events are counted.

    Attributes:
        name: the place.
        events: distinct events there.
        expected: distinct events that should be there.
        copies: records or rows there, repeats included; None where the place keeps none.
    """

    name: str
    events: int
    expected: int
    copies: int | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing is lost and nothing counted twice."""
        return self.events == self.expected


def count(
    stack: RunningStack, sent: Iterable[ListeningEvent], copies_sent: int, now: datetime
) -> list[Station]:
    """Count every station of a drained stack.

    Args:
        stack: where to count.
        sent: the distinct events that were sent.
        copies_sent: how many were sent, deliberate repeats included.
        now: names the export by which Personalize is asked.
    """
    distinct = {event.event_id: event for event in sent}
    total = len(distinct)
    interactions = {_interaction(e) for e in distinct.values() if events.is_interaction(e)}
    deployment, clients = stack.deployment, stack.clients
    records, on_stream = _on_stream(stack.server.aws.client("kinesis"), deployment.stream)
    lake = Lake.of(deployment, clients.session).counts().values()
    profiles = ProfileStore(clients.dynamodb, deployment.profile_table).scan()
    held = exports.count_interactions(
        clients, deployment, foundation.load(clients, deployment), now=now
    )
    return [
        Station("sent to the API", total, total, copies_sent),
        Station("on the stream", on_stream, total, records),
        Station("in the lake", sum(day.events for day in lake), total, sum(d.rows for d in lake)),
        Station("in the profiles", sum(each.event_count for each in profiles), total),
        Station("in Personalize (play, complete, skip)", held.rows, len(interactions)),
    ]


def _interaction(event: ListeningEvent) -> tuple[str, str, int, str, float | None]:
    """What makes an interaction one in Personalize, whose clock ticks in seconds."""
    second, value = event.occurred_at // 1000, event_value(event)
    return event.user_id, event.track_id, second, event.event_type, value


def records_on_stream(kinesis: KinesisClient, stream: str) -> int:
    """How many records a stream holds."""
    return _on_stream(kinesis, stream)[0]


def _on_stream(kinesis: KinesisClient, stream: str) -> tuple[int, int]:
    """Records on the stream and distinct events among them."""
    records, ids = 0, set()
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        for data in _shard_data(kinesis, stream, shard["ShardId"]):
            records += 1
            ids.add(events.decode(data).event_id)
    return records, len(ids)


def _shard_data(kinesis: KinesisClient, stream: str, shard_id: str) -> Iterable[bytes]:
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while True:
        answer = _records(kinesis, iterator)
        yield from (record["Data"] for record in answer["Records"])
        if not answer["Records"] or "NextShardIterator" not in answer:
            return
        iterator = answer["NextShardIterator"]


def _records(kinesis: KinesisClient, iterator: str) -> GetRecordsOutputTypeDef:
    """What comes next on a shard, whose bytes a second the consumers have a share of."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return kinesis.get_records(ShardIterator=iterator)
        except ClientError as error:
            if not is_throttling(error) or time.monotonic() > end:
                raise
        time.sleep(AGAIN_S)
