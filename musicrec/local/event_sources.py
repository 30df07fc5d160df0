"""Event source mappings, brought to life: records of a Kinesis stream invoke the mapped function."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct, field

from musicrec.local import mappings
from musicrec.local.batches import Discarded, failure_document
from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.kinesis.lineage import Lineage, list_all
from musicrec.local.shard_worker import ShardWorker
from musicrec.local.succession import Succession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from musicrec.local.mappings import Mapping
    from musicrec.local.parts import ActAs, Aws, Invoke
    from musicrec.local.router import Exchange

_PUTS: Final = frozenset({"PutRecord", "PutRecords"})
_RESHAPING: Final = frozenset({"CreateStream", "MergeShards", "SplitShard", "UpdateShardCount"})

_NOT_TO_RUN: Final = frozenset({"AccessDeniedException", "ResourceNotFoundException"})

_log = logging.getLogger(__name__)


class _StreamRequest(Struct):
    StreamName: str | None = None
    StreamARN: str | None = None


class _PutEntry(Struct):
    ShardId: str | None = None


class _PutResponse(Struct):
    ShardId: str | None = None
    Records: list[_PutEntry] = []


class _Progress(Struct):
    """How far one mapping has come on its stream."""

    stream: str
    lineage: Lineage = field(default_factory=Lineage)
    checkpoints: dict[str, str | None] = field(default_factory=dict)


class EventSourceMappings:
    """One worker for each shard of each Kinesis mapping that is stored and enabled.

    Checkpoints live as long as their mapping: one that is disabled, changed and enabled again goes
    on where it was. The children of a split or merged shard wait until it was processed to its end,
    so that the records of a partition key keep their order.

    Args:
        aws: the embedded AWS, where mappings, shards and records are read.
        act_as: takes the roles of functions, with which their streams are read and their failures
            are told.
        invoke: runs a function.
        clock: the time in epoch seconds, which Kinesis goes by.
    """

    def __init__(
        self,
        *,
        aws: Aws,
        act_as: ActAs,
        invoke: Invoke,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._aws = aws
        self._act_as = act_as
        self._invoke = invoke
        self._clock = clock
        self._refreshing = threading.Lock()
        self._lock = threading.Lock()
        self._workers: dict[tuple[str, str], ShardWorker] = {}
        self._progress: dict[str, _Progress] = {}
        self._processed: dict[str, int] = {}
        self._warned: set[str] = set()
        self._succession = Succession(self.refresh)

    def start(self) -> None:
        """Begin to work on the mappings that are stored."""
        self._succession.start()
        self.refresh()

    def stop(self) -> None:
        """End every worker after its invocation in progress."""
        self._succession.stop()
        with self._refreshing:
            self._end(list(self._workers))

    def reset(self) -> None:
        """Forget every mapping and its checkpoints."""
        with self._refreshing:
            self._end(list(self._workers))
            self._progress.clear()
            self._processed.clear()

    def refresh(self) -> None:
        """Read the mappings anew: begin the new, end the deleted, restart the changed ones."""
        with self._refreshing:
            self._note_finished()
            stored = self._stored()
            ids = {entry["UUID"] for entry in stored}
            active = [entry for entry in stored if mappings.is_active(entry)]
            wanted = dict(self._shards(active))
            self._end(
                [
                    key
                    for key, worker in self._workers.items()
                    if wanted.get(key) != worker.mapping or not worker.alive
                ]
            )
            self._forget(self._progress.keys() - ids)
            for key in [key for key in wanted if key not in self._workers]:
                self._begin(key, wanted[key])

    def observe(self, exchange: Exchange) -> None:
        """Notice that records were put on a stream, or that streams or mappings have changed."""
        if exchange.status >= 300:
            return
        operation = exchange.target.rpartition(".")[2]
        if operation in _PUTS:
            self._nudge(exchange)
        elif operation == "DeleteStream":
            self._forget_stream(exchange)
        elif operation in _RESHAPING:
            self.refresh()
            self._nudge_stream(_stream_of(exchange.body))
        elif _is_mapping_change(exchange):
            self.refresh()

    def drain(self, deadline: float) -> None:
        """Return when every mapping has processed what its stream held at the call.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        drained: list[ShardWorker] | None = None
        while drained != (workers := self._settled_workers(deadline)):
            tickets = [worker.ask_to_drain() for worker in workers]
            for worker, ticket in zip(workers, tickets, strict=True):
                worker.await_drained(ticket, deadline)
            self._succession.wait(deadline)
            drained = workers

    def counts(self) -> dict[str, int]:
        """Records that are done with, by function name, since the start."""
        with self._lock:
            totals = dict(self._processed)
            for worker in self._workers.values():
                name = _function_name(worker.mapping)
                totals[name] = totals.get(name, 0) + worker.processed
        return totals

    def _stored(self) -> list[dict[str, Any]]:
        pages = self._aws.client("lambda").get_paginator("list_event_source_mappings").paginate()
        return [entry for page in pages for entry in page["EventSourceMappings"]]

    def _shards(
        self, entries: Iterable[dict[str, Any]]
    ) -> Iterator[tuple[tuple[str, str], Mapping]]:
        """Every shard that is to be read now for a mapping that can run, with the mapping."""
        for entry in entries:
            self._warn(entry)
            try:
                mapping = mappings.from_api(entry, self._role_of(entry["FunctionArn"]))
                kinesis = self._act_as(mapping.role_arn).client("kinesis")
                shards = list_all(kinesis, StreamARN=entry["EventSourceArn"])
            except (ClientError, RoleNotAssumableError) as error:
                if not _keeps_from_running(error):
                    raise
                _log.warning("mapping %s does not run: %s", entry["UUID"], error)
                continue
            progress = self._progress.setdefault(mapping.uuid, _Progress(mapping.stream_name))
            lineage = progress.lineage
            lineage.update(shards, skip_closed=mapping.starting_position == "LATEST")
            for shard_id in lineage.readable():
                yield (mapping.uuid, shard_id), mapping

    def _role_of(self, function_arn: str) -> str:
        api = self._aws.client("lambda")
        return str(api.get_function_configuration(FunctionName=function_arn)["Role"])

    def _warn(self, entry: dict[str, Any]) -> None:
        names = mappings.unsupported(entry)
        if names and entry["UUID"] not in self._warned:
            self._warned.add(entry["UUID"])
            _log.warning("mapping %s: %s has no effect here", entry["UUID"], ", ".join(names))

    def _begin(self, key: tuple[str, str], mapping: Mapping) -> None:
        progress = self._progress[mapping.uuid]
        worker = ShardWorker(
            mapping=mapping,
            shard_id=key[1],
            kinesis=self._act_as(mapping.role_arn).client("kinesis"),
            invoke=self._invoke,
            discard=partial(self._tell_destination, mapping, key[1]),
            finished=self._succession.ask,
            newcomer=progress.lineage.is_newcomer(key[1]),
            checkpoint=progress.checkpoints.get(key[1]),
            clock=self._clock,
        )
        worker.start()
        with self._lock:
            self._workers[key] = worker

    def _end(self, keys: list[tuple[str, str]]) -> None:
        with self._lock:
            ending = {key: self._workers.pop(key) for key in keys}
        for worker in ending.values():
            worker.ask_to_stop()
        for (uuid, shard_id), worker in ending.items():
            worker.join()
            self._progress[uuid].checkpoints[shard_id] = worker.checkpoint
            name = _function_name(worker.mapping)
            with self._lock:
                self._processed[name] = self._processed.get(name, 0) + worker.processed

    def _forget(self, uuids: Iterable[str]) -> None:
        """Let mappings begin anew, if they come back."""
        for uuid in list(uuids):
            del self._progress[uuid]

    def _forget_stream(self, exchange: Exchange) -> None:
        """A stream was deleted: one that is made under its name later begins anew."""
        stream = _stream_of(exchange.body)
        with self._refreshing:
            gone = [uuid for uuid, progress in self._progress.items() if progress.stream == stream]
            self._end([key for key in self._workers if key[0] in gone])
            self._forget(gone)

    def _note_finished(self) -> None:
        """Take out the workers of closed shards that were processed to their ends."""
        ended = [key for key, worker in self._workers.items() if worker.finished]
        self._end(ended)
        for uuid, shard_id in ended:
            self._progress[uuid].lineage.finish(shard_id)
            del self._progress[uuid].checkpoints[shard_id]

    def _settled_workers(self, deadline: float) -> list[ShardWorker]:
        """The workers while no shard passes from one to another.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        if not self._refreshing.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TimeoutError("event source mappings were being changed all the time")
        try:
            return self._current_workers()
        finally:
            self._refreshing.release()

    def _current_workers(self) -> list[ShardWorker]:
        with self._lock:
            return list(self._workers.values())

    def _nudge_stream(self, stream: str) -> None:
        """Wake every worker of a stream, so that it sees whether its shard was closed."""
        for worker in self._current_workers():
            if worker.mapping.stream_name == stream:
                worker.nudge()

    def _nudge(self, exchange: Exchange) -> None:
        """Wake the workers of the shards that took the records."""
        stream = _stream_of(exchange.body)
        response = msgspec.json.decode(exchange.response, type=_PutResponse)
        shards = {entry.ShardId for entry in response.Records} | {response.ShardId}
        for worker in self._current_workers():
            if worker.mapping.stream_name == stream and worker.shard_id in shards:
                worker.nudge()

    def _tell_destination(self, mapping: Mapping, shard_id: str, discarded: Discarded) -> None:
        """Send the failure document to the mapping's queue; without a queue nobody is told."""
        if mapping.on_failure is None:
            return
        queue, sqs = mapping.on_failure.rpartition(":")[2], self._aws.client("sqs")
        try:
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            document = failure_document(mapping, shard_id, discarded).decode()
            sender = self._act_as(mapping.role_arn).client("sqs")
            sender.send_message(QueueUrl=url, MessageBody=document)
        except (ClientError, RoleNotAssumableError) as error:
            _log.warning("on-failure destination %s: %s", mapping.on_failure, error)


def _keeps_from_running(error: ClientError | RoleNotAssumableError) -> bool:
    """Whether it is the fault of a mapping, whose stream or rights may come later."""
    if isinstance(error, RoleNotAssumableError):
        return True
    return error.response["Error"]["Code"] in _NOT_TO_RUN


def _stream_of(request: bytes) -> str:
    """The stream that a Kinesis request names, by name or ARN."""
    names = msgspec.json.decode(request, type=_StreamRequest)
    return names.StreamName or (names.StreamARN or "").rpartition("/")[2]


def _is_mapping_change(exchange: Exchange) -> bool:
    return exchange.method != "GET" and "/event-source-mappings" in exchange.path


def _function_name(mapping: Mapping) -> str:
    return mapping.function_arn.split(":")[6]
