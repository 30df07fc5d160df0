from random import Random

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from musicrec.retry import MAX_DELAY_S, Retries, is_retryable, is_throttling


def refusal(code, status=400):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutEvents")


class Time:
    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        self.remaining_ms -= seconds * 1000

    def retries(self):
        return Retries(
            remaining_ms=lambda: self.remaining_ms,
            wait=self.wait,
            random=Random(1),
            reserve_ms=1000,
        )


class TestPause:
    def test_waits_are_drawn_below_a_growing_bound(self):
        """Each wait lies between nothing and a bound that doubles up to a limit."""
        time = Time(1_000_000)
        assert all(time.retries().pause(attempt) for attempt in range(1, 12))
        bounds = [min(MAX_DELAY_S, 0.1 * 2**n) for n in range(11)]
        assert all(0 <= wait <= bound for wait, bound in zip(time.waits, bounds, strict=True))

    def test_no_wait_beyond_the_time_left(self):
        """When the wait would eat the reserve, it is not begun."""
        time = Time(1000)
        assert not time.retries().pause(1)
        assert not time.retries().has_time()
        assert not time.waits


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "retryable", "throttling"),
        [
            (refusal("ThrottlingException"), True, True),
            (refusal("ProvisionedThroughputExceededException"), True, True),
            (refusal("Anything", 429), True, True),
            (refusal("Anything", 503), True, False),
            (ReadTimeoutError(endpoint_url="https://x"), True, False),
            (refusal("InvalidInputException"), False, False),
            (refusal("AccessDeniedException", 403), False, False),
            (NoCredentialsError(), False, False),
        ],
    )
    def test_what_may_help_to_repeat(self, error, retryable, throttling):
        """Throttling, AWS's own faults and the network are worth another call; refusals are not."""
        assert (is_retryable(error), is_throttling(error)) == (retryable, throttling)
