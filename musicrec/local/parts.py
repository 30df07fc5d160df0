"""What the parts of the embedded AWS share: how they reach it, and what the server asks of them.

Every part talks to the embedded AWS through `Aws`, over HTTP and by AWS's own protocols, so a part
cannot tell who made the resources that it brings to life.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.utils import parse_timestamp
from msgspec import Struct

REGION: Final = "us-east-1"
"""The one region of the embedded AWS."""

ACCOUNT_ID: Final = "123456789012"
"""The one account of the embedded AWS."""

ACCESS_KEY: Final = "test"
"""Access key and secret key: the embedded AWS takes any, and these cannot be real ones."""

_CLIENT_CONFIG: Final = Config(
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
    connect_timeout=5,
    read_timeout=900,  # a synchronous invocation lasts as long as the function, 15 minutes at most
    proxies={},  # the endpoint is on the loopback device whatever the shell's proxy variables say
)

_UNSET_FILES: Final = frozenset({"config_file", "credentials_file"})


class InvokeResult(Struct, frozen=True):
    """What one invocation of a function came to.

    Attributes:
        payload: the function's JSON answer, or the JSON error document when it failed.
        error: `Handled` or `Unhandled` as in `X-Amz-Function-Error`; None for success.
    """

    payload: bytes
    error: str | None = None


Invoke = Callable[[str, bytes], InvokeResult]
"""Runs a function, named by name or ARN, on a JSON event and waits for its answer.

Raises `FunctionNotRunnableError` when there was nothing to run.
"""


class FunctionNotRunnableError(RuntimeError):
    """A function could not be run at all, so nothing can be said of what it would have answered."""


class FunctionNotFoundError(FunctionNotRunnableError):
    """No function of that name is stored in the embedded AWS."""


class FunctionThrottledError(FunctionNotRunnableError):
    """The function may not run: its reserved concurrency is zero."""


class FunctionCodeError(FunctionNotRunnableError):
    """The stored code of a function is not a zip archive."""


class Animator(Protocol):
    """Brings to life what moto only stores."""

    def start(self) -> None:
        """Begin the work in threads of the animator's own."""

    def stop(self) -> None:
        """End every thread and process that `start` began; return when they have ended."""

    def drain(self, deadline: float) -> None:
        """Return when everything accepted before the call has been processed.

        Args:
            deadline: `time.monotonic()` seconds.

        Raises:
            TimeoutError: the deadline passed first; the message says what was still waiting.
        """


class _Clients:
    """The boto3 clients of one `Aws`; clients are safe to share between threads, making one is not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Any = None
        self._made: dict[str, Any] = {}

    def get(self, service: str, *, endpoint_url: str, region: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._session = self._session or _session_without_environment()
                self._made[service] = self._session.client(
                    service,
                    endpoint_url=endpoint_url,
                    region_name=region,
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=ACCESS_KEY,
                    config=_CLIENT_CONFIG,
                )
            return self._made[service]

    def close(self) -> None:
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()


def _session_without_environment() -> Any:
    """A session that neither environment variables nor files under ~/.aws can change."""
    variables = {
        name: (None, None, None if name in _UNSET_FILES else default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = botocore.session.Session(session_vars=variables)
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    return boto3.Session(botocore_session=session)


def _timestamp(value: Any) -> datetime:
    """A timestamp of an answer; botocore's way to the local time zone costs most of GetRecords."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_timestamp(value)


@dataclass(frozen=True)
class Aws:
    """How a part reaches the embedded AWS.

    Attributes:
        endpoint_url: base of every service, e.g. `http://127.0.0.1:4566`.
        region: the region that clients sign for.
        account_id: the account that owns everything.
    """

    endpoint_url: str
    region: str = REGION
    account_id: str = ACCOUNT_ID
    _clients: _Clients = field(default_factory=_Clients, init=False, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once and shared by all threads.

        The environment and ~/.aws play no part: credentials are dummies and the endpoint is
        `endpoint_url`, so that a part can never reach a real account.
        """
        return self._clients.get(service, endpoint_url=self.endpoint_url, region=self.region)

    def close(self) -> None:
        """Close the pooled connections of every client; a later `client` makes new ones."""
        self._clients.close()
