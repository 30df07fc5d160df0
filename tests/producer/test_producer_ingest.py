"""The ingestion client against a scripted API on the loopback interface."""

import random

import msgspec
import pytest

from musicrec import events
from musicrec.events import EventType, ListeningEvent, Source
from musicrec.producer.ingest import (
    MAX_BACKOFF_S,
    ApiSettingError,
    IngestionApi,
    RefusedSenderError,
    RejectedEventsError,
)

KEY = "k3y-of-the-stack-0123456789"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(api, waits) -> IngestionApi:
    return IngestionApi(
        api.url, KEY, attempts=4, clock=lambda: 0.0, sleep=waits.append, rng=random.Random(1)
    )


def batch(size: int) -> list[ListeningEvent]:
    return [
        ListeningEvent(
            event_id=events.new_event_id("test", number),
            user_id="ana",
            session_id="s1",
            track_id="5SuOikwiRyPMVoIQDJUgSV",
            event_type=EventType.PLAY,
            occurred_at=1_767_600_000_000 + number,
            source=Source.SIMULATED,
            schema_version=1,
        )
        for number in range(size)
    ]


class TestDelivery:
    def test_events_arrive_as_they_were(self, api, client):
        """The body holds exactly the events, which the event's own decoder reads back."""
        sent = batch(3)
        assert client.send(sent).accepted == 3
        assert [events.decode(msgspec.json.encode(row)) for row in api.bodies[0]] == sent
        assert api.keys == [KEY]

    def test_large_sends_are_split_in_order(self, api, client):
        """1,201 events make requests of 500, 500 and 201 on one connection."""
        sent = batch(1201)
        assert client.send(sent).accepted == 1201
        assert [len(body) for body in api.bodies] == [500, 500, 201]
        arrived = [row["event_id"] for body in api.bodies for row in body]
        assert arrived == [event.event_id for event in sent]
        assert len(api.connections) == 1

    def test_nothing_to_send_makes_no_request(self, api, client):
        """An empty send accepts nothing and asks nothing."""
        result = client.send([])
        assert (result.accepted, dict(result.failed), api.bodies) == (0, {}, [])


