"""The way in: one WSGI application for Kinesis Data Streams, in its AWS JSON 1.1 protocol."""

from __future__ import annotations

import logging
import re
import time
import uuid
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.session import Session

from musicrec.local.kinesis import records, settings, shards, streams
from musicrec.local.kinesis.errors import (
    InternalFailureError,
    KinesisError,
    MalformedRequestError,
    UnknownOperationError,
)
from musicrec.local.kinesis.region import Announce, Call, Region
from musicrec.local.kinesis.validation import check
from musicrec.local.wsgi import respond

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from botocore.model import ServiceModel, StructureShape

DEDICATED: Final = "X-Musicrec-Dedicated-Throughput"
"""Header of a read that uses up none of the reads that a shard gives to all (see `dedicated`)."""

CONTENT_TYPE: Final = "application/x-amz-json-1.1"

_log = logging.getLogger(__name__)

_CREDENTIAL: Final = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/")
_DEDICATED_KEY: Final = "HTTP_" + DEDICATED.upper().replace("-", "_")

OPERATIONS: Final[dict[str, Callable[[Call], dict[str, Any] | None]]] = {
    "AddTagsToStream": settings.add_tags_to_stream,
    "CreateStream": streams.create_stream,
    "DecreaseStreamRetentionPeriod": streams.decrease_retention,
    "DeleteResourcePolicy": settings.delete_resource_policy,
    "DeleteStream": streams.delete_stream,
    "DeregisterStreamConsumer": settings.deregister_stream_consumer,
    "DescribeLimits": streams.describe_limits,
    "DescribeStream": shards.describe_stream,
    "DescribeStreamConsumer": settings.describe_stream_consumer,
    "DescribeStreamSummary": streams.describe_stream_summary,
    "DisableEnhancedMonitoring": settings.disable_enhanced_monitoring,
    "EnableEnhancedMonitoring": settings.enable_enhanced_monitoring,
    "GetRecords": records.get_records,
    "GetResourcePolicy": settings.get_resource_policy,
    "GetShardIterator": records.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": streams.increase_retention,
    "ListShards": shards.list_shards,
    "ListStreamConsumers": settings.list_stream_consumers,
    "ListStreams": streams.list_streams,
    "ListTagsForResource": settings.list_tags_for_resource,
    "ListTagsForStream": settings.list_tags_for_stream,
    "MergeShards": shards.merge_shards,
    "PutRecord": records.put_record,
    "PutRecords": records.put_records,
    "PutResourcePolicy": settings.put_resource_policy,
    "RegisterStreamConsumer": settings.register_stream_consumer,
    "RemoveTagsFromStream": settings.remove_tags_from_stream,
    "SplitShard": shards.split_shard,
    "StartStreamEncryption": settings.start_stream_encryption,
    "StopStreamEncryption": settings.stop_stream_encryption,
    "TagResource": settings.tag_resource,
    "UntagResource": settings.untag_resource,
    "UpdateMaxRecordSize": streams.update_max_record_size,
    "UpdateShardCount": shards.update_shard_count,
    "UpdateStreamMode": streams.update_stream_mode,
}


class KinesisApp:
    """Serves Kinesis Data Streams from memory.

    Args:
        account_id: who owns every stream.
        region: for requests that are not signed.
        clock: epoch seconds, for arrivals, retention, limits and the life of iterators.
        transition_s: how long a stream is CREATING, UPDATING or DELETING.
        announce: told about streams that come and go, by region and name.
    """

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        clock: Callable[[], float] = time.time,
        transition_s: float = 0.0,
        announce: Announce = lambda *_: None,
    ) -> None:
        self._account_id = account_id
        self._default_region = region
        self._clock = clock
        self._transition_ms = int(transition_s * 1000)
        self._announce = announce
        self._lock = Lock()
        self._regions: dict[str, Region] = {}

    def reset(self) -> None:
        """Forget every stream."""
        with self._lock:
            self._regions = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, result = 200, None
        error: KinesisError | None = None
        try:
            result = self._answer(environ)
        except KinesisError as refused:
            status, error = 400, refused
        except Exception:  # noqa: BLE001 - a client must hear of a defect too
            _log.exception("%s broke", environ.get("HTTP_X_AMZ_TARGET"))
            status, error = 500, InternalFailureError()
        headers = [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", str(uuid.uuid4()))]
        if error is not None:
            result = {"__type": error.code, "message": error.message}
            headers.append(("x-amzn-ErrorType", error.code))
        body = b"" if result is None else msgspec.json.encode(result)
        return respond(start_response, status, body, headers)

    def _answer(self, environ: WSGIEnvironment) -> dict[str, Any] | None:
        name, shape = _operation(environ.get("HTTP_X_AMZ_TARGET", ""))
        params = check(shape, _body(environ))
        scope = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        with self._lock:
            call = Call(
                region=self._region(scope[1] if scope else self._default_region),
                params=params,
                now=self._clock(),
                dedicated=_DEDICATED_KEY in environ,
            )
            result = OPERATIONS[name](call)
        return None if result is None else _without_none(result)

    def _region(self, name: str) -> Region:
        if name not in self._regions:
            self._regions[name] = Region(
                name,
                self._account_id,
                transition_ms=self._transition_ms,
                announce=self._announce,
            )
        return self._regions[name]


@cache
def _model() -> ServiceModel:
    return Session().get_service_model("kinesis")


@cache
def _operation(target: str) -> tuple[str, StructureShape]:
    """The name and input shape of the operation that an `X-Amz-Target` header names.

    Raises:
        UnknownOperationError: there is none, or it is not emulated.
    """
    prefix, _, name = target.partition(".")
    if prefix != _model().metadata["targetPrefix"] or name not in OPERATIONS:
        raise UnknownOperationError(f"the embedded Kinesis has no operation {target!r}")
    shape = _model().operation_model(name).input_shape
    assert shape  # every operation of OPERATIONS has one
    return name, shape


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise MalformedRequestError(f"The request body is not a JSON object: {error}") from error


def _without_none(value: Any) -> Any:
    """An answer without the members that have no value."""
    if isinstance(value, dict):
        return {key: _without_none(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_none(part) for part in value]
    return value
