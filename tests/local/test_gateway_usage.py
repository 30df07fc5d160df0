"""Throttles, quotas, keys, and how many requests run at once."""

import threading
from datetime import UTC, datetime

import pytest

from musicrec.local.gateway.concurrency import Gate
from musicrec.local.gateway.definition import Method, PlanKey, Quota, Resource, Stage, Throttle
from musicrec.local.gateway.exchange import GatewayError, Request
from musicrec.local.gateway.usage import Meter, TokenBucket


class Clock:
    """Monotonic seconds and a calendar, both set by hand."""

    def __init__(self):
        self.seconds = 0.0
        self.day = datetime(2026, 3, 1, tzinfo=UTC)  # a Sunday


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meter(clock):
    return Meter(lambda: clock.seconds, lambda: clock.day)


def stage(throttle=None, quota=None, throttles=None):
    keys = {"secret": PlanKey("key", "plan", throttle, quota)}
    return Stage("v1", {}, throttles or {}, keys)


def asking(key="secret"):
    headers = (("X-Api-Key", key),) if key else ()
    return Request(method="POST", path="/events", headers=headers)


def refused(call):
    with pytest.raises(GatewayError) as error:
        call()
    return error.value.response_type


class TestTokenBucket:
    def test_allows_a_burst_then_the_rate(self):
        """The burst passes at once, afterwards `rate` requests a second."""
        bucket = TokenBucket(Throttle(2, 3), now=0)
        assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
        assert [bucket.take(1) for _ in range(3)] == [True, True, False]

    def test_a_pause_saves_up_no_more_than_the_burst(self):
        """However long nobody asks, only the burst passes at once."""
        bucket = TokenBucket(Throttle(100, 2), now=0)
        assert sum(bucket.take(3_600) for _ in range(10)) == 2


class TestAdmitKey:
    @pytest.mark.parametrize("key", [None, "", "other", "SECRET"])
    def test_missing_and_wrong_keys_are_refused(self, meter, key):
        """Only the exact value of a key of the stage's plans passes."""
        assert refused(lambda: meter.admit_key(stage(), asking(key))) == "INVALID_API_KEY"

    def test_a_plan_key_is_recognised(self, meter):
        """The right key passes and is identified."""
        assert meter.admit_key(stage(), asking()).key_id == "key"

    def test_the_plan_s_throttle_holds(self, meter, clock):
        """Beyond the burst a key is throttled until time has passed."""
        shown = stage(throttle=Throttle(1, 1))
        meter.admit_key(shown, asking())
        assert refused(lambda: meter.admit_key(shown, asking())) == "THROTTLED"
        clock.seconds = 1
        meter.admit_key(shown, asking())

    @pytest.mark.parametrize(
        ("period", "same", "following"),
        [
            ("DAY", (2026, 3, 1), (2026, 3, 2)),
            ("WEEK", (2026, 3, 7), (2026, 3, 8)),
            ("MONTH", (2026, 3, 31), (2026, 4, 1)),
        ],
    )
    def test_the_quota_lasts_for_its_period(self, meter, clock, period, same, following):
        """A used-up quota stays so to the end of its period, and is new in the next."""
        shown = stage(quota=Quota(1, period))
        meter.admit_key(shown, asking())
        clock.day = datetime(*same, 23, 59, tzinfo=UTC)
        assert refused(lambda: meter.admit_key(shown, asking())) == "QUOTA_EXCEEDED"
        clock.day = datetime(*following, tzinfo=UTC)
        meter.admit_key(shown, asking())

    def test_counts_outlive_a_new_definition(self, meter):
        """Reading the API back anew gives nobody a fresh quota; a reset does."""
        meter.admit_key(stage(quota=Quota(1, "DAY")), asking())
        again = stage(quota=Quota(1, "DAY"))
        assert refused(lambda: meter.admit_key(again, asking())) == "QUOTA_EXCEEDED"
        meter.reset()
        meter.admit_key(again, asking())


class TestAdmitStage:
    def test_a_method_s_own_throttle_comes_first(self, meter):
        """A method with a setting of its own is not counted among the others."""
        get = Method("GET", False, False, (), {}, None)
        own, other = Resource("1", "/own", {"GET": get}), Resource("2", "/other", {"GET": get})
        shown = stage(throttles={"own/GET": Throttle(1, 2), "*/*": Throttle(1, 1)})
        meter.admit_stage("api", shown, own, get)
        meter.admit_stage("api", shown, other, get)
        assert refused(lambda: meter.admit_stage("api", shown, other, get)) == "THROTTLED"
        meter.admit_stage("api", shown, own, get)
        assert refused(lambda: meter.admit_stage("api", shown, own, get)) == "THROTTLED"


class TestGate:
    def test_refuses_when_as_many_wait_as_may(self):
        """Requests beyond those that run and wait are refused, and places are given back."""
        gate, inside, leave = Gate(running=1, present=2), threading.Event(), threading.Event()

        def hold():
            with gate.passing():
                inside.set()
                assert leave.wait(5)

        first = threading.Thread(target=hold)
        first.start()
        assert inside.wait(5)
        assert gate._present.acquire(blocking=False)  # as if one waited
        with pytest.raises(GatewayError, match="THROTTLED"), gate.passing():
            pass
        gate._present.release()
        leave.set()
        first.join(5)
        with gate.passing():
            pass
