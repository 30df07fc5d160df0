"""The outbox: nothing lost, nothing doubled, bad events out of the way."""

import logging
import os
import sqlite3
import stat
import traceback

import pytest

from musicrec import events
from musicrec.events import EventType, ListeningEvent, Source
from musicrec.producer.ingest import IngestionApi, RefusedSenderError
from musicrec.producer.outbox import Memory, Outbox, OutboxBusyError, OutboxFileError
from musicrec.producer.playback import PlayerState

USER = "acc-1"


def event(number: int, **changes) -> ListeningEvent:
    fields = {
        "event_id": events.new_event_id("outbox", number),
        "user_id": USER,
        "session_id": "s1",
        "track_id": "5SuOikwiRyPMVoIQDJUgSV",
        "event_type": EventType.PLAY,
        "occurred_at": 1_767_600_000_000 + number,
        "source": Source.LIVE,
        "schema_version": 1,
    }
    return ListeningEvent(**(fields | changes))


def memory(plays: int = 0) -> Memory:
    return Memory(state=PlayerState(player_id="p", plays=plays), t=5, wall_ms=6)


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "home" / "outbox.sqlite")
    yield box
    box.close()


@pytest.fixture
def client(api):
    return IngestionApi(api.url, "secret-key", attempts=1)


class TestStorage:
    def test_state_and_events_survive_a_restart(self, outbox, tmp_path):
        """What was recorded is there when the file is opened again."""
        outbox.record(USER, memory(plays=3), [event(1), event(2)])
        outbox.close()
        again = Outbox(tmp_path / "home" / "outbox.sqlite")
        assert again.load(USER) == memory(plays=3)
        assert again.waiting() == 2
        again.close()

    def test_another_listener_has_another_state(self, outbox):
        """States are kept by listener."""
        outbox.record(USER, memory(), [])
        assert outbox.load("somebody else") is None

    def test_state_and_events_are_one_transaction(self, outbox):
        """When the state cannot be stored, its events are not either."""
        with pytest.raises(sqlite3.Error):
            outbox.record(None, memory(), [event(1)])
        assert outbox.waiting() == 0

    def test_an_event_waits_once(self, outbox):
        """Recording the same event again adds nothing."""
        outbox.record(USER, memory(), [event(1)])
        outbox.record(USER, memory(), [event(1)])
        assert outbox.waiting() == 1

    def test_the_file_is_private(self, outbox, tmp_path):
        """Nobody but the owner may read what a listener plays."""
        outbox.record(USER, memory(), [event(1)])
        for path in (tmp_path / "home").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path

    def test_one_process_at_a_time(self, outbox, tmp_path):
        """A second tracker on the same file is told why it cannot start."""
        with pytest.raises(OutboxBusyError, match="stop it first"):
            Outbox(tmp_path / "home" / "outbox.sqlite")
        assert outbox.waiting() == 0

    def test_a_foreign_file_is_refused(self, tmp_path):
        """A file that is no database is not overwritten."""
        path = tmp_path / "x"
        path.write_text("something else entirely, long enough to be no empty database")
        with pytest.raises(OutboxFileError, match="move the file away"):
            Outbox(path)
        assert path.read_text().startswith("something else")


class TestDelivery:
    def test_accepted_events_are_forgotten(self, outbox, api, client):
        """After a delivery the outbox is empty and the API has each event once, in order."""
        outbox.record(USER, memory(), [event(number) for number in range(700)])
        delivery = outbox.deliver(client)
        assert (delivery.accepted, delivery.problem, outbox.waiting()) == (700, None, 0)
        arrived = [row["event_id"] for body in api.bodies for row in body]
        assert arrived == [event(number).event_id for number in range(700)]

    def test_only_what_failed_stays(self, outbox, api, client):
        """Of a partly accepted batch the refused record alone waits for the next time."""
        outbox.record(USER, memory(), [event(number) for number in range(3)])
        results = [{"index": i, "status": "accepted"} for i in (0, 2)]
        results.append({"index": 1, "status": "failed", "error": "E", "message": "full"})
        api.answer(207, {"accepted": 2, "failed": 1, "results": results})
        delivery = outbox.deliver(client)
        assert (delivery.accepted, delivery.problem, outbox.waiting()) == (2, "E: full", 1)
        assert outbox.deliver(client).accepted == 1
        assert api.ids(1) == [event(1).event_id]

    def test_an_outage_keeps_everything(self, outbox, api, client):
        """A failing API costs one request and no event, and its wish to wait is passed on."""
        outbox.record(USER, memory(), [event(1)])
        api.answer(503, {"message": "down"}, Retry_After="9")
        delivery = outbox.deliver(client)
        assert (delivery.accepted, delivery.retry_after_s, outbox.waiting()) == (0, 9.0, 1)

    def test_a_bad_event_is_set_aside_alone(self, outbox, api, client):
        """The API rejects whole batches; the one bad event is found and the others arrive."""
        outbox.record(USER, memory(), [event(number) for number in range(9)])
        api.poison = event(6).event_id
        delivery = outbox.deliver(client)
        assert (delivery.accepted, delivery.set_aside, outbox.waiting()) == (8, 1, 0)
        ((event_id, reason),) = outbox.set_aside()
        assert event_id == event(6).event_id
        assert "poison" in reason

    def test_an_event_that_breaks_the_rules_never_leaves(self, outbox, api, client):
        """A clock in 1970 is found before sending, with the reason kept."""
        outbox.record(USER, memory(), [event(1, occurred_at=12), event(2)])
        assert outbox.deliver(client).accepted == 1
        ((_, reason),) = outbox.set_aside()
        assert "occurred_at" in reason
        assert len(api.bodies) == 1

    def test_a_wrong_key_keeps_everything(self, outbox, api, client):
        """Events are not blamed for a key that is refused."""
        outbox.record(USER, memory(), [event(1)])
        api.answer(403, {"message": "Forbidden"})
        with pytest.raises(RefusedSenderError):
            outbox.deliver(client)
        assert (outbox.waiting(), outbox.set_aside()) == (1, [])

    def test_the_key_is_not_in_the_file(self, outbox, api, client, tmp_path):
        """No file of the outbox holds the key, whatever happened."""
        outbox.record(USER, memory(), [event(1)])
        api.poison = event(1).event_id
        outbox.deliver(client)
        for name in os.listdir(tmp_path / "home"):  # noqa: PTH208 - names, to open each
            assert b"secret-key" not in (tmp_path / "home" / name).read_bytes()


