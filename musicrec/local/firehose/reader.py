"""Reads a whole Kinesis stream on from where it was last read, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

_LIMIT: Final = 10_000
"""Records in one GetRecords call (Kinesis quota)."""


class StreamRecord(Struct, frozen=True):
    """One record as read.

    Attributes:
        data: the payload.
        arrival: when Kinesis took it, epoch seconds.
        sequence_number: within its shard.
    """

    data: bytes
    arrival: float
    sequence_number: str


class StreamReader:
    """Remembers, for each shard, the last record that was read.

    Args:
        kinesis: boto3 client.
        stream: name of the stream; read from its oldest record.
    """

    def __init__(self, kinesis: Any, stream: str) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._iterators: dict[str, str | None] = {}
        self._last: dict[str, str] = {}

    def read_to_end(self) -> Iterator[list[StreamRecord]]:
        """Yield what has come since the last call, until every shard has nothing more.

        Raises:
            ClientError: Kinesis refused, e.g. because the stream is gone; the next call goes on
                after the last record that was yielded.
        """
        for shard in self._kinesis.list_shards(StreamName=self._stream)["Shards"]:
            yield from self._read_shard(shard["ShardId"])

    def _read_shard(self, shard_id: str) -> Iterator[list[StreamRecord]]:
        while (iterator := self._iterator(shard_id)) is not None:
            try:
                answer = self._kinesis.get_records(ShardIterator=iterator, Limit=_LIMIT)
            except ClientError:
                self._iterators.pop(shard_id, None)
                raise
            records = answer["Records"]
            self._iterators[shard_id] = answer.get("NextShardIterator")
            if records:
                self._last[shard_id] = records[-1]["SequenceNumber"]
                yield [_record(record) for record in records]
            elif not answer.get("MillisBehindLatest"):
                return

    def _iterator(self, shard_id: str) -> str | None:
        """Where to read on; None at the end of a closed shard."""
        if shard_id not in self._iterators:
            position: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
            if shard_id in self._last:
                position = {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "StartingSequenceNumber": self._last[shard_id],
                }
            self._iterators[shard_id] = self._kinesis.get_shard_iterator(
                StreamName=self._stream, ShardId=shard_id, **position
            )["ShardIterator"]
        return self._iterators[shard_id]


def _record(record: Any) -> StreamRecord:
    return StreamRecord(
        data=record["Data"],
        arrival=record["ApproximateArrivalTimestamp"].timestamp(),
        sequence_number=record["SequenceNumber"],
    )
