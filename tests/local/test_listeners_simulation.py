"""The histories of simulated listeners: valid, in order, and the same again for the same seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from musicrec import events
from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.listeners import (
    Simulation,
    UnknownGenreError,
    UnknownListenerError,
    demo_listeners,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
PRINTS_A_DIGEST = """
import hashlib, sys
from musicrec import events
from musicrec.catalog import read_kaggle
from musicrec.local.listeners import demo_listeners
tracks, _ = read_kaggle(sys.argv[1])
played = demo_listeners(tracks, listeners=3, days=3, seed=7).events()
print(hashlib.sha256(b"".join(map(events.encode, played))).hexdigest())
"""


def simulate(tracks: list[Track], **settings) -> Simulation:
    defaults = {"listeners": 6, "start": START, "days": 10, "seed": 5}
    return Simulation(tracks, **(defaults | settings))


def by_listener(played) -> dict[str, list[ListeningEvent]]:
    histories = defaultdict(list)
    for event in played:
        histories[event.user_id].append(event)
    return histories


@pytest.fixture(scope="module")
def simulation(sample_tracks) -> Simulation:
    return simulate(sample_tracks)


@pytest.fixture(scope="module")
def played(simulation) -> list[ListeningEvent]:
    return list(simulation.events())


class TestEvents:
    def test_every_event_survives_the_strict_decoder(self, played):
        """Simulated events are valid listening events, down to each limit of each field."""
        assert len(played) > 500
        assert [events.decode(events.encode(event)) for event in played] == played

    def test_event_ids_are_unique(self, played):
        """No two events share an id."""
        assert len({event.event_id for event in played}) == len(played)

    def test_the_source_is_simulated(self, played):
        """Nobody can take a simulated event for a real one."""
        assert {event.source for event in played} == {events.Source.SIMULATED}

    def test_time_only_moves_forward_for_a_listener(self, played):
        """A listener does one thing after another."""
        for history in by_listener(played).values():
            assert all(a.occurred_at < b.occurred_at for a, b in pairwise(history))

    def test_everyones_events_come_in_order_of_time(self, played):
        """The stream of all listeners is ordered by event time."""
        assert all(a.occurred_at <= b.occurred_at for a, b in pairwise(played))

    def test_everything_happens_inside_the_window(self, played):
        """No event is before the first day or after the last."""
        end = START + timedelta(days=10)
        assert all(START <= event.occurred_time <= end for event in played)

    def test_each_play_is_closed_by_exactly_one_terminal(self, played):
        """Play, signals of the same track, one terminal, and only then the next play."""
        for history in by_listener(played).values():
            playing = None
            for event in history:
                if event.event_type is EventType.PLAY:
                    assert playing is None
                    playing = event
                assert playing is not None
                assert event.track_id == playing.track_id
                assert event.session_id == playing.session_id
                if event.is_terminal:
                    playing = None
            assert playing is None

    def test_positions_lie_inside_the_track(self, played):
        """Positions run from 0 to the length, and a completed play ends at the end."""
        assert all(0 <= event.position_ms <= event.duration_ms for event in played)
        completes = [event for event in played if event.event_type is EventType.COMPLETE]
        assert all(event.position_ms == event.duration_ms for event in completes)

    def test_audible_time_is_told_by_terminals_alone(self, played):
        """Only a terminal event knows how long the play was heard."""
        assert all((event.listened_ms is not None) == event.is_terminal for event in played)

    def test_a_terminal_comes_no_sooner_than_what_was_heard(self, played):
        """Nobody hears more than the time that passed."""
        for history in by_listener(played).values():
            started = 0
            for event in history:
                started = event.occurred_at if event.event_type is EventType.PLAY else started
                if event.is_terminal:
                    assert 0 < event.listened_ms <= event.occurred_at - started

    def test_all_kinds_of_events_happen(self, played):
        """Plays, all three endings and all signals are there for consumers to meet."""
        assert set(Counter(event.event_type for event in played)) == set(EventType)

    def test_a_resume_follows_its_pause(self, played):
        """Between a pause and its resume nothing else happens."""
        for history in by_listener(played).values():
            for before, event in pairwise(history):
                paused = before.event_type is EventType.PAUSE
                assert paused == (event.event_type is EventType.RESUME)

    def test_a_silence_of_half_an_hour_separates_sessions(self, played):
        """Sessions of a listener never touch."""
        for history in by_listener(played).values():
            for before, event in pairwise(history):
                if before.session_id != event.session_id:
                    assert event.occurred_at - before.occurred_at > 30 * 60_000


class TestTracks:
    def test_tracks_outside_the_catalogue_carry_their_names(self, played, sample_tracks):
        """The system can name what the catalogue lacks, and only that is named by the event."""
        catalogued = {track.track_id for track in sample_tracks}
        assert all((event.track_id in catalogued) == (event.track is None) for event in played)
        assert all(event.track.artists for event in played if event.track)

    def test_some_names_are_not_ascii(self, played):
        """Titles and artists in other scripts reach every consumer."""
        named = [event.track for event in played if event.track]
        assert any(not track.name.isascii() for track in named)
        assert any(not track.artists[0].isascii() for track in named)

    @pytest.mark.slow
    @pytest.mark.parametrize("share", [0.0, 0.21, 0.7, 1.0])
    def test_the_share_of_the_catalogue_follows_the_parameter(self, sample_tracks, share):
        """The mean listener's plays are in the catalogue about as often as asked for, or always, or never."""
        population = simulate(sample_tracks, listeners=40, days=7, in_catalog=share)
        catalogued = {track.track_id for track in sample_tracks}
        shares = [
            np.mean([event.track_id in catalogued for event in history])
            for history in by_listener(population.events()).values()
        ]
        assert np.mean(shares) == pytest.approx(share, abs=0.1 if 0 < share < 1 else 0)

    def test_invented_tracks_are_the_same_for_every_seed(self, sample_tracks):
        """Listeners of all simulations share one invented repertoire."""
        first, second = (
            {
                event.track_id: event.track
                for event in simulate(sample_tracks, seed=seed, in_catalog=0.0).events()
            }
            for seed in (1, 2)
        )
        both = first.keys() & second.keys()
        assert both
        assert all(first[track_id] == second[track_id] for track_id in both)