class TestBounds:
    def plays(self, numbers) -> list[ListeningEvent]:
        """Two events a play: its begin and its end."""
        return [
            event(2 * number + half, event_type=kind)
            for number in numbers
            for half, kind in enumerate((EventType.PLAY, EventType.SKIP))
        ]

    def test_a_full_outbox_gives_up_its_oldest_plays(self, tmp_path, api, client):
        """What happened last is kept, plays stay whole, and the loss is counted."""
        outbox = Outbox(tmp_path / "small.sqlite", most=101)
        for number in range(80):
            outbox.record(USER, memory(), self.plays([number]))
        assert (outbox.waiting(), outbox.given_up()) == (100, 60)
        outbox.deliver(client)
        assert api.ids(0) == [event(number).event_id for number in range(60, 160)]
        outbox.close()

    def test_one_large_record_is_cut_as_well(self, tmp_path):
        """The bound holds however many events come at once."""
        outbox = Outbox(tmp_path / "small.sqlite", most=10)
        outbox.record(USER, memory(), self.plays(range(50)))
        assert (outbox.waiting(), outbox.given_up()) == (10, 90)
        outbox.close()

    def test_the_loss_is_remembered(self, tmp_path):
        """After a restart the listener still learns of it."""
        for start in (0, 10):
            outbox = Outbox(tmp_path / "small.sqlite", most=10)
            outbox.record(USER, memory(), self.plays(range(start, start + 10)))
            outbox.close()
        outbox = Outbox(tmp_path / "small.sqlite")
        assert outbox.given_up() == 30
        outbox.close()

    def test_rejected_events_are_bounded_too(self, outbox, monkeypatch):
        """Of what is set aside the newest stay to be looked at."""
        monkeypatch.setattr("musicrec.producer.outbox.MAX_SET_ASIDE", 3)
        outbox.record(USER, memory(), [event(number, occurred_at=12) for number in range(9)])
        kept = [event_id for event_id, _ in outbox.set_aside()]
        assert kept == [event(number).event_id for number in (6, 7, 8)]


class TestSecrets:
    KEY = "secret-key"

    @pytest.fixture
    def echoing(self, api):
        """An API that repeats the key in whatever it answers."""

        def answer(status: int) -> None:
            api.answer(status, {"message": f"bad {self.KEY}", "detail": f"x-api-key: {self.KEY}"})

        return answer

    def test_are_in_no_reason(self, outbox, echoing, client, tmp_path):
        """An answer that quotes the key is kept without it."""
        outbox.record(USER, memory(), [event(1)])
        echoing(400)
        echoing(400)
        outbox.deliver(client)
        ((_, reason),) = outbox.set_aside()
        assert "bad [the API key]" in reason
        for path in (tmp_path / "home").iterdir():
            assert self.KEY.encode() not in path.read_bytes()

    @pytest.mark.parametrize("status", [403, 500])
    def test_are_in_no_error_and_no_log(self, outbox, echoing, client, caplog, status):
        """Neither a problem, a traceback with its local variables, nor a debug log shows the key."""
        caplog.set_level(logging.DEBUG)
        outbox.record(USER, memory(), [event(1)])
        echoing(status)
        try:
            shown = outbox.deliver(client).problem
        except RefusedSenderError as error:
            trace = traceback.TracebackException.from_exception(error, capture_locals=True)
            shown = "".join(trace.format())
        assert "the API key" in shown
        assert self.KEY not in shown + caplog.text

    def test_a_long_answer_is_not_cut_within_the_key(self, outbox, api, client):
        """Half of a key is a secret too."""
        outbox.record(USER, memory(), [event(1)])
        api.answer(500, "x" * 195 + self.KEY)
        assert "secret" not in outbox.deliver(client).problem

    def test_a_part_of_a_batch_is_no_exception(self, outbox, api, client):
        """The reason of a single record may come from anywhere."""
        outbox.record(USER, memory(), [event(1)])
        row = {"index": 0, "status": "failed", "error": "E", "message": self.KEY}
        api.answer(207, {"accepted": 0, "failed": 1, "results": [row]})
        assert self.KEY not in outbox.deliver(client).problem


class TestKnownPlays:
    def test_plays_are_known_with_their_ends(self, outbox):
        """What the tracker records is there for a later import, one row a play."""
        box = outbox
        box.record(USER, memory(), [event(1), event(2, event_type=EventType.SKIP)])
        box.record(USER, memory(), [event(3)])
        box.record(USER, memory(), [event(3)])
        with box.known_plays() as known:
            ended, running = known.of(USER)
        assert (ended.started_at, ended.ended_at) == (1_767_600_000_001, 1_767_600_000_002)
        assert running.ended_at is None
