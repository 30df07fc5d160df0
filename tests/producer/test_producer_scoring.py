"""How the producer's accuracy is counted, and that it keeps what its page promises."""

import pytest

from benchmarks import producer
from benchmarks.scoring import Score, emitted_plays, paired, true_plays
from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.local.spotify.timelines import Song
from musicrec.local.spotify.truth import TrueEvent
from musicrec.producer.playback import Signal

A, B = (Song(letter * 21 + "0", 200_000, letter, ("Ana",), "One") for letter in "AB")


def true(play: int, signal: Signal, seconds: float, song: Song = A, heard: float | None = None):
    listened = None if heard is None else round(heard * 1000)
    return TrueEvent(
        t=round(seconds * 1000), signal=signal, song=song, play=play, listened_ms=listened
    )


def told(kind: EventType, seconds: float, song: Song = A, heard: float | None = None):
    return ListeningEvent(
        event_id=new_event_id(kind, str(seconds), song.track_id),
        user_id="u",
        session_id="s",
        track_id=song.track_id,
        event_type=kind,
        occurred_at=round(seconds * 1000) + 1_000_000_000_000,
        source=Source.LIVE,
        schema_version=1,
        listened_ms=None if heard is None else round(heard * 1000),
    )


def scored(truth, emitted) -> Score:
    score = Score()
    shifted = [
        TrueEvent(
            t=e.t + 1_000_000_000_000,
            signal=e.signal,
            song=e.song,
            play=e.play,
            listened_ms=e.listened_ms,
        )
        for e in truth
    ]
    score.add(shifted, emitted, 15_000)
    return score


TRUTH = [
    true(0, Signal.PLAY, 0),
    true(0, Signal.COMPLETE, 200, heard=200),
    true(1, Signal.PLAY, 200, B),
    true(1, Signal.SKIP, 260, B, heard=60),
]
RIGHT = [
    told(EventType.PLAY, 0),
    told(EventType.COMPLETE, 200, heard=199.9),
    told(EventType.PLAY, 200, B),
    told(EventType.SKIP, 260, B, heard=60),
]


class TestScore:
    def test_all_right(self):
        """Right events score full, and the error is that of the listened time."""
        score = scored(TRUTH, RIGHT)
        assert (score.missed_share, score.wrong_share, score.invented) == (0, 0, 0)
        assert score.precision(EventType.SKIP) == score.recall(EventType.SKIP) == 1
        assert score.error_ms(100) == pytest.approx(100)

    def test_a_missed_play(self):
        """A play that was never told is missed, and counted apart when it was long."""
        score = scored(TRUTH, RIGHT[:2])
        assert (score.missed_share, score.missed_long) == (0.5, 1)
        assert score.recall(EventType.PLAY) == 0.5

    def test_a_wrong_end(self):
        """A complete that was a skip is wrong, in precision and recall of both."""
        score = scored(TRUTH, [*RIGHT[:3], told(EventType.COMPLETE, 260, B, heard=60)])
        assert score.wrong_share == 0.5
        assert score.precision(EventType.COMPLETE) == 0.5
        assert score.recall(EventType.SKIP) == 0

    def test_a_neutral_end_is_not_wrong(self):
        """A stop asserts nothing, so it is missing from recall only."""
        score = scored(TRUTH, [*RIGHT[:3], told(EventType.STOP, 260, B, heard=60)])
        assert score.wrong_share == 0
        assert score.recall(EventType.SKIP) == 0

    def test_a_play_told_twice(self):
        """The second of two claims of one play is invented."""
        again = [told(EventType.PLAY, 3), told(EventType.COMPLETE, 203, heard=200)]
        assert scored(TRUTH, [*RIGHT, *again]).invented == 1

    def test_the_same_event_twice(self):
        """An id that comes again is counted."""
        assert scored(TRUTH, [*RIGHT, RIGHT[-1]]).doubled_ids == 1

    def test_pairs_are_nearest_and_one_to_one(self):
        """Of two repeats each claim takes the nearer; another track never pairs."""
        real = true_plays([true(0, Signal.PLAY, 0), true(1, Signal.PLAY, 10)])
        claims = emitted_plays([told(EventType.PLAY, 9), told(EventType.PLAY, 1)])
        for claim in claims:
            claim.started -= 1_000_000_000_000
        assert sorted(paired(real, claims, 15_000)) == [(0, 1), (1, 0)]
        assert paired(true_plays([true(0, Signal.PLAY, 0, B)]), claims, 15_000) == []


@pytest.mark.slow
def test_a_truthful_server_is_followed_as_promised():
    """On simulated evenings at 10 s the published bounds hold, and simpler trackers miss them."""
    ours = producer.run(producer.Case("truthful", listeners=6)).score
    assert ours.missed_share <= 0.02
    assert ours.wrong_share <= 0.005
    assert ours.error_ms(50) <= 100
    assert ours.doubled_ids == 0
    rival = producer.run(producer.Case("truthful", way="diff", listeners=2)).score
    assert rival.wrong_share > 0.03
    assert rival.error_ms(50) > 1_000
