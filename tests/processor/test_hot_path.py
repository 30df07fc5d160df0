import threading
from collections import defaultdict
from datetime import UTC, datetime
from random import Random

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from musicrec.events import encode, from_mapping, new_event_id
from musicrec.processor import hot_path
from musicrec.records import Batch, Poison, Record
from musicrec.retry import Retries

AT = 1_772_366_400_987


def event(number, kind="play", user="u", session="s", **fields):
    return from_mapping(
        {
            "event_id": new_event_id(number),
            "user_id": user,
            "session_id": session,
            "track_id": f"{number:022}",
            "event_type": kind,
            "occurred_at": AT + number,
            "source": "live",
            "schema_version": 1,
        }
        | fields
    )


def batch_of(events, poison=()):
    return Batch(
        records=tuple(
            Record(
                event=one,
                data=encode(one),
                sequence_number=str(1000 + place),
                shard_id="shardId-000000000000",
                partition_key=one.user_id,
                arrived_at=AT,
            )
            for place, one in enumerate(events)
        ),
        poison=tuple(poison),
    )


def refusal(code, message="no", status=400):
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutEvents")


class Personalize:
    """Records calls; refuses those that a test says."""

    def __init__(self, refuse=lambda _call, _number: None):
        self.calls = []
        self._refuse = refuse
        self._lock = threading.Lock()

    def put_events(self, **call):
        with self._lock:
            self.calls.append(call)
            error = self._refuse(call, len(self.calls))
        if error:
            raise error

    @property
    def items(self):
        return [[int(one["itemId"]) for one in call["eventList"]] for call in self.calls]


class Queue:
    def __init__(self, *, takes=True):
        self.poison = []
        self._takes = takes

    def send(self, poison, _retries):
        self.poison += poison
        return [] if self._takes else list(poison)


class Time:
    def __init__(self, remaining_ms=60_000.0):
        self.remaining_ms = remaining_ms
        self._lock = threading.Lock()

    def wait(self, seconds):
        with self._lock:
            self.remaining_ms -= seconds * 1000

    def retries(self):
        return Retries(remaining_ms=lambda: self.remaining_ms, wait=self.wait, random=Random(3))


def process(batch, personalize, queue=None, tracking_id="t", time=None):
    return hot_path.process(
        batch,
        personalize=personalize,
        tracking_id=tracking_id,
        queue=queue or Queue(),
        retries=(time or Time()).retries(),
    )


def holds(call, number):
    return any(int(one["itemId"]) == number for one in call["eventList"])


