"""SSM parameters read once in a while, so that no request waits for the control plane."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

UNSET: Final = "unset"
"""Value of a parameter that was deployed before what it is to name exists; SSM takes no empty one."""

PRESENT_TTL_S: Final = 60.0
"""How long a value is taken as read, seconds."""

ABSENT_TTL_S: Final = 2.0
"""How long absence is: short, since somebody may just be creating what the parameter names."""


class _Known(Struct, frozen=True):
    value: str | None
    until: float


class Parameters:
    """Parameters by name, None for one that does not exist or is not set yet.

    Args:
        ssm: client.
        clock: monotonic seconds.
    """

    def __init__(self, ssm: SSMClient, clock: Callable[[], float]) -> None:
        self._ssm, self._clock = ssm, clock
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """The value, at most `PRESENT_TTL_S` old; an older one while SSM cannot be reached.

        Raises:
            ClientError: SSM refuses and the value was never read.
            BotoCoreError: SSM cannot be reached and the value was never read.
        """
        with self._lock:
            known = self._known.get(name)
            if known is None or self._clock() >= known.until:
                known = self._known[name] = self._renewed(name, known)
            return known.value

    def forget(self, name: str) -> None:
        """Read the value anew next time, e.g. when what it names turned out to be gone."""
        with self._lock:
            self._known.pop(name, None)

    def _renewed(self, name: str, known: _Known | None) -> _Known:
        try:
            value = self._read(name)
        except (BotoCoreError, ClientError):
            if known is None or known.value is None:
                raise
            value = known.value
        ttl = ABSENT_TTL_S if value is None else PRESENT_TTL_S
        return _Known(value, self._clock() + ttl)

    def _read(self, name: str) -> str | None:
        try:
            value = self._ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except self._ssm.exceptions.ParameterNotFound:
            return None
        return None if value == UNSET else value
