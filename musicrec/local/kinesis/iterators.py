"""Shard iterators: where to read on, in a text that only the service understands."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from musicrec.local.kinesis.errors import ExpiredIteratorError, InvalidArgumentError

LIFETIME_MS: Final = 300_000
"""An iterator is good for five minutes (API reference of GetShardIterator)."""


class ShardIterator(Struct, frozen=True, array_like=True):
    """A position in a shard.

    Attributes:
        stream: name of the stream.
        shard_id: the shard.
        position: the sequence number after which to read.
        issued_at: epoch milliseconds.
    """

    stream: str
    shard_id: str
    position: int
    issued_at: int

    def encode(self) -> str:
        """The text that travels."""
        return base64.b64encode(msgspec.json.encode(self)).decode()


def decode(text: str, now: int) -> ShardIterator:
    """Read an iterator that a client sent back.

    Args:
        text: from `ShardIterator.encode`.
        now: epoch milliseconds.

    Raises:
        InvalidArgumentError: the text is no iterator.
        ExpiredIteratorError: it is older than `LIFETIME_MS`.
    """
    try:
        iterator = msgspec.json.decode(base64.b64decode(text, validate=True), type=ShardIterator)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise InvalidArgumentError("Invalid ShardIterator.") from error
    if now - iterator.issued_at > LIFETIME_MS:
        raise ExpiredIteratorError(
            f"Iterator expired. The iterator was created at time {_spelled(iterator.issued_at)} "
            f"while right now it is {_spelled(now)} which is further in the future than the "
            f"tolerated delay of {LIFETIME_MS} milliseconds."
        )
    return iterator


def stream_of(text: str) -> str:
    """The stream that an iterator reads, however old it is; empty if the text is none."""
    try:
        return decode(text, 0).stream
    except InvalidArgumentError:
        return ""


def _spelled(moment: int) -> str:
    """A time in the words of the service's messages."""
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
