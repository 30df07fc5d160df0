"""Event source mappings, brought to life: records of a Kinesis stream invoke the mapped function."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local import mappings
from musicrec.local.batches import Discarded, failure_document
from musicrec.local.shard_worker import ShardWorker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from musicrec.local.mappings import Mapping
    from musicrec.local.parts import Aws, Invoke
    from musicrec.local.router import Exchange

_PUTS: Final = frozenset({"PutRecord", "PutRecords"})
_RESHAPING: Final = frozenset({"CreateStream", "MergeShards", "SplitShard", "UpdateShardCount"})

_log = logging.getLogger(__name__)


class _StreamRequest(Struct):
    StreamName: str | None = None
    StreamARN: str | None = None


class _PutEntry(Struct):
    ShardId: str | None = None


class _PutResponse(Struct):
    ShardId: str | None = None
    Records: list[_PutEntry] = []


class EventSourceMappings:
    """One worker for each shard of each Kinesis mapping that is stored and enabled.

    Checkpoints live as long as their mapping: one that is disabled, changed and enabled again goes
    on where it was.

    Args:
        aws: the embedded AWS, where mappings, shards and records are read.
        invoke: runs a function.
    """

    def __init__(self, *, aws: Aws, invoke: Invoke) -> None:
        self._aws = aws
        self._invoke = invoke
        self._refreshing = threading.Lock()
        self._lock = threading.Lock()
        self._workers: dict[tuple[str, str], ShardWorker] = {}
        self._checkpoints: dict[tuple[str, str], str | None] = {}
        self._processed: dict[str, int] = {}
        self._warned: set[str] = set()

    def start(self) -> None:
        """Begin to work on the mappings that are stored."""
        self.refresh()

    def stop(self) -> None:
        """End every worker after its invocation in progress."""
        with self._refreshing:
            self._end(list(self._workers))

    def reset(self) -> None:
        """Forget every mapping and its checkpoints."""
        with self._refreshing:
            self._end(list(self._workers))
            self._checkpoints.clear()
            self._processed.clear()

    def refresh(self) -> None:
        """Read the mappings anew: begin the new, end the deleted, restart the changed ones."""
        with self._refreshing:
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
            self._forget({key for key in self._checkpoints if key[0] not in ids})
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
        elif operation in _RESHAPING or _is_mapping_change(exchange):
            self.refresh()

    def drain(self, deadline: float) -> None:
        """Return when every mapping has processed what its stream held at the call.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        with self._lock:
            workers = list(self._workers.values())
        tickets = [worker.ask_to_drain() for worker in workers]
        for worker, ticket in zip(workers, tickets, strict=True):
            worker.await_drained(ticket, deadline)

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
        """Every shard of every mapping that can run, with the mapping."""
        for entry in entries:
            self._warn(entry)
            try:
                shards = self._aws.client("kinesis").list_shards(StreamARN=entry["EventSourceArn"])
                mapping = mappings.from_api(entry, self._role_of(entry["FunctionArn"]))
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                _log.warning("mapping %s does not run: %s", entry["UUID"], error)
                continue
            for shard in shards["Shards"]:
                yield (mapping.uuid, shard["ShardId"]), mapping

    def _role_of(self, function_arn: str) -> str:
        api = self._aws.client("lambda")
        return str(api.get_function_configuration(FunctionName=function_arn)["Role"])

    def _warn(self, entry: dict[str, Any]) -> None:
        names = mappings.unsupported(entry)
        if names and entry["UUID"] not in self._warned:
            self._warned.add(entry["UUID"])
            _log.warning("mapping %s: %s has no effect here", entry["UUID"], ", ".join(names))

    def _begin(self, key: tuple[str, str], mapping: Mapping) -> None:
        worker = ShardWorker(
            mapping=mapping,
            shard_id=key[1],
            kinesis=self._aws.client("kinesis"),
            invoke=self._invoke,
            discard=partial(self._tell_destination, mapping, key[1]),
            checkpoint=self._checkpoints.get(key),
        )
        worker.start()
        with self._lock:
            self._workers[key] = worker

    def _end(self, keys: list[tuple[str, str]]) -> None:
        with self._lock:
            ending = {key: self._workers.pop(key) for key in keys}
        for worker in ending.values():
            worker.ask_to_stop()
        for key, worker in ending.items():
            worker.join()
            self._checkpoints[key] = worker.checkpoint
            name = _function_name(worker.mapping)
            with self._lock:
                self._processed[name] = self._processed.get(name, 0) + worker.processed

    def _forget(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            del self._checkpoints[key]

    def _forget_stream(self, exchange: Exchange) -> None:
        """A stream was deleted: one that is made under its name later begins anew."""
        stream = _stream_of(exchange.body)
        with self._refreshing:
            gone = [
                key for key, worker in self._workers.items() if worker.mapping.stream_name == stream
            ]
            self._end(gone)
            self._forget(gone)

    def _nudge(self, exchange: Exchange) -> None:
        """Wake the workers of the shards that took the records."""
        stream = _stream_of(exchange.body)
        response = msgspec.json.decode(exchange.response, type=_PutResponse)
        shards = {entry.ShardId for entry in response.Records} | {response.ShardId}
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            if worker.mapping.stream_name == stream and worker.shard_id in shards:
                worker.nudge()

    def _tell_destination(self, mapping: Mapping, shard_id: str, discarded: Discarded) -> None:
        """Send the failure document to the mapping's queue; without a queue nobody is told."""
        if mapping.on_failure is None:
            return
        sqs = self._aws.client("sqs")
        try:
            url = sqs.get_queue_url(QueueName=mapping.on_failure.rpartition(":")[2])["QueueUrl"]
            document = failure_document(mapping, shard_id, discarded).decode()
            sqs.send_message(QueueUrl=url, MessageBody=document)
        except ClientError as error:
            _log.warning("on-failure destination %s: %s", mapping.on_failure, error)


def _stream_of(request: bytes) -> str:
    """The stream that a Kinesis request names, by name or ARN."""
    names = msgspec.json.decode(request, type=_StreamRequest)
    return names.StreamName or (names.StreamARN or "").rpartition("/")[2]


def _is_mapping_change(exchange: Exchange) -> bool:
    return exchange.method != "GET" and "/event-source-mappings" in exchange.path


def _function_name(mapping: Mapping) -> str:
    return mapping.function_arn.split(":")[6]
