"""The functions' traces in X-Ray: what was called and how long it took, never what it was about.

Answers and errors can name a listener or quote what somebody sent, so neither leaves the function
with a trace. AWS's X-Ray SDK would do most of this, but what it imports is a tenth of the time that a
function takes to start; what Lambda's daemon is told is a few fields of JSON (X-Ray Developer Guide,
"X-Ray segment documents").
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Document = dict[str, Any]

HEADER: Final = '{"format":"json","version":1}\n'
DAEMON: Final = "127.0.0.1:2000"
"""Where the daemon listens unless Lambda says otherwise."""

FRAMES: Final = 10
"""The innermost frames of a failure's stack."""

RESOURCES: Final = {"Bucket": "bucket_name", "QueueUrl": "queue_url", "TableName": "table_name"}
"""What of a call's parameters is told: which of our own resources it was about."""


class Invocation:
    """The trace of the invocation in progress.

    Args:
        trace_id: X-Ray's id of the whole trace.
        parent_id: id of Lambda's own segment for this function.
        daemon: host and port of the daemon, UDP.
    """

    def __init__(self, trace_id: str, parent_id: str, daemon: str) -> None:
        self._trace_id = trace_id
        self._parent_id = parent_id
        host, _, port = daemon.rpartition(":")
        self._address = (host, int(port))
        self.id = secrets.token_hex(8)

    @contextlib.contextmanager
    def handler(self, name: str, annotations: Mapping[str, Any]) -> Iterator[None]:
        """Record a call of the handler."""
        document: Document = {"namespace": "local", "annotations": dict(annotations)}
        with self._recorded(f"## {name}", document, self.id, self._parent_id):
            yield

    @contextlib.contextmanager
    def aws(self, service: str, document: Document) -> Iterator[None]:
        """Record a call of AWS; `document` may learn more until it ends."""
        with self._recorded(service, document, secrets.token_hex(8), self.id):
            yield

    @contextlib.contextmanager
    def _recorded(self, name: str, document: Document, own: str, parent: str) -> Iterator[None]:
        document |= {"id": own, "name": name, "parent_id": parent, "start_time": time.time()}
        try:
            yield
        except Exception as error:
            document |= failure(error)
            raise
        finally:
            document |= {
                "end_time": time.time(),
                "trace_id": self._trace_id,
                "type": "subsegment",
            }
            self._send(document)

    def _send(self, document: Document) -> None:
        told = (HEADER + json.dumps(document)).encode()
        # A trace is worth less than the answer that it is about.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon,
        ):
            daemon.setblocking(False)
            daemon.sendto(told, self._address)


def failure(error: Exception) -> Document:
    """An exception by its kind and where it came from, without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    stack = [
        {"path": Path(frame.filename).name, "line": frame.lineno, "label": frame.name}
        for frame in reversed(frames)
    ]
    described = {
        "id": secrets.token_hex(8),
        "type": type(error).__name__,
        "remote": isinstance(error, ClientError),
        "stack": stack,
    }
    cause = {"working_directory": str(Path.cwd()), "exceptions": [described]}
    return {"fault": True, "cause": cause}


_current: Invocation | None = None
_warm = False


def traced(handler: Handler) -> Handler:
    """Record each call of a handler, and of AWS by it, as part of the invocation's trace.

    The record says whether the environment was new. Where Lambda does not sample the invocation
    nothing is sent; outside Lambda nothing is recorded.
    """
    _watch_botocore()

    @functools.wraps(handler)
    def recorded(event: dict[str, Any], context: Any) -> dict[str, Any]:
        global _current, _warm  # noqa: PLW0603 # an environment runs one invocation at a time
        annotations = {"ColdStart": not _warm, "Service": os.environ.get("POWERTOOLS_SERVICE_NAME")}
        _warm = True
        _current = invocation = _sampled(os.environ)
        if invocation is None:
            return handler(event, context)
        try:
            with invocation.handler(handler.__name__, annotations):
                return handler(event, context)
        finally:
            _current = None

    return recorded


def _sampled(environ: Mapping[str, str]) -> Invocation | None:
    """The invocation's trace, if Lambda keeps one."""
    if not environ.get("LAMBDA_TASK_ROOT") or environ.get("POWERTOOLS_TRACE_DISABLED"):
        return None
    parts = environ.get("_X_AMZN_TRACE_ID", "").split(";")
    header = dict(part.partition("=")[::2] for part in parts)
    if header.get("Sampled") != "1" or not {"Root", "Parent"} <= header.keys():
        return None
    daemon = environ.get("AWS_XRAY_DAEMON_ADDRESS", DAEMON)
    return Invocation(header["Root"], header["Parent"], daemon)


@functools.cache
def _watch_botocore() -> None:
    """From now on every client of this process tells of its calls."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined] # noqa: SLF001 # the one way to all clients, which X-Ray's SDK takes as well

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        invocation = _current
        if invocation is None:
            return original(client, operation, parameters)
        document = _described(client, operation, parameters)
        with invocation.aws(client.meta.service_model.endpoint_prefix, document):
            try:
                answer = original(client, operation, parameters)
            except ClientError as error:
                _learn(document, error.response)
                raise
            _learn(document, answer)
            return answer

    BaseClient._make_api_call = call  # type: ignore[attr-defined] # noqa: SLF001 # as above


def _described(client: Any, operation: str, parameters: Mapping[str, Any]) -> Document:
    told = {RESOURCES[name]: parameters[name] for name in RESOURCES.keys() & parameters.keys()}
    about = {"operation": operation, "region": client.meta.region_name, **told}
    return {"namespace": "aws", "aws": about}


def _learn(document: Document, answer: Mapping[str, Any]) -> None:
    """What AWS's answer says of the call."""
    about = answer.get("ResponseMetadata", {})
    status = about.get("HTTPStatusCode")
    document["aws"]["request_id"] = about.get("RequestId")
    document["http"] = {"response": {"status": status}}
    if status is not None and 400 <= status < 500:
        document |= {"error": True, "throttle": status == 429}
