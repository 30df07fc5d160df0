"""One waiter for everything in Personalize that takes its time.

botocore has no waiters for Personalize, so every sample carries a polling loop of its own. This one
looks at once, then ever less often; it says what it sees, can be cancelled, and gives the service's
own reason when a resource fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
"""Seconds between two looks: short at first for the embedded AWS, then kind to the service."""

DEFAULT_TIMEOUT: Final = 3 * 3600.0
"""Seconds; trainings have been seen to take an hour."""

READY: Final = frozenset({"ACTIVE"})
FAILED: Final = frozenset({"CREATE FAILED", "CREATE STOPPED", "FAILED"})

Describe = Callable[[], Mapping[str, Any]]
"""Returns the described resource, with `status` and, once failed, `failureReason`."""


class Progress(Struct, frozen=True, kw_only=True):
    """What one look saw.

    Attributes:
        what: what is waited for, in words.
        status: the service's word.
        elapsed: seconds since the waiting began.
    """

    what: str
    status: str
    elapsed: float


OnProgress = Callable[[Progress], None]


class ResourceFailedError(RuntimeError):
    """Personalize gave up on a resource."""

    def __init__(self, what: str, status: str, reason: str) -> None:
        super().__init__(f"{what} is {status}: {reason}")
        self.reason = reason


class WaitTimeoutError(TimeoutError):
    """A resource was not ready in time; it goes on being made."""

    def __init__(self, what: str, status: str, timeout: float) -> None:
        super().__init__(
            f"{what} is still {status} after {timeout:.0f} s; wait again, nothing has been lost"
        )


class WaitCancelledError(RuntimeError):
    """The waiting was cancelled; the resource goes on being made."""

    def __init__(self, what: str, status: str) -> None:
        super().__init__(f"waiting for {what} was cancelled while it was {status}")


class Patience(Struct, frozen=True, kw_only=True):
    """How to wait; the default suits a notebook.

    Attributes:
        timeout: seconds in all.
        clock: seconds that only go forward.
        sleep: pauses for some seconds; ignored when `cancel` is given.
        on_progress: told of every look that found the resource not ready.
        cancel: set it, from another thread, to stop waiting at once.
    """

    timeout: float = DEFAULT_TIMEOUT
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    on_progress: OnProgress | None = None
    cancel: threading.Event | None = None


PATIENT: Final = Patience()


def wait_until_active(
    describe: Describe, what: str, patience: Patience = PATIENT
) -> Mapping[str, Any]:
    """Wait until a resource is ACTIVE, looking at once and then at growing intervals.

    Args:
        describe: asks the service.
        what: words for messages, e.g. "import job musicrec-items-2026-03-02".
        patience: how long, by which clock, and whom to tell.

    Returns:
        The last description.

    Raises:
        ResourceFailedError: the service gave up; the message has its reason.
        WaitTimeoutError: the time is over.
        WaitCancelledError: `patience.cancel` was set.
    """

    def is_active(seen: Mapping[str, Any]) -> bool:
        return seen["status"] in READY

    return wait_until(describe, is_active, what, patience)


def wait_until(
    describe: Describe,
    is_ready: Callable[[Mapping[str, Any]], bool],
    what: str,
    patience: Patience = PATIENT,
) -> Mapping[str, Any]:
    """As `wait_until_active`, for a condition of the caller's."""
    start, pause = patience.clock(), FIRST_PAUSE
    while True:
        seen = describe()
        status = str(seen["status"])
        if status in FAILED:
            raise ResourceFailedError(what, status, seen.get("failureReason", "no reason given"))
        if is_ready(seen):
            return seen
        elapsed = patience.clock() - start
        _report(patience, what, status, elapsed)
        if elapsed + pause > patience.timeout:
            raise WaitTimeoutError(what, status, patience.timeout)
        _pause(patience, what, status, pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _report(patience: Patience, what: str, status: str, elapsed: float) -> None:
    if patience.on_progress:
        patience.on_progress(Progress(what=what, status=status, elapsed=elapsed))


def _pause(patience: Patience, what: str, status: str, seconds: float) -> None:
    if patience.cancel is None:
        patience.sleep(seconds)
    elif patience.cancel.wait(seconds):
        raise WaitCancelledError(what, status)
