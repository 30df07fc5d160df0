"""What leaves the producer, and as what."""

import re

import msgspec
import pytest

from musicrec import events
from musicrec.events import EventType, Source
from musicrec.producer.mapping import in_order, is_track_id, listening_event, unseen_events
from musicrec.producer.playback import Ending, Item, Play, PlayerEvent, Signal
from musicrec.producer.recent import Unseen

TRACK = "5SuOikwiRyPMVoIQDJUgSV"


def happened(signal: Signal, *, ending: Ending | None = None, **item) -> PlayerEvent:
    fields = {
        "uri": f"spotify:track:{TRACK}",
        "duration_ms": 200_000,
        "track_id": TRACK,
        "name": "First Love",
        "artists": ("宇多田ヒカル",),
        "album": "First Love",
    }
    play = Play(
        play_id="play-1",
        session_id="session-1",
        item=Item(**(fields | item)),
        from_ms=0,
        signals=4,
        device_type="Speaker",
        context_uri="spotify:playlist:x",
    )
    return PlayerEvent(
        signal=signal, t=1000, session_id="session-1", play=play, position_ms=7000, ending=ending
    )


def mapped(event: PlayerEvent):
    return listening_event(event, user_id="ana", offset_ms=1_767_600_000_000)


class TestMapping:
    @pytest.mark.parametrize("event_type", list(EventType))
    def test_every_type_of_event_has_its_signal(self, event_type):
        """Each signal of the same name becomes a valid event of that type."""
        event = mapped(happened(Signal(event_type.value)))
        assert event.event_type is event_type
        assert events.decode(events.encode(event)) == event

    def test_a_terminal_in_full(self):
        """Time, listener, session, track, lengths, device and context are all carried over."""
        ending = Ending(listened_ms=7000, ratio=0.035, end_pos=7000, qualified=False, reason="next")
        event = mapped(happened(Signal.SKIP, ending=ending))
        assert events.to_mapping(event) == {
            "event_id": events.new_event_id("play-1", "skip", 4),
            "user_id": "ana",
            "session_id": "session-1",
            "track_id": TRACK,
            "event_type": "skip",
            "occurred_at": 1_767_600_001_000,
            "source": "live",
            "schema_version": 1,
            "listened_ms": 7000,
            "duration_ms": 200_000,
            "position_ms": 7000,
            "context_uri": "spotify:playlist:x",
            "device_type": "Speaker",
            "track": {
                "name": "First Love",
                "artists": ["宇多田ヒカル"],
                "album": "First Love",
            },
        }

    @pytest.mark.parametrize(
        "signal", [Signal.SESSION_START, Signal.SESSION_END, Signal.DEVICE_CHANGE]
    )
    def test_the_machine_keeps_its_own_signals(self, signal):
        """Sessions and device changes are not sent."""
        assert mapped(happened(signal)) is None

    def test_a_local_file_is_not_sent(self):
        """A track without an id of Spotify's catalogue stays with the listener."""
        assert mapped(happened(Signal.PLAY, track_id=None)) is None

    def test_ids_differ_by_type_and_number(self):
        """Two signals of one play never share an id, and the same signal always has the same."""
        first, second = happened(Signal.PAUSE), happened(Signal.PAUSE)
        second.play.signals = 6
        ids = {mapped(e).event_id for e in (first, second, happened(Signal.RESUME))}
        assert len(ids) == 3
        assert mapped(happened(Signal.PAUSE)).event_id == mapped(first).event_id

    def test_oversized_names_stay_valid(self):
        """Whatever the player shows, the event keeps to the limits."""
        event = mapped(
            happened(
                Signal.PLAY,
                name="x" * 5000,
                artists=("y" * 2000,) * 99,
                album="z" * 3000,
                duration_ms=10**12,
            )
        )
        assert events.decode(msgspec.json.encode(event)) == event

    def test_the_source_can_be_named(self):
        """Simulated plays say that they are."""
        event = listening_event(
            happened(Signal.PLAY), user_id="ana", offset_ms=10**12, source=Source.SIMULATED
        )
        assert event.source is Source.SIMULATED


class TestTrackIds:
    @pytest.mark.parametrize("text", [None, "", "a" * 21, "a" * 23, "ä" * 22, "a" * 21 + "-"])
    def test_others_are_none(self, text):
        """Only 22 ASCII letters and digits are an id."""
        assert not is_track_id(text)

    def test_the_rule_is_that_of_the_event(self):
        """What counts as an id here is what the event's pattern takes."""
        pattern = events.json_schema()["properties"]["track_id"]["pattern"]
        for text in (TRACK, TRACK[:-1], TRACK[:-1] + "_", TRACK + "0"):
            assert is_track_id(text) == bool(re.search(pattern, text))


class TestOrder:
    def watched(self, *happenings: tuple[EventType, int]) -> list[events.ListeningEvent]:
        """Events of the player, each with its time."""
        return [
            msgspec.structs.replace(mapped(happened(Signal(kind.value))), occurred_at=at)
            for kind, at in happenings
        ]

    def missed(self, started: int, ended: int) -> list[events.ListeningEvent]:
        """A play that only the history told of."""
        item = happened(Signal.PLAY).play.item
        return unseen_events(Unseen(item, started, ended, True), user_id="ana", offset_ms=0)

    def told(self, watched, missed) -> list[tuple[str, str, int]]:
        """Source, type and time in the order of sending."""
        ordered = in_order(watched, missed)
        return [(e.source.value, e.event_type.value, e.occurred_at) for e in ordered]

    def test_by_time(self):
        """What was missed long ago comes first."""
        watched = self.watched((EventType.SKIP, 500), (EventType.PLAY, 500))
        assert self.told(watched, self.missed(100, 300)) == [
            ("recently_played", "play", 100),
            ("recently_played", "complete", 300),
            ("live", "skip", 500),
            ("live", "play", 500),
        ]

    def test_in_the_same_millisecond(self):
        """A play that was missed lies between the end before and the play after it."""
        watched = self.watched((EventType.SKIP, 500), (EventType.PLAY, 500))
        assert [kind for _, kind, _ in self.told(watched, self.missed(500, 500))] == [
            "skip",
            "play",
            "complete",
            "play",
        ]

    def test_an_end_alone_comes_first(self):
        """Without a play after it, all that was watched was before."""
        watched = self.watched((EventType.PAUSE, 500), (EventType.STOP, 500))
        assert [kind for _, kind, _ in self.told(watched, self.missed(500, 900))] == [
            "pause",
            "stop",
            "play",
            "complete",
        ]

    def test_what_was_watched_alone_keeps_its_order(self):
        """Ends and begins of one moment are not turned round."""
        watched = self.watched(
            (EventType.COMPLETE, 500), (EventType.PLAY, 500), (EventType.SKIP, 500)
        )
        assert in_order(watched, []) == watched
