import threading

import pytest

from musicrec.personalize.progress import ProgressBar
from musicrec.personalize.waiting import (
    LONGEST_PAUSE,
    Patience,
    Progress,
    ResourceFailedError,
    WaitCancelledError,
    WaitTimeoutError,
    wait_until_active,
)


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def clock(self):
        """The time now."""
        return self.now

    def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **more):
        """Patience that goes by this clock."""
        return Patience(clock=self.clock, sleep=self.sleep, **more)


def statuses(*words):
    """A describe that says one word after another, and the last for ever."""
    remaining = list(words)
    return lambda: {"status": remaining.pop(0) if len(remaining) > 1 else remaining[0]}


class TestWaitUntilActive:
    def test_does_not_pause_for_what_is_ready(self):
        """The first look is immediate."""
        time = FakeTime()
        assert wait_until_active(statuses("ACTIVE"), "x", time.patience())["status"] == "ACTIVE"
        assert time.slept == []

    def test_pauses_grow_up_to_a_bound(self):
        """Looks become rarer, and never rarer than twice a minute."""
        time = FakeTime()
        wait_until_active(statuses(*["CREATE PENDING"] * 15, "ACTIVE"), "x", time.patience())
        assert time.slept == sorted(time.slept)
        assert time.slept[-1] == LONGEST_PAUSE

    def test_says_what_it_sees(self):
        """Each look that finds the resource not ready is reported with the time waited."""
        time, seen = FakeTime(), []
        patience = time.patience(on_progress=seen.append)
        wait_until_active(statuses("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"), "x", patience)
        assert [one.status for one in seen] == ["CREATE PENDING", "CREATE IN_PROGRESS"]
        assert [one.elapsed for one in seen] == pytest.approx([0.0, 0.2])

    @pytest.mark.parametrize("status", ["CREATE FAILED", "CREATE STOPPED", "FAILED"])
    def test_failure_has_the_reason_of_the_service(self, status):
        """Whoever waits learns why, not only that."""
        failed = {"status": status, "failureReason": "Invalid Data location."}
        with pytest.raises(ResourceFailedError, match=f"job x is {status}: Invalid Data location."):
            wait_until_active(lambda: failed, "job x", FakeTime().patience())

    def test_timeout_says_what_is_not_ready(self):
        """The time that waiting may take is kept, and the message says that nothing is lost."""
        time = FakeTime()
        with pytest.raises(WaitTimeoutError, match="job x is still CREATE PENDING after 60 s"):
            wait_until_active(statuses("CREATE PENDING"), "job x", time.patience(timeout=60))
        assert sum(time.slept) <= 60

    def test_can_be_cancelled_while_it_pauses(self):
        """Setting the event ends the wait without waiting for the next look."""
        cancel = threading.Event()
        patience = Patience(cancel=cancel, on_progress=lambda _: cancel.set())
        with pytest.raises(WaitCancelledError, match="cancelled while it was CREATE PENDING"):
            wait_until_active(statuses("CREATE PENDING"), "x", patience)


class FakeBar:
    """Remembers what was drawn."""

    made = 0

    def __init__(self, **_):
        type(self).made += 1
        self.total, self.n, self.closed, self.text = 100, 0, False, ""

    def set_description(self, text):
        """What the bar says."""
        self.text = text

    def refresh(self):
        """Draw it."""
        self.drawn = self.n

    def close(self):
        """Be done."""
        self.closed = True


class TestProgressBar:
    def test_draws_nothing_when_there_is_nothing_to_wait_for(self):
        """A resource that is ready at once leaves the output empty."""
        FakeBar.made = 0
        with ProgressBar(100, make_bar=FakeBar) as bar:
            wait_until_active(statuses("ACTIVE"), "x", bar.patience)
        assert FakeBar.made == 0

    def test_shows_status_and_seconds(self):
        """The bar says what is waited for and never runs over its end."""
        with ProgressBar(100, make_bar=FakeBar) as bar:
            tell = bar.patience.on_progress
            tell(Progress(what="job x", status="CREATE PENDING", elapsed=12.4))
            drawn = bar._bar
            assert (drawn.text, drawn.drawn) == ("job x: CREATE PENDING", 12)
            tell(Progress(what="job x", status="CREATE PENDING", elapsed=400))
            assert drawn.drawn == 100
        assert drawn.closed
