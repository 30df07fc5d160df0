"""Work groups: where results go, who decides it, and how much one query may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from musicrec.local.athena.errors import InvalidRequestError, NotEmulatedError
from musicrec.local.athena.executions import ENGINE_VERSION

PRIMARY: Final = "primary"
"""The work group of requests that name none; it is always there."""

_NOT_EMULATED: Final = (
    "AdditionalConfiguration",
    "ExecutionRole",
    "IdentityCenterConfiguration",
    "ManagedQueryResultsConfiguration",
    "MonitoringConfiguration",
    "QueryResultsS3AccessGrantsConfiguration",
)


@dataclass
class WorkGroup:
    """One work group.

    Attributes:
        name: of it.
        configuration: as requests give it.
        created: epoch seconds.
        description: in words.
        state: ENABLED or DISABLED.
        tags: by key.
    """

    name: str
    configuration: dict[str, Any]
    created: float
    description: str = ""
    state: str = "ENABLED"
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def enforced(self) -> bool:
        """Whether its settings win over the client's."""
        return bool(self.configuration["EnforceWorkGroupConfiguration"])

    @property
    def cutoff(self) -> int | None:
        """Bytes that one query may read; None for no limit."""
        limit: int | None = self.configuration.get("BytesScannedCutoffPerQuery")
        return limit

    def location(self, asked: str | None) -> str:
        """Where a query's results go.

        Args:
            asked: what the client asks for.

        Raises:
            InvalidRequestError: neither the client nor the work group says.
        """
        own: str | None = self.configuration.get("ResultConfiguration", {}).get("OutputLocation")
        chosen = (own or asked) if self.enforced else (asked or own)
        if not chosen:
            raise InvalidRequestError(
                "No output location provided. An output location is required either through the "
                "Workgroup result configuration setting or as an API input."
            )
        if not chosen.startswith("s3://"):
            raise InvalidRequestError(f"outputLocation is not a valid S3 path: {chosen}")
        return chosen

    def summary(self) -> dict[str, Any]:
        """As `ListWorkGroups` shows it."""
        return {
            "Name": self.name,
            "State": self.state,
            "Description": self.description,
            "CreationTime": self.created,
            "EngineVersion": ENGINE_VERSION,
        }

    def view(self) -> dict[str, Any]:
        """As `GetWorkGroup` shows it."""
        return {**self.summary(), "Configuration": self.configuration}


class WorkGroups:
    """The work groups of the account.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_name: dict[str, WorkGroup] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all but a fresh primary one."""
        settings = _configuration({"EnforceWorkGroupConfiguration": False})
        primary = WorkGroup(PRIMARY, settings, self._clock())
        with self._lock:
            self._by_name = {PRIMARY: primary}

    def get(self, name: str) -> WorkGroup:
        """A work group.

        Raises:
            InvalidRequestError: there is none of that name.
        """
        with self._lock:
            found = self._by_name.get(name)
        if found is None:
            raise InvalidRequestError(f"WorkGroup {name} is not found.")
        return found

    def all(self) -> list[WorkGroup]:
        """All of them, by name."""
        with self._lock:
            return sorted(self._by_name.values(), key=lambda group: group.name)

    def create(self, request: dict[str, Any]) -> None:
        """Make one.

        Raises:
            InvalidRequestError: the name is taken, or a setting is not emulated.
        """
        name = request["Name"]
        given = request.get("Configuration", {})
        _refuse(given)
        made = WorkGroup(name, _configuration(given), self._clock(), request.get("Description", ""))
        made.tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", ())}
        with self._lock:
            if name in self._by_name:
                raise InvalidRequestError(f"WorkGroup {name} is already created")
            self._by_name[name] = made

    def update(self, request: dict[str, Any]) -> None:
        """Change one.

        Raises:
            InvalidRequestError: there is none of that name, or a setting is not emulated.
        """
        group = self.get(request["WorkGroup"])
        updates = dict(request.get("ConfigurationUpdates", {}))
        _refuse(updates)
        changed = {**group.configuration, **updates}
        result = changed.pop("ResultConfigurationUpdates", {})
        changed["ResultConfiguration"] = _updated(changed.get("ResultConfiguration", {}), result)
        if changed.pop("RemoveBytesScannedCutoffPerQuery", False):
            changed.pop("BytesScannedCutoffPerQuery", None)
        group.configuration = changed
        group.description = request.get("Description", group.description)
        group.state = request.get("State", group.state)

    def delete(self, name: str, *, occupied: bool) -> None:
        """Remove one.

        Args:
            name: of it.
            occupied: whether it holds executions that the caller did not agree to lose.

        Raises:
            InvalidRequestError: there is none of that name, or it may not go.
        """
        self.get(name)
        if name == PRIMARY:
            raise InvalidRequestError("Primary workgroup cannot be deleted")
        if occupied:
            raise InvalidRequestError(f"WorkGroup {name} is not empty")
        with self._lock:
            self._by_name.pop(name, None)


def _refuse(configuration: dict[str, Any]) -> None:
    for name in _NOT_EMULATED:
        if configuration.get(name):
            raise NotEmulatedError(f"the work group setting {name}")


def _configuration(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EngineVersion": ENGINE_VERSION,
        "ResultConfiguration": {},
        **given,
    }


def _updated(result: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """A result configuration with `X` set by `X` and taken away by `RemoveX`."""
    changed = dict(result)
    for name, value in updates.items():
        if not name.startswith("Remove"):
            changed[name] = value
        elif value:
            changed.pop(name.removeprefix("Remove"), None)
    return changed
