"""One shard on its way into one function: the thread that reads, batches and keeps the checkpoint."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from musicrec.local.batches import BatchRunner, Discarded, Record, StoppedError
from musicrec.local.shard_reader import ShardReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicrec.local.mappings import Mapping
    from musicrec.local.parts import Invoke

READ_INTERVAL_S: Final = 0.2
"""Least time between two reads at the end of a shard, so that batches have time to fill."""

POLL_S: Final = 5.0
"""How often an idle shard is read although nobody said that something was put on it."""

MAX_EVENT_BYTES: Final = 6_000_000
"""Lambda's limit for the event of an invocation, with room for the frame."""

_RECORD_FRAME_BYTES: Final = 700

_log = logging.getLogger(__name__)


class ShardWorker:
    """Takes a shard's records through a function until it is stopped, or the shard has ended.

    Args:
        mapping: the settings.
        shard_id: the shard.
        kinesis: boto3 client.
        invoke: runs the function.
        discard: told about records that are given up.
        finished: called in the worker's thread when a closed shard was processed to its end.
        newcomer: the shard came from a reshard after the mapping began, so all of it is read.
        checkpoint: sequence number of the last record that was processed, or None.
        clock: the time in epoch seconds, which Kinesis goes by.
    """

    def __init__(
        self,
        *,
        mapping: Mapping,
        shard_id: str,
        kinesis: Any,
        invoke: Invoke,
        discard: Callable[[Discarded], None],
        finished: Callable[[], None],
        newcomer: bool,
        checkpoint: str | None,
        clock: Callable[[], float],
    ) -> None:
        self.mapping = mapping
        self.shard_id = shard_id
        self.checkpoint = checkpoint
        self.processed = 0
        self._clock = clock
        self._tell_finished = finished
        self._reader = ShardReader(
            kinesis,
            mapping.stream_name,
            shard_id,
            start={"ShardIteratorType": "TRIM_HORIZON"} if newcomer else mapping.start,
            checkpoint=checkpoint,
            clock=clock,
        )
        self._runner = BatchRunner(
            mapping=mapping,
            shard_id=shard_id,
            invoke=invoke,
            discard=discard,
            wait=self._pause,
            clock=clock,
        )
        self._buffer: deque[Record] = deque()
        self._window_end = 0.0
        self._condition = threading.Condition()
        self._stopping = False
        self._nudged = False
        self._drain_asked = 0
        self._drain_done = 0
        self._drain_since = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"{mapping.stream_name}-{shard_id}", daemon=True
        )

    @property
    def alive(self) -> bool:
        """Whether the worker still works; it gives up when its stream is gone."""
        return self._thread.is_alive()

    @property
    def finished(self) -> bool:
        """Whether the shard is closed, and all its records were processed."""
        return self._reader.ended and not self._buffer

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the worker end after the invocation in progress."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def join(self) -> None:
        """Wait for the worker's end."""
        self._thread.join()

    def nudge(self) -> None:
        """Say that something was put on the shard."""
        with self._condition:
            self._nudged = True
            self._condition.notify_all()

    def ask_to_drain(self) -> int:
        """Have everything that is on the shard now processed without waiting for full batches.

        Returns:
            a ticket for `await_drained`.
        """
        with self._condition:
            self._drain_asked += 1
            self._drain_since = self._clock()
            self._condition.notify_all()
            return self._drain_asked

    def await_drained(self, ticket: int, deadline: float) -> None:
        """Wait until what was asked for with the ticket has happened.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        with self._condition:
            done = self._condition.wait_for(
                lambda: self._drain_done >= ticket or not self.alive,
                deadline - time.monotonic(),
            )
        if not done:
            raise TimeoutError(
                f"{self.mapping.function_arn} has not processed all of {self.shard_id} of "
                f"{self.mapping.stream_name}: it stands at {self.checkpoint or 'the start'}, with "
                f"{len(self._buffer)} records read ahead"
            )

    def _run(self) -> None:
        try:
            while not (self._stopping or self.finished):
                self._step_safely()
        except StoppedError:
            _log.debug("%s was stopped while a batch waited for its next try", self.shard_id)
        finally:
            if self.finished:  # before a drain hears of it, for it goes on with the children
                self._tell_finished()
            with self._condition:
                self._drain_done = self._drain_asked
                self._condition.notify_all()

    def _step_safely(self) -> None:
        """One step; a fault of the embedded AWS is logged and tried again, a gone stream ends it."""
        try:
            self._step()
        except (ClientError, BotoCoreError) as error:
            if _is_gone(error):
                _log.info("%s of %s is gone", self.shard_id, self.mapping.stream_name)
                self.ask_to_stop()
                return
            _log.warning("%s of %s: %s", self.shard_id, self.mapping.stream_name, error)
            self._pause(1.0)

    def _step(self) -> None:
        """Read if a batch is not full, then invoke the function or wait for more."""
        with self._condition:
            ticket, self._nudged = self._drain_asked, False
        at_end = False
        read_at = time.monotonic()
        if len(self._buffer) < self.mapping.batch_size:
            records = self._reader.read()
            at_end = not records
            if records and not self._buffer:
                self._window_end = read_at + self.mapping.window
            self._buffer.extend(records)
        if self._is_batch_ready():
            self._runner.run(self._next_batch(), self._advance)
            self._window_end = time.monotonic() + self.mapping.window
        elif at_end and not self.finished:
            self._rest(ticket, read_at)

    def _is_batch_ready(self) -> bool:
        if not self._buffer:
            return False
        return (
            len(self._buffer) >= self.mapping.batch_size
            or time.monotonic() >= self._window_end
            or self._is_draining()
            or self._reader.ended
        )

    def _is_draining(self) -> bool:
        return self._drain_done < self._drain_asked

    def _next_batch(self) -> list[Record]:
        """Records from the front of the buffer, as many as the settings and one event allow."""
        batch: list[Record] = []
        size = 0
        for record in islice(self._buffer, self.mapping.batch_size):
            size += len(record.data) * 4 // 3 + _RECORD_FRAME_BYTES
            if batch and size > MAX_EVENT_BYTES:
                break
            batch.append(record)
        return batch

    def _advance(self, count: int) -> None:
        """Records from the front are done with: move the checkpoint behind them."""
        with self._condition:
            for _ in range(count):
                record = self._buffer.popleft()
            self.checkpoint = record.sequence_number
            self.processed += count
            if record.arrived_at > self._drain_since:  # what was there at the request came before
                self._drain_done = self._drain_asked
                self._condition.notify_all()

    def _rest(self, ticket: int, read_at: float) -> None:
        """At the end of the shard: wait for news, for the batching window, or for the next poll."""
        with self._condition:
            if not self._buffer:
                self._drain_done = max(self._drain_done, ticket)
                self._condition.notify_all()
            until = self._window_end if self._buffer else read_at + POLL_S
            self._condition.wait_for(self._has_news, max(0.0, until - time.monotonic()))
            soonest = read_at + READ_INTERVAL_S - time.monotonic()
            self._condition.wait_for(self._is_urgent, max(0.0, soonest))

    def _has_news(self) -> bool:
        return self._nudged or self._is_urgent()

    def _is_urgent(self) -> bool:
        return self._stopping or self._is_draining()

    def _pause(self, seconds: float) -> bool:
        """Wait; returns True when the worker was asked to stop meanwhile."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, seconds)
            return self._stopping


def _is_gone(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    return error.response["Error"]["Code"] == "ResourceNotFoundException"
