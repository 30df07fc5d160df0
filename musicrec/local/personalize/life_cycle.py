"""How resources come and go: at once, or in AWS's steps under the server's clock, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, Self

import msgspec

DELETION: Final = "deletion"

DURATIONS: Final = {
    "dataset-group": 60.0,
    "dataset": 60.0,
    "dataset-import-job": 600.0,
    "dataset-export-job": 600.0,
    "data-deletion-job": 600.0,
    "event-tracker": 60.0,
    "filter": 60.0,
    "metric-attribution": 60.0,
    "solution": 60.0,
    "solution-version": 2700.0,
    "campaign": 510.0,
    "recommender": 2700.0,
    "batch-inference-job": 1200.0,
    "batch-segment-job": 480.0,
    "switching": 300.0,
    DELETION: 60.0,
}
"""Seconds until a resource is ACTIVE, or gone, when transitions are slow.

Imports, trainings, campaigns and batch jobs take what AWS's notebooks recorded; the rest is a guess.
"""

PENDING_SHARE: Final = 0.1
"""Of the duration, before anything seems to happen."""

TRANSITIONS_VARIABLE: Final = "MUSICREC_PERSONALIZE_TRANSITIONS"
SCHEMA_CHECKS_VARIABLE: Final = "MUSICREC_PERSONALIZE_SCHEMA_CHECKS"


@dataclass(frozen=True)
class Passage:
    """The time that one change takes.

    Attributes:
        clock: epoch seconds.
        begun: when the change began.
        duration: seconds.
    """

    clock: Callable[[], float]
    begun: float
    duration: float

    @property
    def ending(self) -> float:
        """When the change ends."""
        return self.begun + self.duration

    @property
    def over(self) -> bool:
        """Whether the time has passed."""
        return self.clock() >= self.ending

    def phase(self, pending: str, in_progress: str) -> str | None:
        """The first state, then the second, then None once the time has passed."""
        if self.over:
            return None
        waited = self.clock() - self.begun
        return pending if waited < self.duration * PENDING_SHARE else in_progress

    @property
    def reached(self) -> float:
        """When the phase of now began."""
        passed = self.clock() - self.begun
        steps = [step for step in (0.0, PENDING_SHARE, 1.0) if passed >= step * self.duration]
        return self.begun + max(steps, default=0.0) * self.duration


class LifeCycle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings.

    Attributes:
        transitions: `instant`, or `slow` for AWS's steps by the server's clock.
        durations: seconds by kind of resource (the keys of `DURATIONS`), in place of the defaults.
        failures: reasons by pattern of the ARN's last part (`campaign/live`, `solution/*/*`); what
            is made or updated while a pattern fits ends in `CREATE FAILED`.
        schema_checks: `strict`, or `lenient` to keep any text as a schema, as moto does. No dataset
            can be made with one that is none.
    """

    transitions: Literal["instant", "slow"] = "instant"
    durations: dict[str, float] = {}
    failures: dict[str, str] = {}
    schema_checks: Literal["strict", "lenient"] = "strict"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """What the two `MUSICREC_PERSONALIZE_` variables say; defaults without them.

        Raises:
            msgspec.ValidationError: a value is none of those allowed.
        """
        given = {
            name: environment[variable]
            for name, variable in (
                ("transitions", TRANSITIONS_VARIABLE),
                ("schema_checks", SCHEMA_CHECKS_VARIABLE),
            )
            if variable in environment
        }
        return msgspec.convert(given, cls)

    def passage(self, kind: str, clock: Callable[[], float]) -> Passage | None:
        """The time that a change of that kind takes from now on; None for none."""
        duration = (DURATIONS | self.durations).get(kind, 0.0)
        if self.transitions == "instant" or not duration:
            return None
        return Passage(clock, clock(), duration)

    def failure(self, arn: str) -> str | None:
        """Why a resource of that ARN is to fail; None if it is not."""
        path = arn.split(":", 5)[-1]
        for pattern, reason in self.failures.items():
            if fnmatchcase(path, pattern):
                return reason
        return None


def kind_of(arn: str) -> str:
    """The kind of resource that an ARN names, as in `DURATIONS`."""
    kind, _, name = arn.split(":", 5)[-1].partition("/")
    return "solution-version" if kind == "solution" and "/" in name else kind