class TestReproducibility:
    def test_the_same_seed_gives_the_same_events(self, simulation, played, sample_tracks):
        """Two simulations of one seed are equal, and one asked twice answers the same."""
        assert list(simulation.events()) == played
        assert list(simulate(sample_tracks).events()) == played

    def test_another_seed_gives_other_people(self, played, sample_tracks):
        """No event of one seed has the id of one of another."""
        others = {event.event_id for event in simulate(sample_tracks, seed=6).events()}
        assert not others & {event.event_id for event in played}

    def test_a_history_does_not_depend_on_how_many_others_there_are(
        self, simulation, sample_tracks
    ):
        """The second of two listeners lives as the second of six."""
        few = simulate(sample_tracks, listeners=2)
        assert few.history("listener-0002") == simulation.history("listener-0002")

    @pytest.mark.parametrize("days", [1, 4, 7, 9])
    def test_a_shorter_window_is_the_beginning_of_a_longer(self, simulation, sample_tracks, days):
        """More days add events at the end and change none."""
        for person in simulation.listeners:
            short = simulate(sample_tracks, days=days).history(person.user_id)
            assert simulation.history(person.user_id)[: len(short)] == short

    def test_the_order_of_the_catalogue_does_not_matter(self, played, sample_tracks):
        """The same tracks in another order make the same history."""
        assert list(simulate(sample_tracks[::-1]).events()) == played

    @pytest.mark.slow
    def test_hash_randomisation_changes_nothing(self, sample_tracks, pytestconfig):
        """Processes with different hash seeds print the digest that this one computes."""
        sample = pytestconfig.rootpath / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"
        here = demo_listeners(sample_tracks, listeners=3, days=3, seed=7).events()
        digest = hashlib.sha256(b"".join(map(events.encode, here))).hexdigest()
        for hash_seed in ("0", "4242"):
            done = subprocess.run(
                [sys.executable, "-c", PRINTS_A_DIGEST, str(sample)],
                env=os.environ | {"PYTHONHASHSEED": hash_seed},
                cwd=pytestconfig.rootpath,
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.strip() == digest


class TestPeople:
    def test_everyone_listens_in_the_first_five_days(self, sample_tracks):
        """No simulated listener is without events, however seldom they listen."""
        population = simulate(sample_tracks, listeners=60, days=5, seed=3)
        assert set(by_listener(population.events())) == {p.user_id for p in population.listeners}

    def test_skips_follow_from_taste(self, simulation):
        """What suits a listener's features more is skipped less."""
        person = simulation.listeners[0]
        assert np.linalg.norm(person.taste.features) == pytest.approx(1.0)
        liked, disliked = (skip_share(simulation, sign) for sign in (1, -1))
        assert liked < disliked - 0.03

    def test_favourite_genres_are_ranked_by_taste(self, simulation):
        """The dearest genre comes first."""
        person = simulation.listeners[0]
        first, second = person.favourite_genres(2)
        shares = dict(zip(person.genres, person.taste.genres.tolist(), strict=True))
        assert shares[first] == max(shares.values()) >= shares[second]

    def test_an_unknown_listener_is_named_in_the_error(self, simulation):
        """Asking for somebody else fails with the id that was asked for."""
        with pytest.raises(UnknownListenerError, match="'nobody'"):
            simulation.history("nobody")

    @pytest.mark.parametrize(
        "wrong", [{"listeners": 0}, {"days": 0}, {"seed": -1}, {"in_catalog": 1.5}]
    )
    def test_settings_out_of_range_are_refused(self, sample_tracks, wrong):
        """A population of nobody, an empty window or an impossible share is a mistake."""
        with pytest.raises(ValueError, match=next(iter(wrong))):
            simulate(sample_tracks, **wrong)

    def test_a_start_without_time_zone_is_refused(self, sample_tracks):
        """A naive start would mean another moment on every machine."""
        with pytest.raises(ValueError, match="no time zone"):
            simulate(sample_tracks, start=datetime(2026, 1, 5))  # noqa: DTZ001 - the mistake

    def test_a_catalogue_without_genres_is_refused(self):
        """Taste is over genres, so there must be some."""
        nameless = Track(track_id="0" * 22, name="a", artists=("b",), duration_ms=1000)
        with pytest.raises(ValueError, match="genre"):
            simulate([nameless])


class TestSteer:
    def test_plays_new_tracks_of_the_genre_to_the_end(self, simulation, sample_tracks):
        """Five catalogue tracks of the genre, none played before, each played and completed."""
        genres = {track.track_id: track.genres for track in sample_tracks}
        history = simulation.history("listener-0001")
        steered = simulation.steer("listener-0001", "tango")
        assert [event.event_type for event in steered] == [EventType.PLAY, EventType.COMPLETE] * 5
        assert len({event.track_id for event in steered}) == 5
        assert all("tango" in genres[event.track_id] for event in steered)
        assert not {event.track_id for event in steered} & {event.track_id for event in history}

    def test_comes_after_everything_else_in_a_session_of_its_own(self, simulation):
        """Steering continues the history and is the start of a new session."""
        history = simulation.history("listener-0001")
        steered = simulation.steer("listener-0001", "tango")
        assert steered[0].occurred_at > history[-1].occurred_at
        assert all(a.occurred_at < b.occurred_at for a, b in pairwise(steered))
        (session,) = {event.session_id for event in steered}
        assert session not in {event.session_id for event in history}

    def test_steering_again_goes_on_with_other_tracks(self, simulation):
        """A second steering knows of the first, and shares no event with it."""
        first = simulation.steer("listener-0001", "tango", plays=3)
        second = simulation.steer("listener-0001", "tango", plays=3, after=first)
        assert second[0].occurred_at > first[-1].occurred_at
        assert not {event.track_id for event in first} & {event.track_id for event in second}
        assert not {event.event_id for event in first} & {event.event_id for event in second}

    def test_an_unknown_genre_is_named_in_the_error(self, simulation):
        """A genre that the catalogue lacks cannot be played."""
        with pytest.raises(UnknownGenreError, match="'polka-core'"):
            simulation.steer("listener-0001", "polka-core")


def skip_share(simulation: Simulation, sign: int) -> float:
    """Share of skips among plays that suit a listener clearly (sign 1) or clearly not (sign -1)."""
    skips = []
    for person in simulation.listeners:
        likings = {
            song.track_id: sign * liking
            for genre in person.genres
            for pool in (simulation._world.inside[genre], simulation._world.outside(genre))
            for song, liking in zip(pool.songs, person.taste.liking(pool).tolist(), strict=True)
        }
        skips += [
            event.event_type is EventType.SKIP
            for event in simulation.history(person.user_id)
            if event.is_terminal and likings[event.track_id] > 0.3
        ]
    return sum(skips) / len(skips)
