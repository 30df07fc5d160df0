"""What trains by itself: solutions an hour after ACTIVE and then on schedule, recommenders weekly.

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
from musicrec.local.personalize.recommenders import retrain
from musicrec.local.personalize.resources import ACTIVE, CHANGING, Recommender, Solution
from musicrec.local.personalize.solution_versions import train_automatically
from musicrec.local.personalize.solutions import versions_of
from musicrec.local.personalize.training_schedule import DAY, DEFAULT_DAYS, interval

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

FIRST: Final = 3600.0
"""Seconds from a solution's being ACTIVE to its first training."""

WEEK: Final = DEFAULT_DAYS * DAY
"""Seconds between two trainings of a recommender. AWS says nothing of weeks that are passed over."""


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
        for recommender in region.all(Recommender):
            if _due(region, recommender):
                retrain(region, recommender)


def _due(region: Region, recommender: Recommender) -> bool:
    """Whether a week has passed since its last training began; one that is stopped learns nothing."""
    if recommender.status != ACTIVE or recommender.being_updated:
        return False
    return region.clock() - recommender.begun >= WEEK


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
