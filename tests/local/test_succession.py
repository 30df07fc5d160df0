"""Work that is done soon after it is asked for."""

import threading
import time

import pytest
from botocore.exceptions import ClientError

from musicrec.local import succession
from musicrec.local.succession import Succession


class Work:
    """Counts how often it was done; can be held up, and can fail."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()
        self.done = self.failures = 0

    def __call__(self):
        """Do it once."""
        self.begun.release()
        assert self.go.wait(10)
        if self.failures:
            self.failures -= 1
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, "ListShards")
        self.done += 1


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def served(work):
    served = Succession(work)
    served.start()
    yield served
    work.go.set()
    served.stop()


def soon():
    return time.monotonic() + 10


class TestSuccession:
    def test_requests_that_meet_are_served_together(self, served, work):
        """What is asked for while the work is under way is served by doing it once more."""
        work.go.clear()
        served.ask()
        assert work.begun.acquire(timeout=10)
        for _ in range(5):
            served.ask()
        work.go.set()
        served.wait(soon())
        assert work.done == 2

    def test_without_a_request_there_is_nothing_to_wait_for(self, served, work):
        """Waiting returns at once, and nothing is done."""
        served.wait(time.monotonic())
        assert work.done == 0

    def test_what_failed_is_tried_again(self, served, work, monkeypatch):
        """A fault of the embedded AWS only delays the work."""
        monkeypatch.setattr(succession, "RETRY_S", 0.01)
        work.failures = 2
        served.ask()
        served.wait(soon())
        assert work.done == 1

    def test_waiting_ends_at_the_deadline(self, served, work):
        """Work that takes too long is named."""
        work.go.clear()
        served.ask()
        with pytest.raises(TimeoutError, match="were not taken up in time"):
            served.wait(time.monotonic() + 0.05)

    def test_a_stop_lets_nobody_wait(self, served, work):
        """Who waits for work that will not be done any more goes on."""
        work.failures = 1
        served.ask()
        assert work.begun.acquire(timeout=10)
        served.stop()
        served.wait(soon())
        assert work.done == 0
