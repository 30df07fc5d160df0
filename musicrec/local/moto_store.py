"""moto's server application, behind the one lock that makes it safe under concurrent writers.

Without the lock eight writing threads lose records and DynamoDB updates; with it none were lost.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from moto.awslambda.models import lambda_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.kinesis.models import kinesis_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from musicrec.local import bucket_policies, foreign_layers, managed_policies, quick_queues

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


_COMPLETIONS: Final = (bucket_policies, foreign_layers, managed_policies, quick_queues)

_one_at_a_time = threading.Lock()


class AlreadyOpenError(RuntimeError):
    """moto keeps its state in this process's globals, and somebody else uses them."""


class MotoStore:
    """What the embedded AWS stores; a WSGI application, and the few reads that have no API."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; the whole answer is made while the lock is held."""
        environ["RAW_URI"] = environ.get("REQUEST_URI", "")  # where moto looks for escaped slashes
        with self._lock:
            answer = self._app(environ, start_response)
            try:
                return list(answer)
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()

    def open(self) -> None:
        """Start empty, and make moto do what it leaves out (see the modules of `_COMPLETIONS`).

        Raises:
            AlreadyOpenError: another store of this process is open.
        """
        if not _one_at_a_time.acquire(blocking=False):
            raise AlreadyOpenError(
                "an embedded AWS runs in this process already, and moto has one state for all: "
                "stop that one first, or use it"
            )
        _forget_everything()
        for module in _COMPLETIONS:
            module.install()

    def close(self) -> None:
        """Undo `open`, and forget everything that was stored."""
        for module in _COMPLETIONS:
            module.uninstall()
        _forget_everything()
        _one_at_a_time.release()

    def note_stream(self, account_id: str, region: str, name: str, exists: bool) -> None:  # noqa: FBT001 - see `kinesis.region.Announce`
        """Let moto know of a Kinesis stream that is kept elsewhere.

        moto's Lambda takes no event source mapping of a stream that moto's Kinesis has not.

        Args:
            account_id: owner of the stream.
            region: where it is.
            name: its name.
            exists: whether it has come, or gone.
        """
        with self._lock:
            backend = kinesis_backends[account_id][region]
            if not exists:
                backend.streams.pop(name, None)
            elif name not in backend.streams:  # CloudFormation makes streams in moto
                backend.create_stream(name, shard_count=1)

    def function_code(self, account_id: str, region: str, name: str, qualifier: str) -> bytes:
        """The zip archive of a stored function; moto offers no download of it.

        Args:
            account_id: owner of the function.
            region: where the function is.
            name: the function's name.
            qualifier: version or alias; empty for the latest code.
        """
        with self._lock:
            function = lambda_backends[account_id][region].get_function(name, qualifier or None)
            return bytes(function.code_bytes)


def _forget_everything() -> None:
    BackendDict.reset()
    reset_model_data()
