"""What really happens in a simulated player, and what a perfect observer says of it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.local.spotify.evenings import Manner, evening, songs
from musicrec.local.spotify.timelines import (
    Cause,
    Medium,
    Showing,
    Song,
    Timeline,
    TimelineOrderError,
)
from musicrec.local.spotify.truth import truth

A = Song("A" * 22, 200_000, "A", ("Ana",), "One")
B = Song("B" * 22, 100_000, "B", ("Ben",), "Two")
ENDS = {"complete", "skip", "stop"}
STILL = {"playing": False, "moving": False}


def told(*showings: Showing) -> list[tuple[float, str, str, float | None]]:
    """The truth in a line an event: seconds, what, track, seconds heard."""
    return [
        (
            event.t / 1000,
            str(event.signal),
            event.song.name,
            None if event.listened_ms is None else event.listened_ms / 1000,
        )
        for event in truth(Timeline(showings))
    ]


def at(seconds: float, cause: Cause, song: Song | None = A, position: float = 0, **state):
    return Showing(
        at=round(seconds * 1000),
        cause=cause,
        song=song,
        position_ms=round(position * 1000),
        **state,
    )


def closed(seconds: float) -> Showing:
    return at(seconds, Cause.CLOSE, None, medium=Medium.NOTHING, **STILL)


class TestTimeline:
    def test_a_position_moves_with_the_clock_up_to_the_end(self):
        """Playing moves the position, standing still does not, and no position passes the length."""
        assert at(0, Cause.BEGIN).position_at(50_000) == 50_000
        assert at(0, Cause.BEGIN).position_at(500_000) == 200_000
        assert at(0, Cause.PAUSE, position=7, **STILL).position_at(50_000) == 7_000

    def test_the_state_at_a_moment(self):
        """The last change before a moment is in force; before the first there is none."""
        timeline = Timeline([at(10, Cause.BEGIN), closed(20)])
        assert timeline.at(9_999) is None
        assert timeline.at(10_000).song == A
        assert timeline.at(20_000).medium is Medium.NOTHING

    def test_disorder_is_refused(self):
        """Changes out of order are named."""
        with pytest.raises(TimelineOrderError, match="change 1"):
            Timeline([closed(20), at(10, Cause.BEGIN)])


class TestTruth:
    def test_heard_out_and_left(self):
        """A track to its end is complete, one left in the middle is a skip."""
        assert told(at(0, Cause.BEGIN), at(200, Cause.BEGIN, B), at(230, Cause.BEGIN)) == [
            (0, "play", "A", None),
            (200, "complete", "A", 200),
            (200, "play", "B", None),
            (230, "skip", "B", 30),
            (230, "play", "A", None),
        ]

    def test_silence_is_not_heard(self):
        """Neither a pause nor buffering adds to what was heard."""
        events = told(
            at(0, Cause.BEGIN),
            at(50, Cause.PAUSE, position=50, **STILL),
            at(80, Cause.RESUME, position=50),
            at(90, Cause.BUFFER, position=60, moving=False),
            at(91, Cause.BEGIN, B),
        )
        assert [event[:2] for event in events] == [
            (0, "play"),
            (50, "pause"),
            (80, "resume"),
            (91, "skip"),
            (91, "play"),
        ]
        assert events[3][3] == 60

    def test_a_long_pause_before_another_track_is_neutral(self):
        """Leaving a track after a minute's pause judges nothing."""
        paused = at(50, Cause.PAUSE, position=50, **STILL)
        assert told(at(0, Cause.BEGIN), paused, at(111, Cause.BEGIN, B))[2][1] == "stop"
        assert told(at(0, Cause.BEGIN), paused, at(110, Cause.BEGIN, B))[2][1] == "skip"

    def test_a_jump_to_the_end_is_no_listen(self):
        """Scrubbed to the end, a track is skipped; with half of it heard it is complete."""
        for left, ending in ((20, "skip"), (120, "complete")):
            jump = at(left, Cause.SEEK, position=195)
            assert told(at(0, Cause.BEGIN), jump, at(left + 5, Cause.BEGIN, B))[2][1] == ending

    def test_back_to_the_start(self):
        """With half heard it is a new play, otherwise a jump."""
        assert [e[1] for e in told(at(0, Cause.BEGIN), at(120, Cause.RESTART))] == [
            "play",
            "stop",
            "play",
        ]
        assert [e[1] for e in told(at(0, Cause.BEGIN), at(20, Cause.RESTART))] == ["play", "seek"]

    def test_repeat_one(self):
        """Each round is a play of its own."""
        rounds = told(at(0, Cause.BEGIN, B), at(100, Cause.AGAIN, B), closed(150))
        assert [event[1] for event in rounds] == ["play", "complete", "play", "stop"]

    def test_private_sessions_leave_nothing(self):
        """A private session ends the play before it, and nothing of it is told."""
        events = told(
            at(0, Cause.BEGIN),
            at(50, Cause.PRIVATE, position=50, private=True),
            at(90, Cause.BEGIN, B, private=True),
            at(120, Cause.BEGIN),
        )
        assert [event[:3] for event in events] == [
            (0, "play", "A"),
            (50, "stop", "A"),
            (120, "play", "A"),
        ]

    def test_another_medium_is_not_told(self):
        """An advertisement ends the play before it and is none itself."""
        ad = at(200, Cause.BEGIN, None, medium=Medium.AD)
        assert [e[1] for e in told(at(0, Cause.BEGIN), ad, closed(230))] == ["play", "complete"]


class TestEvenings:
    @given(st.integers(0, 10**6))
    @settings(max_examples=15, deadline=None)
    def test_every_play_ends_once_and_hears_no_more_than_time_allows(self, seed):
        """Plays and terminals alternate, in order of time, heard within the time between."""
        rng = random.Random(seed)
        events = truth(evening(rng, songs(rng, 40), start_ms=0, hours=2))
        begun = None
        for event, before in zip(events, [None, *events], strict=False):
            assert before is None or event.t >= before.t
            if event.signal == "play":
                assert begun is None
                begun = event
            elif event.signal in ENDS:
                assert event.play == begun.play
                assert 0 <= event.listened_ms <= event.t - begun.t
                begun = None
        assert begun is None

    def test_nearly_half_of_the_plays_are_skipped(self):
        """The usual manner leaves 45 % of the plays to the skip."""
        rng = random.Random(1)
        catalogue = songs(rng, 200)
        kinds = [
            event.signal
            for _ in range(10)
            for event in truth(evening(rng, catalogue, start_ms=0, hours=6))
        ]
        assert 0.42 < kinds.count("skip") / kinds.count("play") < 0.48

    def test_a_crossfade_ends_tracks_early(self):
        """Every track that is heard out is replaced that long before its end."""
        rng = random.Random(1)
        calm = Manner(
            skip=0, pause=0, seek=0, restart=0, back=0, again=0, device=0, opaque=0,
            private=0, close=0, crossfade_ms=6_000,
        )  # fmt: skip
        events = truth(evening(rng, songs(rng, 20), start_ms=0, hours=1, manner=calm))
        heard = [event for event in events if event.signal == "complete"]
        assert heard
        assert all(event.song.duration_ms - event.listened_ms == 6_000 for event in heard)