class TestRetries:
    def test_only_refused_records_are_sent_again(self, api, client, waits):
        """After a partial answer the second request holds the refused event alone."""
        sent = batch(3)
        api.answer(
            207,
            {
                "accepted": 2,
                "failed": 1,
                "results": [
                    {"index": 0, "status": "accepted"},
                    {
                        "index": 1,
                        "status": "failed",
                        "error": "ProvisionedThroughputExceededException",
                        "message": "Rate exceeded for shard",
                    },
                    {"index": 2, "status": "accepted"},
                ],
            },
        )
        result = client.send(sent)
        assert (result.accepted, dict(result.failed)) == (3, {})
        assert api.ids(1) == [sent[1].event_id]
        assert len(waits) == 1

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_passing_errors_are_retried(self, api, client, status):
        """A throttled or failing API gets the whole batch again."""
        api.answer(status, {"error": "X", "message": "later", "detail": "d"})
        assert client.send(batch(2)).accepted == 2
        assert len(api.bodies) == 2

    def test_a_dropped_connection_is_retried(self, api, client):
        """A connection that closes without an answer costs one retry."""
        api.drop()
        assert client.send(batch(2)).accepted == 2

    def test_waits_grow_and_are_random(self, api, client, waits):
        """The wait before try n is between nothing and half a second times 2^(n-1)."""
        for _ in range(3):
            api.answer(503, "busy")
        client.send(batch(1))
        assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(waits))
        assert len(set(waits)) == 3

    @pytest.mark.parametrize(
        ("header", "wait"),
        [
            ("7", 7.0),
            ("86400", MAX_BACKOFF_S),
            ("Thu, 01 Jan 1970 00:00:09 GMT", 9.0),
        ],
    )
    def test_retry_after_is_honoured_within_bounds(self, api, client, waits, header, wait):
        """Seconds and dates are waited for, a day is not."""
        api.answer(429, "slow down", Retry_After=header)
        client.send(batch(1))
        assert waits == [wait]

    def test_an_unreadable_retry_after_is_ignored(self, api, client, waits):
        """A header that is neither seconds nor a date leaves the random wait."""
        api.answer(429, "slow down", Retry_After="soon")
        client.send(batch(1))
        assert 0 <= waits[0] <= 0.5

    def test_events_fail_with_the_last_reason(self, api, client):
        """When every attempt fails, each event is reported with why, later batches untried."""
        for _ in range(4):
            api.answer(503, {"error": "X", "message": "the stream failed"}, Retry_After="3")
        sent = batch(502)
        result = client.send(sent)
        assert result.accepted == 0
        assert list(result.failed) == [event.event_id for event in sent]
        assert "the stream failed" in result.failed[sent[0].event_id]
        assert result.failed[sent[501].event_id].startswith("not tried after")
        assert result.retry_after_s == 3.0
        assert len(api.bodies) == 4

    def test_an_answer_that_does_not_add_up_accepts_nothing(self, api, client):
        """A 200 that accounts for fewer events than were sent is tried again in full."""
        api.answer(200, {"accepted": 1, "failed": 0})
        assert client.send(batch(2)).accepted == 2
        assert len(api.ids(1)) == 2

    def test_a_foreign_page_accepts_nothing(self, api, client):
        """A captive portal's 200 is no acceptance."""
        api.answer(200, "<html>log in to the hotel's network</html>")
        assert client.send(batch(2)).accepted == 2
        assert len(api.bodies) == 2

    def test_an_unreachable_api_is_no_exception(self, waits):
        """With nobody listening the events are reported as failed."""
        client = IngestionApi("http://127.0.0.1:9/v1", KEY, attempts=2, sleep=waits.append)
        result = client.send(batch(1))
        assert "127.0.0.1:9" in next(iter(result.failed.values()))


class TestRejections:
    def test_a_bad_request_names_the_field(self, api, client):
        """A 400 raises with the body's message and the events concerned, without a retry."""
        api.answer(
            400,
            {
                "error": "BAD",
                "message": "Invalid request body",
                "detail": "events[0].user_id: long",
            },
        )
        sent = batch(2)
        with pytest.raises(RejectedEventsError, match=r"events\[0\]\.user_id") as caught:
            client.send(sent)
        assert caught.value.event_ids == tuple(event.event_id for event in sent)
        assert not isinstance(caught.value, RefusedSenderError)
        assert len(api.bodies) == 1

    @pytest.mark.parametrize("status", [401, 403, 404, 301])
    def test_a_wrong_key_or_address_blames_the_sender(self, api, client, status):
        """Statuses that no event can cause raise an error of their own."""
        api.answer(status, {"message": "Forbidden"}, Location="http://127.0.0.1:9/elsewhere")
        with pytest.raises(RefusedSenderError, match="Forbidden"):
            client.send(batch(1))
        assert len(api.bodies) == 1


class TestSettings:
    def test_the_key_appears_nowhere(self, api, client):
        """Neither the representation nor an error's message holds the key."""
        api.answer(403, {"message": "Forbidden"})
        with pytest.raises(RefusedSenderError) as caught:
            client.send(batch(1))
        assert KEY not in repr(client) + str(caught.value) + repr(caught.value)

    @pytest.mark.parametrize("key", ["", "  ", "two\nlines", "schlüssel"])
    def test_an_impossible_key_is_refused_unseen(self, key):
        """A key that no header can carry is refused without being repeated."""
        with pytest.raises(ApiSettingError) as caught:
            IngestionApi("http://127.0.0.1:1", key)
        assert not key.strip() or key not in str(caught.value)

    def test_an_address_without_host_is_refused(self):
        """The message repeats the address and says where to find the right one."""
        with pytest.raises(ApiSettingError, match="localhost:4566/v1"):
            IngestionApi("localhost:4566/v1", KEY)
