"""The world of songs and the tastes over it, and that tastes can be learned from plays."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from musicrec import events
from musicrec.events import EventType
from musicrec.local.listeners import demo_listeners
from musicrec.local.listeners.outside import ARTISTS_PER_GENRE, TRACKS_PER_ARTIST, invent
from musicrec.local.listeners.tastes import World, effective_number

TOP = 20


@pytest.fixture(scope="module")
def world(sample_tracks) -> World:
    return World(sample_tracks)


class TestTaste:
    @pytest.mark.parametrize("breadth", [5, 15, 26])
    def test_is_spread_over_as_many_genres_as_asked(self, world, breadth):
        """The exponential of the entropy of a taste is its breadth."""
        taste = world.draw_taste(np.random.default_rng(1), breadth)
        assert effective_number(taste.genres) == pytest.approx(breadth, rel=0.01)

    def test_known_tracks_come_first(self, world):
        """In a genre the best known track has the greatest appeal."""
        pool = world.inside["tango"]
        assert np.all(np.diff(pool.appeal) < 0)

    def test_genres_that_sound_alike_are_close(self, world):
        """A genre is closest to itself, and metal is nearer to hardcore than to sleep."""
        place = {genre: index for index, genre in enumerate(world.genres)}
        metal = world.closeness[place["heavy-metal"]]
        assert metal[place["heavy-metal"]] == 1.0
        assert metal[place["hardcore"]] > metal[place["sleep"]]


class TestInvent:
    def test_ids_are_valid_and_distinct(self):
        """Invented tracks have ids of Spotify's form, all different."""
        ids = {track.track_id for genre in ("tango", "k-pop") for track in invent(genre)}
        assert len(ids) == 2 * ARTISTS_PER_GENRE * TRACKS_PER_ARTIST
        assert all(len(track_id) == 22 and track_id.isalnum() for track_id in ids)
        assert all(track_id.isascii() for track_id in ids)

    def test_names_are_valid_track_data(self):
        """Names pass the event's rules, and no artist is nameless."""
        for track in invent("tango"):
            assert track.info.name.strip()
            assert track.info.artists[0].strip()
            assert 20_000 < track.duration_ms < events.DAY_MS


@pytest.mark.slow
class TestLearnability:
    def test_neighbours_predict_better_than_popularity(self, sample_tracks):
        """Who completed the same tracks completes the same others: taste shows in the plays.

        A fifth of each listener's completed tracks is held out; listeners weighted by the cosine of
        what they completed must find clearly more of it than the most completed tracks do.
        """
        learned, held_out = split_completed(sample_tracks)
        popularity = np.tile(learned.sum(axis=0), (len(learned), 1))
        norms = np.sqrt(learned.sum(axis=1))
        alike = learned @ learned.T / np.outer(norms, norms)
        np.fill_diagonal(alike, 0.0)
        by_neighbours = recall(alike @ learned, learned, held_out)
        assert by_neighbours > 1.3 * recall(popularity, learned, held_out)
        assert by_neighbours > 0.04


def split_completed(tracks):
    """Two 0-1 matrices (listeners, tracks): completed and shown, completed and held out."""
    completed = defaultdict(set)
    for event in demo_listeners(tracks).events():
        if event.event_type is EventType.COMPLETE:
            completed[event.user_id].add(event.track_id)
    listeners = sorted(user for user, tracks in completed.items() if len(tracks) >= 10)
    columns = {track: place for place, track in enumerate(sorted(set().union(*completed.values())))}
    rng = np.random.default_rng(0)
    learned, held_out = np.zeros((2, len(listeners), len(columns)))
    for row, user in enumerate(listeners):
        order = rng.permutation([columns[track] for track in sorted(completed[user])])
        held_out[row, order[: len(order) // 5]] = 1
        learned[row, order[len(order) // 5 :]] = 1
    return learned, held_out


def recall(scores, learned, held_out):
    """Mean share of the held-out tracks among each listener's best `TOP` not learned."""
    ranked = np.argsort(-np.where(learned > 0, -1.0, scores), axis=1, kind="stable")[:, :TOP]
    found = np.take_along_axis(held_out, ranked, axis=1).sum(axis=1)
    return float(np.mean(found / np.minimum(TOP, held_out.sum(axis=1))))