class TestInteraction:
    def test_it_has_the_events_own_time_in_whole_seconds(self):
        """Event time travels, floored to seconds as in the bulk dataset."""
        made = hot_path.interaction(event(1, "skip", listened_ms=1, duration_ms=3))
        assert made == {
            "eventId": new_event_id(1),
            "eventType": "skip",
            "itemId": f"{1:022}",
            "sentAt": datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC),
            "eventValue": 0.3333,
        }

    def test_whole_seconds_arrive_on_the_wire(self):
        """boto3 puts the event's second into the request as a plain number."""
        client = boto3.client(
            "personalize-events",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        bodies = []

        def stop(request, **_):
            bodies.append(request.body)
            raise InterruptedError

        client.meta.events.register("before-send", stop)
        with pytest.raises(InterruptedError):
            client.put_events(
                trackingId="t", sessionId="s", eventList=[hot_path.interaction(event(1))]
            )
        assert b'"sentAt": 1772366400}' in bodies[0]

    @pytest.mark.parametrize(
        ("kind", "fields", "value"),
        [
            ("play", {"listened_ms": 5, "duration_ms": 10}, None),
            ("complete", {"listened_ms": 5, "duration_ms": 10}, 0.5),
            ("complete", {"listened_ms": 50, "duration_ms": 10}, 1.0),
            ("skip", {"listened_ms": 0, "duration_ms": 10}, 0.0),
            ("skip", {"listened_ms": 5}, None),
        ],
    )
    def test_the_value_is_the_share_that_was_heard(self, kind, fields, value):
        """Ends have the share of the track, if it is known; a play has none."""
        assert hot_path.interaction(event(1, kind, **fields)).get("eventValue") == value

    @pytest.mark.parametrize(("given", "sent"), [("RID-1", "RID-1"), ("", None), (None, None)])
    def test_the_recommendation_behind_it_is_named(self, given, sent):
        """The recommendation id goes along, an empty one does not."""
        made = hot_path.interaction(event(1, recommendation_id=given))
        assert made.get("recommendationId") == sent


class TestGrouping:
    def test_sessions_are_grouped_by_ten_in_order(self):
        """Events of one session share calls, ten each, in the order of the stream."""
        batch = batch_of([event(n, session=f"s{n % 2}") for n in range(30)])
        personalize = Personalize()
        outcome = process(batch, personalize)
        assert (outcome.sent, outcome.calls, outcome.failed) == (30, 4, ())
        sessions = defaultdict(list)
        for call, items in zip(personalize.calls, personalize.items, strict=True):
            assert (call["trackingId"], call["userId"]) == ("t", "u")
            assert len(items) <= 10
            sessions[call["sessionId"]] += items
        assert sessions == {"s0": list(range(0, 30, 2)), "s1": list(range(1, 30, 2))}

    def test_listeners_with_the_same_session_id_stay_apart(self):
        """A session is of one listener, whatever its id."""
        personalize = Personalize()
        process(batch_of([event(1, user="a"), event(2, user="b")]), personalize)
        assert sorted(call["userId"] for call in personalize.calls) == ["a", "b"]

    def test_only_interactions_go(self):
        """Stops and signals stay here."""
        kinds = ["play", "pause", "resume", "seek", "stop", "complete", "skip"]
        personalize = Personalize()
        outcome = process(batch_of([event(n, kind) for n, kind in enumerate(kinds)]), personalize)
        assert personalize.items == [[0, 5, 6]]
        assert outcome.sent == 3

    def test_copies_go_once(self):
        """An event that stands in the batch twice is sent once."""
        personalize = Personalize()
        process(batch_of([event(1), event(2), event(1)]), personalize)
        assert personalize.items == [[1, 2]]

    def test_nothing_to_send_makes_no_call(self):
        """A batch without interactions costs nothing."""
        personalize = Personalize()
        assert process(batch_of([event(1, "pause")]), personalize).calls == 0
        assert personalize.calls == []


class TestFailures:
    def test_throttling_is_repeated(self):
        """A throttled call is made again until it is taken."""
        personalize = Personalize(
            lambda _, number: refusal("ThrottlingException") if number < 4 else None
        )
        outcome = process(batch_of([event(1)]), personalize)
        assert (outcome.sent, outcome.calls, outcome.failed) == (1, 4, ())

    @pytest.mark.parametrize(
        "error",
        [
            refusal("ThrottlingException"),
            refusal("X", status=500),
            ReadTimeoutError(endpoint_url="x"),
        ],
    )
    def test_without_time_left_the_rest_of_the_session_is_handed_back(self, error):
        """What was sent stays sent; what failed and all after it in the session comes again."""
        personalize = Personalize(lambda call, _: error if holds(call, 10) else None)
        batch = batch_of([event(n) for n in range(30)] + [event(99, session="other")])
        outcome = process(batch, personalize)
        assert outcome.failed == tuple(str(1000 + n) for n in range(10, 30))
        assert outcome.sent == 11
        assert outcome.error == repr(error)

    def test_no_call_begins_without_time(self):
        """When the invocation is about to end, everything is handed back unsent."""
        personalize = Personalize()
        outcome = process(batch_of([event(1), event(2)]), personalize, time=Time(10))
        assert personalize.calls == []
        assert outcome.failed == ("1000", "1001")

    def test_other_refusals_are_handed_back_at_once(self):
        """A missing right is neither the record's fault nor cured by repeating."""
        personalize = Personalize(lambda *_: refusal("AccessDeniedException", status=403))
        outcome = process(batch_of([event(1)]), personalize)
        assert (outcome.calls, outcome.failed) == (1, ("1000",))
        assert "AccessDenied" in outcome.error

    @pytest.mark.parametrize(
        "error",
        [
            refusal("InvalidInputException", "The trackingId t belongs to no event tracker."),
            refusal("ResourceNotFoundException"),
        ],
    )
    def test_an_unknown_tracker_makes_no_poison(self, error):
        """When the tracking id is wrong, events are handed back and the id is to be read anew."""
        queue = Queue()
        outcome = process(batch_of([event(1)]), Personalize(lambda *_: error), queue)
        assert outcome.tracker_unknown
        assert outcome.failed == ("1000",)
        assert queue.poison == []


class TestPoison:
    def test_one_bad_event_does_not_take_others_with_it(self):
        """A refused group is sent one by one; the offender is queued with Personalize's reason."""
        personalize = Personalize(
            lambda call, _: refusal("InvalidInputException", "bad item") if holds(call, 3) else None
        )
        queue = Queue()
        batch = batch_of([event(n) for n in range(12)])
        outcome = process(batch, personalize, queue)
        assert (outcome.sent, len(outcome.poison), outcome.failed) == (11, 1, ())
        (poison,) = queue.poison
        assert poison.sequence_number == "1003"
        assert poison.reason == "InvalidInputException: bad item"
        assert poison.data == encode(batch.records[3].event)

    def test_a_refusal_that_quotes_the_event_is_not_about_the_tracker(self):
        """Who is called `Tracking-1` does not hold up a shard."""
        error = refusal("ValidationException", "Value 'Tracking-1' at 'userId' is not allowed")
        queue = Queue()
        batch = batch_of([event(0, user="Tracking-1")])
        outcome = process(batch, Personalize(lambda *_: error), queue)
        assert (outcome.tracker_unknown, outcome.failed) == (False, ())
        assert [poison.sequence_number for poison in queue.poison] == ["1000"]

    def test_unreadable_records_are_queued(self):
        """Poison of the batch goes to the queue whether or not anything is sent."""
        bad = Poison(
            reason="r", field="$", data=b"", sequence_number="5", shard_id="s", partition_key="p"
        )
        queue = Queue()
        outcome = process(batch_of([], [bad]), Personalize(), queue)
        assert queue.poison == [bad]
        assert (outcome.poison, outcome.failed) == ((bad,), ())

    def test_poison_that_cannot_be_queued_is_handed_back(self):
        """Nothing is lost when the queue is down."""
        bad = Poison(
            reason="r", field="$", data=b"", sequence_number="5", shard_id="s", partition_key="p"
        )
        outcome = process(batch_of([event(1)], [bad]), Personalize(), Queue(takes=False))
        assert (outcome.sent, outcome.poison, outcome.failed) == (1, (), ("5",))


class TestNoTracker:
    def test_events_wait_for_the_daily_import(self):
        """Without a tracker nothing is sent and nothing fails; the count says so."""
        personalize = Personalize()
        batch = batch_of([event(1), event(2, "pause"), event(3, "skip")])
        outcome = process(batch, personalize, tracking_id=None)
        assert (outcome.held_back, outcome.sent, outcome.failed) == (2, 0, ())
        assert personalize.calls == []
