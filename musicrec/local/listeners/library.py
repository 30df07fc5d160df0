"""The tracks that a listener knows, how dear each is, and where new ones come from.

Listening is mostly re-listening: a listener starts the simulated window with a library from before
it, weighted so that a few tracks are played far more than the rest, and it grows slowly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import numpy as np

from musicrec.local.listeners.habits import Habits
from musicrec.local.listeners.tastes import Pool, Song, Taste, World

FAN_SHARE: Final = 0.3
"""Share of a library that came from going deeper into an artist it already had."""

_TRIES: Final = 40
_ARTISTS_TRIED: Final = 4

T = TypeVar("T")


class Weighted(Generic[T]):
    """A growing list from which items are drawn in proportion to their weights."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._cumulative: list[float] = []

    def __len__(self) -> int:
        return len(self.items)

    def append(self, item: T, weight: float) -> None:
        """Add an item with its weight, a positive number."""
        self._cumulative.append((self._cumulative[-1] if self.items else 0.0) + weight)
        self.items.append(item)

    def draw(self, rng: np.random.Generator) -> T:
        """One item by weight.

        Raises:
            IndexError: the list is empty.
        """
        return self.items[self.draw_index(rng)]

    def draw_index(self, rng: np.random.Generator) -> int:
        """The place of one item by weight.

        Raises:
            IndexError: the list is empty.
        """
        place = bisect_right(self._cumulative, rng.random() * self._cumulative[-1])
        return min(place, len(self.items) - 1)


class Discovery:
    """Songs that a listener might come to, genre by genre, likelier where taste and fame point."""

    def __init__(self, world: World, taste: Taste) -> None:
        self._world = world
        self._taste = taste
        self._choices: dict[tuple[str, bool], Weighted[Song]] = {}
        self._likings: dict[tuple[str, bool], dict[str, float]] = {}

    def draw(self, rng: np.random.Generator, genre: str, *, in_catalog: bool) -> Song:
        """One song of a genre."""
        return self._choice(genre, in_catalog=in_catalog).draw(rng)

    def by_artist(self, song: Song) -> list[Song]:
        """The songs by the artist of `song` in its genre, best known first."""
        return self._world.by_artist(song)

    def ranking(self, rng: np.random.Generator, genre: str, *, in_catalog: bool) -> Iterator[Song]:
        """All songs of a genre in the order of repeated draws without putting back."""
        pool = self._pool(genre, in_catalog=in_catalog)
        # Gumbel noise on the logits sorts exactly as drawing one after another would.
        keys = self._taste.choice(pool) + rng.gumbel(0.0, 1.0, len(pool.songs))
        return (pool.songs[place] for place in np.argsort(-keys, kind="stable"))

    def liking(self, song: Song) -> float:
        """How well a song suits the listener, about normal with mean 0 and deviation 1."""
        key = (song.genre, song.in_catalog)
        if key not in self._likings:
            pool = self._pool(song.genre, in_catalog=song.in_catalog)
            likings = self._taste.liking(pool).tolist()
            self._likings[key] = {
                other.track_id: liking for other, liking in zip(pool.songs, likings, strict=True)
            }
        return self._likings[key][song.track_id]

    def _pool(self, genre: str, *, in_catalog: bool) -> Pool:
        return self._world.pool(genre, in_catalog=in_catalog)

    def _choice(self, genre: str, *, in_catalog: bool) -> Weighted[Song]:
        key = (genre, in_catalog)
        if key not in self._choices:
            pool = self._pool(genre, in_catalog=in_catalog)
            choice: Weighted[Song] = Weighted()
            weights = np.exp(self._taste.choice(pool)).tolist()
            for song, weight in zip(pool.songs, weights, strict=True):
                choice.append(song, weight)
            self._choices[key] = choice
        return self._choices[key]


class Library:
    """What one listener knows: every song ever heard, and the kept ones with their weights."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.kept: Weighted[Song] = Weighted()
        self.by_genre: dict[str, Weighted[Song]] = defaultdict(Weighted)
        self.by_artist: dict[str, Weighted[Song]] = defaultdict(Weighted)

    def keep(self, song: Song, weight: float) -> None:
        """Take a song into the library, where it stays with this weight.

        The caller keeps a song once, when the listener hears it for the first time.
        """
        self.heard.add(song.track_id)
        self.kept.append(song, weight)
        self.by_genre[song.genre].append(song, weight)
        self.by_artist[song.artist].append(song, weight)


def build_library(
    rng: np.random.Generator, world: World, taste: Taste, habits: Habits, discovery: Discovery
) -> Library:
    """The library that a listener brings along, dearest songs first.

    The rank-th song weighs rank ** -habits.favouritism. Where a genre runs out of songs the library
    stays smaller than `habits.library`.
    """
    library = Library()
    rankings: dict[tuple[str, bool], Iterator[Song]] = {}
    genres = rng.choice(len(world.genres), size=habits.library, p=taste.genres)
    for genre_index in genres.tolist():
        in_catalog = bool(rng.random() < habits.in_catalog)
        key = (world.genres[genre_index], in_catalog)
        if key not in rankings:
            rankings[key] = discovery.ranking(rng, key[0], in_catalog=in_catalog)
        song = None
        if library.kept and rng.random() < FAN_SHARE:
            song = deeper(rng, library, discovery, in_catalog=in_catalog)
        song = song or next((s for s in rankings[key] if s.track_id not in library.heard), None)
        if song is not None:
            library.keep(song, (len(library.kept) + 1) ** -habits.favouritism)
    return library


def deeper(
    rng: np.random.Generator, library: Library, discovery: Discovery, *, in_catalog: bool
) -> Song | None:
    """A song never heard by an artist of the library, or None when a few tries find none."""
    for _ in range(_ARTISTS_TRIED):
        known = library.kept.draw(rng)
        if known.in_catalog == in_catalog:
            song = unheard(rng, library, discovery.by_artist(known))
            if song is not None:
                return song
    return None


def unheard(rng: np.random.Generator, library: Library, songs: list[Song]) -> Song | None:
    """One of the songs that the listener never heard, or None."""
    fresh = [song for song in songs if song.track_id not in library.heard]
    return fresh[int(rng.integers(len(fresh)))] if fresh else None


def explore(
    rng: np.random.Generator,
    library: Library,
    discovery: Discovery,
    genre: str,
    *,
    in_catalog: bool,
) -> Song | None:
    """A song of a genre never heard, likelier if known and fitting, or None when the genre is spent."""
    for _ in range(_TRIES):
        song = discovery.draw(rng, genre, in_catalog=in_catalog)
        if song.track_id not in library.heard:
            return song
    return None
