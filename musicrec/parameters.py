"""SSM parameters read once in a while, so that no request waits for the control plane."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
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
        return self._current((name,), self._read_one)[name]

    def get_all(self, names: Sequence[str]) -> dict[str, str | None]:
        """The values of up to 10 parameters; what is not fresh of them is read in one call.

        Once the first of them has a value, absence of the others is kept as long as values are: they
        are settings beside it that may never come.

        While SSM cannot be reached older values serve on, and so does absence beside a value.

        Raises:
            ClientError: SSM refuses and one of them was never asked for, or none is there.
            BotoCoreError: SSM cannot be reached, likewise.
        """
        return self._current(names, self._read_several)

    def forget(self, name: str) -> None:
        """Read the value anew next time, e.g. when what it names turned out to be gone."""
        with self._lock:
            self._known.pop(name, None)

    def _current(
        self, names: Sequence[str], read: Callable[[list[str]], dict[str, str]]
    ) -> dict[str, str | None]:
        with self._lock:
            if old := [name for name in names if self._is_old(name)]:
                try:
                    values = {**dict.fromkeys(old), **_set(read(old))}
                except (BotoCoreError, ClientError):
                    if not self._serves_on(names):
                        raise
                    values = {name: self._known[name].value for name in old}
                self._keep(values, names[0])
            return {name: self._known[name].value for name in names}

    def _is_old(self, name: str) -> bool:
        known = self._known.get(name)
        return known is None or self._clock() >= known.until

    def _serves_on(self, names: Sequence[str]) -> bool:
        """Whether all of them were read before; to know nothing but absences is not enough."""
        known = [self._known.get(name) for name in names]
        return None not in known and any(one.value for one in known if one)

    def _keep(self, values: Mapping[str, str | None], first: str) -> None:
        has_first = (values[first] if first in values else self._known[first].value) is not None
        for name, value in values.items():
            ttl = PRESENT_TTL_S if has_first or value is not None else ABSENT_TTL_S
            self._known[name] = _Known(value, self._clock() + ttl)

    def _read_one(self, names: list[str]) -> dict[str, str]:
        (name,) = names
        try:
            return {name: self._ssm.get_parameter(Name=name)["Parameter"]["Value"]}
        except self._ssm.exceptions.ParameterNotFound:
            return {}

    def _read_several(self, names: list[str]) -> dict[str, str]:
        found = self._ssm.get_parameters(Names=names)["Parameters"]
        return {one["Name"]: one["Value"] for one in found}


def _set(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value != UNSET}
