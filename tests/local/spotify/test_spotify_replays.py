"""Simulated listeners' histories played back on a simulated player, and the producer behind it."""

from datetime import UTC, datetime

import pytest

from musicrec.events import EventType, Source
from musicrec.local.demo import producers
from musicrec.local.listeners import Simulation
from musicrec.local.spotify.replays import replay
from musicrec.local.spotify.truth import truth

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def histories(sample_tracks):
    """What three listeners play in a day, of those who do."""
    people = Simulation(sample_tracks, listeners=3, start=START, days=1, seed=5)
    played = {person.user_id: people.history(person.user_id) for person in people.listeners}
    return {user_id: history for user_id, history in played.items() if history}


@pytest.fixture(scope="module")
def tracks(sample_tracks):
    return {track.track_id: track for track in sample_tracks}


def of(events, kind: EventType) -> list:
    return [event for event in events if event.event_type is kind]


class TestReplay:
    def test_plays_what_the_history_says(self, histories, tracks):
        """Every play is shown at its time, and as much is heard of it."""
        for history in histories.values():
            events = truth(replay(history, tracks))
            begun = [event for event in events if event.signal == "play"]
            assert [(e.t, e.song.track_id) for e in begun] == [
                (e.occurred_at, e.track_id) for e in of(history, EventType.PLAY)
            ]
            heard = [event.listened_ms for event in events if event.listened_ms is not None]
            assert heard == [e.listened_ms for e in history if e.is_terminal]

    def test_tracks_have_names(self, histories, tracks):
        """The player names tracks of the catalogue and others alike."""
        timelines = [replay(history, tracks) for history in histories.values()]
        shown = [s.song for line in timelines for s in line.showings if s.song is not None]
        assert all(song.name and song.artists for song in shown)
        assert {song.track_id in tracks for song in shown} == {True, False}


@pytest.fixture(scope="module")
def watched(histories, tracks):
    ticks = iter([10.0, 12.0])
    return producers.watch(histories.items(), tracks, clock=lambda: next(ticks))


class TestWatch:
    def test_the_producer_finds_what_can_be_seen(self, histories, watched):
        """Whatever was heard for half a minute is reported as a play, and hardly anything else."""
        for listener, history in histories.items():
            long = {e.track_id for e in history if (e.listened_ms or 0) >= 30_000}
            reported = {e.track_id for e in of(watched.events[listener], EventType.PLAY)}
            assert long <= reported <= {e.track_id for e in history}

    def test_completes_agree(self, histories, watched):
        """Tracks heard out in the history are heard out in the events, give or take a late skip."""
        for listener, history in histories.items():
            real = len(of(history, EventType.COMPLETE))
            told = len(of(watched.events[listener], EventType.COMPLETE))
            assert abs(told - real) <= max(2, 0.1 * real)

    def test_events_are_marked_and_unique(self, watched):
        """They say that they are simulated, or found in the history, and no id comes twice."""
        events = [event for each in watched.events.values() for event in each]
        assert {e.source for e in events} <= {Source.SIMULATED, Source.RECENTLY_PLAYED}
        assert len({e.event_id for e in events}) == len(events)

    def test_it_says_how_fast_it_was(self, histories, watched):
        """Polls, seconds and plays are counted."""
        assert watched.seconds == 2.0
        assert watched.polls > 100
        assert watched.found <= watched.plays
        assert watched.plays == sum(len(of(h, EventType.PLAY)) for h in histories.values())

    @pytest.mark.slow
    def test_processes_change_nothing(self, histories, tracks, watched):
        """Two of them make the same events as one, in the same order of listeners."""
        again = producers.watch(histories.items(), tracks, processes=2)
        assert list(again.events.items()) == list(watched.events.items())
        assert (again.polls, again.plays) == (watched.polls, watched.plays)

    def test_listeners_pass_one_by_one(self, histories, tracks, watched):
        """Whoever looks on sees each listener once, finished."""
        seen = []

        def passing(followed):
            for each in followed:
                seen.append(each)
                yield each

        producers.watch(histories.items(), tracks, passing=passing)
        assert [(each.listener, each.events) for each in seen] == list(watched.events.items())
