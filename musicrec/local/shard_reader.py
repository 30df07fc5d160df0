"""One shard, read from where a mapping stands to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.batches import Record
from musicrec.local.kinesis.dedicated import with_dedicated_throughput

if TYPE_CHECKING:
    from collections.abc import Callable

READ_LIMIT: Final = 2_000
"""Records asked for in one GetRecords call: several batches, and a fifth of a call's limit."""


class ShardReader:
    """Reads a shard on from a checkpoint, or from a starting position.

    Args:
        kinesis: boto3 client.
        stream: name of the stream.
        shard_id: the shard.
        start: where to begin, as GetShardIterator takes it.
        checkpoint: sequence number of the last record that was processed, or None.
        clock: the time in epoch seconds.
    """

    def __init__(
        self,
        kinesis: Any,
        stream: str,
        shard_id: str,
        *,
        start: dict[str, Any],
        checkpoint: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._kinesis = with_dedicated_throughput(kinesis)
        self._shard = {"StreamName": stream, "ShardId": shard_id}
        self._start = start
        self._last = checkpoint
        started_at = clock()
        self._iterator: str | None = self._begin()
        if start["ShardIteratorType"] == "LATEST":  # should the iterator expire before a record
            self._start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": started_at}

    @property
    def ended(self) -> bool:
        """Whether the shard is closed and was read to its end."""
        return self._iterator is None

    def read(self) -> list[Record]:
        """The next records, none at the end of what the shard holds."""
        if self._iterator is None:
            return []
        try:
            answer = self._kinesis.get_records(ShardIterator=self._iterator, Limit=READ_LIMIT)
        except self._kinesis.exceptions.ExpiredIteratorException:
            self._iterator = self._begin()
            answer = self._kinesis.get_records(ShardIterator=self._iterator, Limit=READ_LIMIT)
        self._iterator = answer.get("NextShardIterator")
        if answer["Records"]:
            self._last = answer["Records"][-1]["SequenceNumber"]
        return [
            Record(
                sequence_number=record["SequenceNumber"],
                partition_key=record["PartitionKey"],
                data=record["Data"],
                arrived_at=record["ApproximateArrivalTimestamp"].timestamp(),
            )
            for record in answer["Records"]
        ]

    def _begin(self) -> str:
        """An iterator behind the last record that was read."""
        position = self._start
        if self._last is not None:
            position = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self._last,
            }
        return str(self._kinesis.get_shard_iterator(**self._shard, **position)["ShardIterator"])
