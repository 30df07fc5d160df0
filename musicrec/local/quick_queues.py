"""moto's queues, quick with thousands of messages in them.

moto asks each message of a queue for the time, several times for every message that is sent or
received, and makes two datetimes of every answer; to see how long a message is kept it counts the
whole queue. A queue of thousands then takes a second or more for ten messages.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from moto.sqs import models
from moto.sqs.models import SQSBackend

if TYPE_CHECKING:
    from moto.sqs.models import Message

_CLOCK: Final = "unix_time_millis"
_KEPT: Final = "is_message_valid_based_on_retention_period"
_original_clock: Final[Any] = getattr(models, _CLOCK)
_original_kept: Final[Any] = getattr(SQSBackend, _KEPT)


def milliseconds() -> float:
    """Milliseconds of the epoch."""
    return time.time() * 1000


def _is_kept(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether the queue's retention period of a message still lasts."""
    period: Any = getattr(backend.get_queue(queue_name), "message_retention_period")  # noqa: B009 - made at run time
    sent: Any = message.sent_timestamp
    return bool(period * 1000 + sent > milliseconds())


def install() -> None:
    """From now on queues of this process read clock and settings directly."""
    setattr(models, _CLOCK, milliseconds)
    setattr(SQSBackend, _KEPT, _is_kept)


def uninstall() -> None:
    """Give moto its own ways back."""
    setattr(models, _CLOCK, _original_clock)
    setattr(SQSBackend, _KEPT, _original_kept)
