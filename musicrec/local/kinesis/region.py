"""The streams of one region, found by name or ARN, and what an operation is given to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from musicrec.local.kinesis.errors import (
    InvalidArgumentError,
    LimitExceededError,
    ResourceInUseError,
    ResourceNotFoundError,
)
from musicrec.local.kinesis.stream import Stream

SHARD_LIMIT: Final = 20_000
"""Open shards of an account in the region of this stack (Quotas and limits)."""

Announce = Callable[[str, str, bool], None]
"""Told that a stream, by region and name, has come (True) or gone (False)."""


class Region:
    """The streams of an account in a region.

    Args:
        name: the region.
        account: who owns them.
        transition_ms: how long streams take to become ACTIVE and to go.
        announce: told about streams that come and go.
    """

    def __init__(self, name: str, account: str, *, transition_ms: int, announce: Announce) -> None:
        self.name = name
        self.account = account
        self.transition_ms = transition_ms
        self._announce = announce
        self._streams: dict[str, Stream] = {}

    def streams(self, now: int) -> list[Stream]:
        """All streams, in the order of their names."""
        for name in [name for name, stream in self._streams.items() if stream.is_gone(now)]:
            del self._streams[name]
        return [self._streams[name] for name in sorted(self._streams)]

    def create(self, name: str, shards: int, mode: str, now: int) -> Stream:
        """Make a stream.

        Raises:
            ResourceInUseError: there is one of that name.
            LimitExceededError: there would be more shards than an account may have.
        """
        if any(stream.name == name for stream in self.streams(now)):
            raise ResourceInUseError(f"Stream {name} under account {self.account} already exists.")
        self.require_room(shards, now)
        arn = f"arn:aws:kinesis:{self.name}:{self.account}:stream/{name}"
        stream = Stream(arn, shards, mode=mode, now=now, ready_at=now + self.transition_ms)
        self._streams[name] = stream
        self._announce(self.name, name, True)
        return stream

    def require_room(self, shards: int, now: int) -> None:
        """Refuse to open so many shards more than there are.

        Raises:
            LimitExceededError: there would be more than an account may have.
        """
        current = sum(len(stream.open_shards) for stream in self.streams(now))
        if current + shards > SHARD_LIMIT:
            raise LimitExceededError(
                f"This request would exceed the shard limit for the account {self.account} in "
                f"{self.name}. Current shard count for the account: {current}. Limit: "
                f"{SHARD_LIMIT}. Number of additional shards that would have resulted from this "
                f"request: {shards}."
            )

    def delete(self, stream: Stream, now: int) -> None:
        """Let a stream go."""
        stream.change("DELETING", now + self.transition_ms)
        self._announce(self.name, stream.name, False)

    def named(self, name: str, now: int) -> Stream:
        """A stream, with what its retention does not cover forgotten.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        stream = self._streams.get(name)
        if stream is None or stream.is_gone(now):
            raise self._not_found(name)
        stream.trim(now)
        return stream

    def by_arn(self, arn: str, now: int) -> Stream:
        """A stream of this region by its ARN.

        Raises:
            ResourceNotFoundError: there is none.
        """
        stream = self._streams.get(arn.rpartition("/")[2])
        if stream is None or stream.arn != arn:
            raise self._not_found(arn)
        return self.named(stream.name, now)

    def _not_found(self, what: str) -> ResourceNotFoundError:
        return ResourceNotFoundError(f"Stream {what} under account {self.account} not found.")


@dataclass(frozen=True)
class Call:
    """One request, checked against the service model.

    Attributes:
        region: whose streams it is about.
        params: its members; blobs are bytes.
        now: when it came, epoch seconds.
        dedicated: it uses up none of the reads that the shards give to all.
    """

    region: Region
    params: dict[str, Any]
    now: float
    dedicated: bool = False

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self.now * 1000)

    @property
    def stream(self) -> Stream:
        """The stream that the request names.

        Raises:
            InvalidArgumentError: it names none.
            ResourceNotFoundError: there is no such stream.
        """
        name = self.params.get("StreamName")
        if name:
            return self.region.named(name, self.now_ms)
        arn = self.params.get("StreamARN")
        if not arn:
            raise InvalidArgumentError("Must specify either a StreamName or a StreamARN.")
        return self.region.by_arn(arn, self.now_ms)
