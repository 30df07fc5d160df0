"""One play: its timeline with a pause and a jump, and how endings depend on what came before."""

from __future__ import annotations

import numpy as np
import pytest

from musicrec.events import EventType
from musicrec.local.listeners.habits import between, draw_habits
from musicrec.local.listeners.library import Weighted
from musicrec.local.listeners.plays import Listen, Place, draw_ending, draw_listen, events_of
from musicrec.local.listeners.sessions import active_days
from musicrec.local.listeners.tastes import Song

SONG = Song("0" * 22, "artist", "tango", 200_000)
PLACE = Place(
    user_id="u", session_id="s", key=("k",), context_uri="spotify:artist:x", device_type="TV"
)
HABITS = draw_habits(np.random.default_rng(1), 0.7)


def skip_share(**circumstances) -> float:
    rng = np.random.default_rng(2)
    usual = {"liking": 0.0, "is_new": False, "after_skip": False, "last": False}
    endings = [draw_ending(rng, HABITS, **(usual | circumstances)) for _ in range(2000)]
    return sum(ending is EventType.SKIP for ending in endings) / len(endings)


class TestEventsOf:
    def test_a_pause_and_a_jump_move_time_and_position(self):
        """The pause delays what follows, the jump shortens what is heard."""
        listen = Listen(
            song=SONG, ending=EventType.COMPLETE, started=0, ended=200_000,
            jump=(100_000, 150_000), pause=(40_000, 7_000),
        )  # fmt: skip
        told = [
            (event.event_type.value, event.occurred_at, event.position_ms, event.listened_ms)
            for event in events_of(listen, PLACE, 10**12)
        ]
        assert told == [
            ("play", 10**12, 0, None),
            ("pause", 10**12 + 40_000, 40_000, None),
            ("resume", 10**12 + 47_000, 40_000, None),
            ("seek", 10**12 + 107_000, 150_000, None),
            ("complete", 10**12 + 157_000, 200_000, 150_000),
        ]

    def test_a_jump_back_is_heard_again(self):
        """Going back ten seconds adds ten seconds of listening."""
        listen = Listen(
            song=SONG, ending=EventType.STOP, started=50_000, ended=90_000, jump=(70_000, 60_000)
        )
        assert listen.listened_ms == listen.elapsed_ms == 50_000

    def test_ids_come_from_the_place(self):
        """The same play has the same ids again, another play has others."""
        listen = Listen(song=SONG, ending=EventType.SKIP, started=0, ended=2_000)
        first, again = ([e.event_id for e in events_of(listen, PLACE, 10**12)] for _ in range(2))
        assert first == again
        assert len(set(first)) == 2


class TestDrawListen:
    @pytest.mark.parametrize("ending", [EventType.COMPLETE, EventType.SKIP, EventType.STOP])
    @pytest.mark.parametrize("duration", [1_000, 35_000, 200_000, 2_500_000])
    def test_the_course_fits_the_track(self, ending, duration):
        """Whatever the length of the track, something is heard and nothing beyond its end."""
        rng = np.random.default_rng(3)
        song = Song("0" * 22, "artist", "tango", duration)
        for _ in range(300):
            listen = draw_listen(rng, HABITS, song, ending, first=True)
            assert 0 <= listen.started < listen.ended <= duration
            assert listen.listened_ms > 0
            times = [event.occurred_at for event in events_of(listen, PLACE, 10**12)]
            assert times == sorted(set(times))


class TestDrawEnding:
    def test_skips_come_in_bursts(self):
        """Whoever has just skipped skips far more."""
        assert skip_share(after_skip=True) > 2 * skip_share()

    def test_what_suits_less_is_skipped_more(self):
        """The odds of a skip fall with the liking."""
        assert skip_share(liking=2.0) < skip_share() < skip_share(liking=-2.0)

    def test_new_tracks_are_skipped_more(self):
        """A track never heard has less credit."""
        assert skip_share(is_new=True) > skip_share()


class TestDraws:
    def test_between_keeps_range_and_median(self):
        """Half of the draws fall below the median and none outside the range."""
        rng = np.random.default_rng(4)
        draws = np.array([between(rng, 1, 3, 40) for _ in range(4000)])
        assert 1 <= draws.min() < draws.max() <= 40
        assert np.median(draws) == pytest.approx(3, rel=0.1)

    def test_weighted_draws_follow_the_weights(self):
        """An item of three times the weight comes three times as often."""
        rng = np.random.default_rng(5)
        stock: Weighted[str] = Weighted()
        stock.append("rare", 1.0)
        stock.append("common", 3.0)
        share = sum(stock.draw(rng) == "common" for _ in range(4000)) / 4000
        assert share == pytest.approx(0.75, abs=0.03)

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_active_days_follow_the_share(self, share):
        """Over a long window the share of active days is the one asked for."""
        days = list(active_days(np.random.default_rng(6), share, 700))
        assert len(days) / 700 == pytest.approx(share, abs=0.06)
        assert days == sorted(set(days))
        assert any(day < 5 for day in days)
