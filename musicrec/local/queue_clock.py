"""A quick clock for moto's queues.

moto asks each message of a queue for the time, several times for every message that is sent, and makes
two datetimes of every answer: a queue of thousands then takes a second to take ten more.
"""

from __future__ import annotations

import time
from typing import Any, Final

from moto.sqs import models

_NAME: Final = "unix_time_millis"
_original: Final[Any] = getattr(models, _NAME)


def milliseconds() -> float:
    """Milliseconds of the epoch."""
    return time.time() * 1000


def install() -> None:
    """From now on queues of this process read the clock directly."""
    setattr(models, _NAME, milliseconds)


def uninstall() -> None:
    """Give moto its own way back."""
    setattr(models, _NAME, _original)
