"""Solutions that train by themselves: the first version an hour after ACTIVE, then on schedule.

As AWS documents it: a version that was trained by hand within the hour takes the first one's place,
each training's start begins the next interval, and an interval without new interactions is passed over.
Nothing runs in the background: the first request to the region after the time has come starts the
training. It happens under slow transitions, or once somebody has advanced the clock; else nothing
trains unasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.local.personalize.datasets import INTERACTIONS, of_group
from musicrec.local.personalize.errors import LimitExceededError
from musicrec.local.personalize.resources import ACTIVE, CHANGING, Solution
from musicrec.local.personalize.solution_versions import train_automatically
from musicrec.local.personalize.solutions import versions_of
from musicrec.local.personalize.training_schedule import interval

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

FIRST: Final = 3600.0
"""Seconds from ACTIVE to the first training."""


def run(region: Region) -> None:
    """Start every training whose time has come."""
    if not region.trains_by_itself():
        return
    with region.lock:
        for solution in region.all(Solution):
            moment = _moment(region, solution)
            if moment is None:
                continue
            try:
                if _news(region, solution):
                    train_automatically(region, solution)
            except LimitExceededError:
                continue  # the next request tries again
            solution.considered = moment


def _moment(region: Region, solution: Solution) -> float | None:
    """The latest time at which a training was due and has not been considered; None for none."""
    if not solution.settings["performAutoTraining"] or solution.status != ACTIVE:
        return None
    versions = versions_of(region, solution)
    if versions and versions[-1].status in CHANGING:
        return None
    length = interval(solution.settings.get("solutionConfig", {}))
    first = versions[-1].created + length if versions else solution.ready + FIRST
    passed = (region.clock() - first) // length
    if passed < 0:
        return None
    moment = first + passed * length
    return None if moment <= solution.considered else moment


def _news(region: Region, solution: Solution) -> bool:
    """Whether there are interactions that the last training has not had."""
    if of_group(region, solution.group, INTERACTIONS) is None:
        return False
    versions = versions_of(region, solution)
    return solution.group.log.revision > (versions[-1].revision if versions else 0)
