"""Which shards of a stream a consumer may read, so that each key's records keep their order.

When a shard is split or merged its children go on with its hash keys. A consumer that reads a child
before it has read the parents to their end sees a key's later records first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Lineage:
    """What one consumer has read to the end, and what it may read therefore."""

    def __init__(self) -> None:
        self._parents: dict[str, list[str]] = {}
        self._finished: set[str] = set()
        self._first: frozenset[str] | None = None

    def update(self, shards: Iterable[Mapping[str, Any]], *, skip_closed: bool = False) -> None:
        """Take note of the shards that there are now.

        Args:
            shards: as ListShards has them, all of the stream.
            skip_closed: at the first update, count shards that are closed already as read.
        """
        listed = list(shards)
        parents = ("ParentShardId", "AdjacentParentShardId")
        self._parents = {
            shard["ShardId"]: [shard[name] for name in parents if name in shard] for shard in listed
        }
        if self._first is None:
            self._first = frozenset(self._parents)
            if skip_closed:
                self._finished.update(shard["ShardId"] for shard in listed if _is_closed(shard))
        self._finished &= self._parents.keys()

    def finish(self, shard_id: str) -> None:
        """A closed shard was read to its end."""
        self._finished.add(shard_id)

    def readable(self) -> list[str]:
        """The shards that are not finished, and whose parents are finished or gone."""
        waiting = self._parents.keys() - self._finished
        return [
            shard_id
            for shard_id, parents in self._parents.items()
            if shard_id in waiting and not any(parent in waiting for parent in parents)
        ]

    def is_newcomer(self, shard_id: str) -> bool:
        """Whether a shard was not there at the first update: all its records are news."""
        return self._first is not None and shard_id not in self._first


def list_all(kinesis: Any, **stream: str) -> list[dict[str, Any]]:
    """Every shard of a stream.

    Args:
        kinesis: boto3 client.
        stream: `StreamName` or `StreamARN`.
    """
    pages = kinesis.get_paginator("list_shards").paginate(**stream)
    return [shard for page in pages for shard in page["Shards"]]


def _is_closed(shard: Mapping[str, Any]) -> bool:
    return "EndingSequenceNumber" in shard["SequenceNumberRange"]
