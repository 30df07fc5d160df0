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


class FunctionRoleError(FunctionNotRunnableError):
    """Lambda cannot take the function's role."""


class InvocationForbiddenError(FunctionNotRunnableError):
    """The function's own policy lets the caller not invoke it."""


class FunctionCodeError(FunctionNotRunnableError):
    """The stored code of a function is not a zip archive."""


ActAs = Callable[[str], "Aws"]
"""The embedded AWS as a service sees it that has taken a role, named by its ARN.

Raises `RoleNotAssumableError` (of `musicrec.local.iam.sessions`).
"""

Permit = Callable[[str, str], None]
"""Checks that a function, named by ARN, may be invoked for a resource, named by ARN.

Raises `InvocationForbiddenError`.
"""


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


class Credentials(Struct, frozen=True):
    """What requests are signed with.

    Attributes:
        access_key: names the signer.
        secret_key: makes the signature, which the embedded AWS does not check.
        token: of a session; None for keys that last.
    """

    access_key: str = ACCESS_KEY
    secret_key: str = ACCESS_KEY
    token: str | None = None


class _Sessions:
    """The boto3 session that makes all clients; making one takes a tenth of a second."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._made: Any = None

    def get(self) -> Any:
        """The session, for a holder of the lock."""
        self._made = self._made or _session_without_environment()
        return self._made


class _Clients:
    """The boto3 clients of one `Aws`; clients are safe to share between threads, making one is not."""

    def __init__(self, sessions: _Sessions | None = None) -> None:
        self.sessions = sessions or _Sessions()
        self._made: dict[str, Any] = {}

    def get(self, service: str, aws: Aws) -> Any:
        """The client of a service, for the `Aws` that these clients belong to."""
        with self.sessions.lock:
            if service not in self._made:
                self._made[service] = self.sessions.get().client(
                    service,
                    endpoint_url=aws.endpoint_url,
                    region_name=aws.region,
                    aws_access_key_id=aws.credentials.access_key,
                    aws_secret_access_key=aws.credentials.secret_key,
                    aws_session_token=aws.credentials.token,
                    config=_CLIENT_CONFIG,
                )
            return self._made[service]

    def close(self) -> None:
        """Close every client."""
        with self.sessions.lock:
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
        credentials: that clients sign with; those of nobody in particular may do everything.
    """

    endpoint_url: str
    region: str = REGION
    account_id: str = ACCOUNT_ID
    credentials: Credentials = field(default=Credentials(), repr=False)
    _clients: _Clients = field(default_factory=_Clients, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once and shared by all threads.

        The environment and ~/.aws play no part: credentials are dummies and the endpoint is
        `endpoint_url`, so that a part can never reach a real account.
        """
        return self._clients.get(service, self)

    def signed_by(self, credentials: Credentials) -> Aws:
        """The same embedded AWS for another signer; close it apart from this one."""
        return Aws(
            self.endpoint_url,
            self.region,
            self.account_id,
            credentials,
            _Clients(self._clients.sessions),
        )

    def close(self) -> None:
        """Close the pooled connections of every client; a later `client` makes new ones."""
        self._clients.close()
