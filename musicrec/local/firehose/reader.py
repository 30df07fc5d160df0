"""Reads a whole Kinesis stream on from where it was last read, parents before their children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local.kinesis.dedicated import with_dedicated_throughput
from musicrec.local.kinesis.lineage import Lineage, list_all

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
        self._kinesis = with_dedicated_throughput(kinesis)
        self._stream = stream
        self._lineage = Lineage()
        self._iterators: dict[str, str] = {}
        self._last: dict[str, str] = {}

    def read_to_end(self) -> Iterator[list[StreamRecord]]:
        """Yield what has come since the last call, until no shard has anything more.

        Raises:
            ClientError: Kinesis refused, e.g. because the stream is gone; the next call goes on
                after the last record that was yielded.
        """
        self._lineage.update(self._shards())
        read: set[str] = set()
        while following := [each for each in self._lineage.readable() if each not in read]:
            for shard_id in following:
                yield from self._read_shard(shard_id)
                read.add(shard_id)

    def _shards(self) -> list[dict[str, Any]]:
        try:
            return list_all(self._kinesis, StreamName=self._stream)
        except self._kinesis.exceptions.ResourceNotFoundException:
            # One that is made under this name later begins anew.
            self._lineage = Lineage()
            self._iterators.clear()
            self._last.clear()
            raise

    def _read_shard(self, shard_id: str) -> Iterator[list[StreamRecord]]:
        while True:
            answer = self._read(shard_id)
            records = answer["Records"]
            if records:
                self._last[shard_id] = records[-1]["SequenceNumber"]
            self._iterators.pop(shard_id, None)
            if "NextShardIterator" in answer:
                self._iterators[shard_id] = answer["NextShardIterator"]
            else:
                self._lineage.finish(shard_id)
                self._last.pop(shard_id, None)
            if records:
                yield [_record(record) for record in records]
            if shard_id not in self._iterators or not (records or answer["MillisBehindLatest"]):
                return

    def _read(self, shard_id: str) -> Any:
        """One GetRecords; after a refusal, such as that of an old iterator, with a new iterator."""
        known = shard_id in self._iterators
        try:
            return self._kinesis.get_records(ShardIterator=self._iterator(shard_id), Limit=_LIMIT)
        except ClientError:
            self._iterators.pop(shard_id, None)
            if not known:
                raise
        return self._kinesis.get_records(ShardIterator=self._iterator(shard_id), Limit=_LIMIT)

    def _iterator(self, shard_id: str) -> str:
        """Where to read on."""
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
