"""Deliveries in a thread of their own: quick ones, slow ones, rejected ones, and the last one."""

import random
import threading

import pytest

from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.producer.clock import Moment
from musicrec.producer.courier import UNDER_WAY, Courier
from musicrec.producer.deliveries import LAST_RESEND_S, Deliveries
from musicrec.producer.ingest import RefusedSenderError, RejectedEventsError, SendResult
from musicrec.producer.outbox import Memory, Outbox
from musicrec.producer.playback import PlayerState
from musicrec.producer.status import Status

NOW = Moment(0, 1_767_600_000_000)


def event(number: int) -> ListeningEvent:
    return ListeningEvent(
        event_id=new_event_id("test", number),
        user_id="ana",
        session_id="s",
        track_id="A" * 22,
        event_type=EventType.PLAY,
        occurred_at=1_767_600_000_000 + number,
        source=Source.LIVE,
        schema_version=1,
    )


class Api:
    """Takes events when its gate is open, and rejects a request with the poisoned one in it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)
        self.poison: ListeningEvent | None = None
        self.failing: Exception | SendResult | None = None
        self.requests: list[list[ListeningEvent]] = []
        self.taken: list[ListeningEvent] = []

    def send(self, events):
        """Deliver, once the gate is open."""
        self.requests.append(list(events))
        self.begun.release()
        assert self.gate.wait(10)
        if isinstance(self.failing, Exception):
            raise self.failing
        if self.failing is not None:
            return self.failing
        if self.poison in events:
            raise RejectedEventsError(400, "poison", [each.event_id for each in events])
        self.taken += events
        return SendResult(len(events))


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def courier(api):
    courier = Courier(api, patience_s=0.02)
    yield courier
    api.gate.set()
    courier.close()


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    yield outbox
    outbox.close()


def keep(outbox: Outbox, *numbers: int) -> None:
    memory = Memory(state=PlayerState(player_id="p"), t=0, wall_ms=0)
    outbox.record("ana", memory, [event(number) for number in numbers])


class TestCourier:
    def test_a_quick_delivery_is_told_at_once(self, api, courier):
        """An API that answers in time is as if there were no thread."""
        api.gate.set()
        courier.be_patient()
        assert courier.send([event(1), event(2)]) == SendResult(2)

    def test_a_slow_delivery_is_told_when_asked_again(self, api, courier):
        """Until then it is under way, and it is made once."""
        api.gate.clear()
        assert set(courier.send([event(1)]).failed.values()) == {UNDER_WAY}
        assert set(courier.send([event(1)]).failed.values()) == {UNDER_WAY}
        api.gate.set()
        courier.be_patient()
        assert courier.send([event(1)]) == SendResult(1)
        assert len(api.requests) == 1

    def test_what_came_meanwhile_waits_for_the_next(self, api, courier):
        """Events added while a delivery goes on are not part of its outcome."""
        api.gate.clear()
        courier.send([event(1)])
        api.gate.set()
        courier.be_patient()
        result = courier.send([event(1), event(2)])
        assert (result.accepted, result.failed) == (1, {event(2).event_id: UNDER_WAY})

    def test_failures_keep_their_reason(self, api, courier):
        """What the API did not take is told with its own reason and wait."""
        api.failing = SendResult(0, {event(1).event_id: "HTTP 503"}, 7.0)
        courier.be_patient()
        assert courier.send([event(1)]) == api.failing

    def test_a_rejection_is_raised_again_without_asking(self, api, courier):
        """The outbox asks about the same events after each halving; the API is not bothered."""
        api.poison = event(1)
        courier.be_patient()
        for _ in range(2):
            with pytest.raises(RejectedEventsError):
                courier.send([event(1), event(2)])
        assert len(api.requests) == 1

    def test_a_refusal_is_raised_and_tried_again(self, api, courier):
        """A refused key may be right the next time."""
        api.failing = RefusedSenderError(403, "key", [])
        courier.be_patient()
        for _ in range(2):
            with pytest.raises(RefusedSenderError):
                courier.send([event(1)])
        assert len(api.requests) == 2


class TestDeliveries:
    @pytest.fixture
    def deliveries(self, outbox, api):
        made = Deliveries(outbox, api, Status(), random.Random(1))
        yield made
        api.gate.set()
        made._courier.close()

    def test_a_hanging_api_is_not_waited_for(self, deliveries, outbox, api):
        """The attempt returns while the request hangs, nothing is called a problem, nothing lost."""
        keep(outbox, 1)
        api.gate.clear()
        deliveries.attempt(NOW)
        assert api.begun.acquire(timeout=5)
        deliveries.attempt(NOW)
        assert deliveries._status.delivery_problem is None
        assert outbox.waiting() == 1
        api.gate.set()
        deliveries.finish(NOW)
        assert (outbox.waiting(), len(api.requests)) == (0, 1)

    def test_the_end_sends_everything(self, deliveries, outbox, api):
        """Stopping waits for the delivery under way and for what came after it."""
        keep(outbox, 1)
        api.gate.clear()
        deliveries.attempt(NOW)
        keep(outbox, 2, 3)
        threading.Timer(0.05, api.gate.set).start()
        deliveries.finish(NOW)
        assert api.taken == [event(1), event(2), event(3)]
        assert outbox.waiting() == 0

    def test_a_slow_api_that_rejects_one_event(self, deliveries, outbox, api):
        """The bad event is found by halving however slow the answers, and the others arrive."""
        keep(outbox, *range(8))
        api.poison = event(5)
        deliveries._courier._patience_s = 0.0
        for _ in range(200):
            deliveries.attempt(NOW)
            if not outbox.waiting():
                break
            if deliveries._courier._outcome is not None:
                threading.Event().wait(0.001)
        assert [event_id for event_id, _ in outbox.set_aside()] == [event(5).event_id]
        assert {each.occurred_at for each in api.taken} == {
            event(number).occurred_at for number in range(8) if number != 5
        }

    def test_failures_are_put_off(self, deliveries, outbox, api):
        """After a failure the API is left alone for a while, a minute at the most."""
        keep(outbox, 1)
        api.failing = SendResult(0, {event(1).event_id: "HTTP 503"})
        deliveries._courier.be_patient()
        tried = 0
        for second in range(600):
            deliveries.attempt(Moment(1000 * second, NOW.wall_ms))
            tried = len(api.requests)
        assert 600 / LAST_RESEND_S <= tried < 40
        assert deliveries._status.delivery_problem == "HTTP 503"
        assert deliveries._status.last_error[0] == "HTTP 503"
