"""Work that outlives its request: imports, exports and trainings, each in a thread of its own.

At most a few run at once, the rest wait their turn. A describe may wait for a job within bounds, so
that a job of a second is ACTIVE at the first look, and no request hangs on a long one.
"""

from __future__ import annotations

import logging
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Final

from musicrec.local.personalize.resources import (
    ACTIVE,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import Job

logger: Final = logging.getLogger(__name__)


class JobFailedError(Exception):
    """The work cannot be done; the message becomes the job's `failureReason`."""


class Workers:
    """Runs jobs.

    Args:
        at_once: how many may compute at the same time.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._slots = BoundedSemaphore(at_once)

    def start(self, region: Region, job: Job, work: Callable[[], None]) -> None:
        """Run `work` in the background and move `job` through its life cycle."""
        name = f"personalize-{job.arn.rpartition(':')[2]}"
        Thread(target=self._run, args=(region, job, work), name=name, daemon=True).start()

    def _run(self, region: Region, job: Job, work: Callable[[], None]) -> None:
        with self._slots:
            if _move(region, job, IN_PROGRESS):
                failure = job.doomed or _attempt(job, work)
                _move(region, job, FAILED if failure else ACTIVE, failure)
        job.finished.set()


def _attempt(job: Job, work: Callable[[], None]) -> str | None:
    """Do the work; the reason if it failed."""
    try:
        work()
    except JobFailedError as error:
        return str(error)
    except Exception:
        logger.exception("%s broke", job.arn)
        return "Internal failure; the log of the embedded AWS has the details."
    return None


def _move(region: Region, job: Job, status: str, failure: str | None = None) -> bool:
    """Change the job's state, unless it was stopped meanwhile; whether the work goes on."""
    with region.lock:
        stopped = job.state in {STOPPING, STOPPED}
        job.state = STOPPED if stopped else status
        job.failure = None if stopped else failure
        job.updated = region.clock()
    return not stopped


def await_job(job: Job, patience: float) -> None:
    """Wait until the job is done, `patience` seconds at most."""
    job.finished.wait(patience)
