"""Repeating what AWS may grant later, inside the time that a Lambda has left."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 # botocore's
from msgspec import Struct

BASE_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 5.0

_TOO_MANY: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
    }
)
_THEIR_FAULT: Final = frozenset(
    {"InternalServerError", "InternalServerException", "RequestTimeout", "ServiceUnavailable"}
)


class Retries(Struct, frozen=True, kw_only=True):
    """How to wait, and until when.

    Attributes:
        remaining_ms: time that the invocation has left, milliseconds.
        wait: sleeps for that many seconds.
        random: spreads the waits of many callers.
        reserve_ms: time to keep for one more call and for answering.
    """

    remaining_ms: Callable[[], float]
    wait: Callable[[float], None]
    random: Random
    reserve_ms: float = 8_000

    def has_time(self) -> bool:
        """Whether another call may begin."""
        return self.remaining_ms() > self.reserve_ms

    def pause(self, attempt: int) -> bool:
        """Wait before attempt number `attempt` (1 is the first repetition).

        The wait is drawn evenly between 0 and a bound that doubles from one attempt to the next
        ("full jitter", AWS Architecture Blog, "Exponential Backoff And Jitter").

        Returns:
            False, at once, when the time left does not allow for the wait and a call.
        """
        bound = min(MAX_DELAY_S, BASE_DELAY_S * 2.0 ** (attempt - 1))
        delay = self.random.uniform(0, bound)
        if self.remaining_ms() - delay * 1000 <= self.reserve_ms:
            return False
        self.wait(delay)
        return True


def error_code(error: Exception) -> str:
    """AWS's name of the error; the class's for one that is not from AWS."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return type(error).__name__


def is_throttling(error: Exception) -> bool:
    """Whether AWS said that there are too many calls."""
    code = error_code(error)
    return _status(error) == 429 or "Throttl" in code or code in _TOO_MANY


def is_retryable(error: Exception) -> bool:
    """Whether the very same call may succeed later: throttling, AWS's own faults, the network."""
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return True
    return is_throttling(error) or _status(error) >= 500 or error_code(error) in _THEIR_FAULT


def _status(error: Exception) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
