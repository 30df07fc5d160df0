"""How long the producer waits before it asks again."""

import random

import pytest

from musicrec.producer.auth import LoginRequiredError, UnavailableError
from musicrec.producer.pacing import Pace
from musicrec.producer.playback import Item, Kind, Play, PlayerState, Snapshot
from musicrec.producer.spotify import NotAllowedError, QuotaExceededError, RateLimitedError

RESTING = PlayerState(player_id="p")


@pytest.fixture
def pace():
    return Pace(random.Random(1))


def playing(position_s: float, t: int = 0, uri: str = "A") -> Snapshot:
    item = Item(uri, 200_000)
    return Snapshot(t=t, kind=Kind.PLAY, item=item, position_ms=round(position_s * 1000))


def shown(kind: Kind, t: int = 0) -> Snapshot:
    return Snapshot(t=t, kind=kind, item=Item("A", 200_000))


class TestAnswers:
    def test_playing(self, pace):
        """In the middle of a track, ten seconds."""
        assert pace.after(playing(50), RESTING) == 10.0

    @pytest.mark.parametrize(("position", "wait"), [(191, 10.0), (195, 6.0), (199.5, 1.5)])
    def test_near_the_end(self, pace, position, wait):
        """One second after the predicted end, if that is sooner."""
        assert pace.after(playing(position), RESTING) == pytest.approx(wait)

    def test_beyond_the_end(self, pace):
        """A position past the end does not make it ask without pause."""
        assert pace.after(playing(230), RESTING) == 10.0

    def test_a_run_of_skips_is_followed_closely(self, pace):
        """After a track that was left early the next polls come within seconds, then as before."""
        pace.after(playing(50), RESTING)
        waits = [pace.after(playing(2 + t, 10_000 + 1000 * t, "B"), RESTING) for t in (0, 3, 6, 10)]
        assert waits == [3.0, 3.0, 4.0, 10.0]

    def test_a_track_that_ended_is_no_skip(self, pace):
        """The track after one whose end was due is polled for at the usual pace."""
        pace.after(playing(195), RESTING)
        assert pace.after(playing(1, 6_000, "B"), RESTING) == 10.0

    def test_a_long_rest_is_asked_about_less(self, pace):
        """Idle answers come every 30 seconds for an hour, then ever less; playing starts over."""
        at = (0, 3_500, 3_700, 11_000)
        waits = [pace.after(shown(Kind.IDLE, 1000 * t), RESTING) for t in at]
        assert waits == [30.0, 30.0, 60.0, 120.0]
        pace.after(playing(50, 12_000_000), RESTING)
        assert pace.after(shown(Kind.IDLE, 12_010_000), RESTING) == 30.0

    def test_a_pause(self, pace):
        """A pause is watched as closely as playing for two minutes, then less."""
        waits = [pace.after(shown(Kind.PAUSE, 1000 * t), RESTING) for t in (0, 119, 121, 601)]
        assert waits == [10.0, 10.0, 15.0, 30.0]

    def test_an_interrupted_play_is_watched(self, pace):
        """Nothing shown while a track should play is asked again soon."""
        play = Play(play_id="x", session_id="s", item=Item("A", 200_000), from_ms=0)
        assert pace.after(shown(Kind.IDLE), PlayerState(player_id="p", play=play)) == 10.0


class TestErrors:
    def test_outages_are_asked_less_and_less(self, pace):
        """The wait doubles from a second to a minute, jittered downwards by half at most."""
        waits = [pace.after_error(UnavailableError("x"), 0) for _ in range(9)]
        bounds = [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert all(b / 2 <= wait <= b for wait, b in zip(waits, bounds, strict=True))

    def test_an_answer_ends_the_outage(self, pace):
        """After an answer the next failure starts at a second again."""
        for _ in range(5):
            pace.after_error(UnavailableError("x"), 0)
        pace.after(playing(50), RESTING)
        assert pace.after_error(UnavailableError("x"), 0) <= 1.0

    def test_a_refusal_is_tried_twice(self, pace):
        """A bogus 403 passes at once; a real one is asked about every ten minutes."""
        waits = [pace.after_error(NotAllowedError("x"), 0) for _ in range(4)]
        assert waits == [2.0, 2.0, 600.0, 600.0]

    def test_a_missing_login(self, pace):
        """The token file is looked at every minute."""
        assert pace.after_error(LoginRequiredError("x"), 0) == 60.0

    def test_a_rate_limit_slows_down_for_ten_minutes(self, pace):
        """After waiting as asked, polls come half as often for ten minutes."""
        assert pace.after_error(RateLimitedError("x", 7.0), 0) == 7.0
        assert pace.after(playing(50, t=60_000), RESTING) == 20.0
        assert pace.after(playing(50, t=608_000), RESTING) == 10.0

    def test_slow_polls_still_meet_the_end(self, pace):
        """However slow, the poll after a predicted end is not put off."""
        pace.after_error(RateLimitedError("x", 7.0), 0)
        assert pace.after(playing(195, t=60_000), RESTING) == 6.0

    def test_a_used_up_quota_slows_down_for_a_day(self, pace):
        """After waiting as asked, polls come every 30 seconds for a day."""
        assert pace.after_error(QuotaExceededError("x", 50_000.0), 0) == 50_000.0
        assert pace.after(playing(50, t=100_000_000), RESTING) == 30.0
        assert pace.after(playing(50, t=140_000_000), RESTING) == 10.0
