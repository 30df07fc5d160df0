"""What there is to like, and who likes what.

Listeners who share a genre draw from the same few well-known tracks of it, bent by a liking for
certain audio features, and genres that sound alike are liked together. That shared structure is
what a collaborative model can learn; without it popularity would be the best model there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.events import TrackInfo
from musicrec.local.listeners.outside import invent, stable_seed

Floats = npt.NDArray[np.float64]

POPULARITY_SLOPE: Final = 1.8
"""Within a genre the appeal of the k-th most popular track falls as k to this power."""

FEATURE_PULL: Final = 1.5
"""How strongly a liking for audio features bends the choice inside a genre."""

GENRE_REACH: Final = 0.55
"""How far a home genre radiates, in standard deviations between genres of a mean feature."""

SCENES: Final = 16
SCENE_GENRES: Final = 4
"""Home genres of a scene."""

_PERSONAL_GENRES: Final = 0.6
_PERSONAL_FEATURES: Final = 0.5
_FAME: Final = 0.5
_ANY_GENRE: Final = 0.02
_FEATURES: Final = len(AUDIO_FEATURES)
_ENTROPY_STEPS: Final = 40


class Song(Struct, frozen=True, eq=False):
    """A track as the simulation handles it; `info` is set for tracks outside the catalogue."""

    track_id: str
    artist: str
    genre: str
    duration_ms: int
    info: TrackInfo | None = None

    @property
    def in_catalog(self) -> bool:
        """Whether the catalogue has the track."""
        return self.info is None


class Pool(Struct, frozen=True, eq=False):
    """The songs of one genre from one side, in or outside the catalogue.

    Attributes:
        songs: best known first in the catalogue's pools, artist by artist in the invented ones.
        appeal: logarithm of how likely a song is before personal taste, one for each song.
        features: standardised audio features, shape (songs, 9).
    """

    songs: tuple[Song, ...]
    appeal: Floats
    features: Floats


class Scene(Struct, frozen=True, eq=False):
    """What a crowd of listeners has in common.

    Attributes:
        genres: pull of each genre of the world, in the world's order: of a few home genres, and of
            those that sound like them.
        features: a direction of unit length among the standardised audio features.
    """

    genres: Floats
    features: Floats


class Taste(Struct, frozen=True, eq=False):
    """What one listener likes.

    Attributes:
        genres: probability of each genre of the world, in the world's order.
        features: a direction of unit length among the standardised audio features.
    """

    genres: Floats
    features: Floats

    def liking(self, pool: Pool) -> Floats:
        """How well each song of a pool suits the listener: about normal with mean 0, deviation 1."""
        liking: Floats = pool.features @ self.features
        return liking

    def choice(self, pool: Pool) -> Floats:
        """Logarithm of how likely the listener is to come to each song of a pool."""
        logits: Floats = pool.appeal + FEATURE_PULL * self.liking(pool)
        return logits


class World:
    """All songs that can be played: the catalogue's by genre, and as many genres of invented ones.

    Args:
        tracks: the catalogue; tracks without a genre or a length are left out.

    Raises:
        ValueError: no track has a genre.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        by_genre: dict[str, list[Track]] = defaultdict(list)
        for track in tracks:
            if track.duration_ms:
                for genre in track.genres:
                    by_genre[genre].append(track)
        if not by_genre:
            raise ValueError("no track of the catalogue has a genre; pass tracks from read_kaggle")
        self.genres = tuple(sorted(by_genre))
        self._tracks = {
            genre: sorted(
                by_genre[genre], key=lambda track: (-(track.popularity or 0), track.track_id)
            )
            for genre in self.genres
        }
        self.inside = {genre: _inside(genre, self._tracks[genre]) for genre in self.genres}
        self._outside: dict[str, Pool] = {}
        self._by_artist: dict[tuple[str, bool], dict[str, list[Song]]] = {}

    def outside(self, genre: str) -> Pool:
        """The invented songs of a genre."""
        if genre not in self._outside:
            self._outside[genre] = _outside(genre)
        return self._outside[genre]

    def pool(self, genre: str, *, in_catalog: bool) -> Pool:
        """The songs of a genre from one side."""
        return self.inside[genre] if in_catalog else self.outside(genre)

    def by_artist(self, song: Song) -> list[Song]:
        """The songs of the artist of `song` in its genre and on its side, in the pool's order."""
        key = (song.genre, song.in_catalog)
        if key not in self._by_artist:
            artists: dict[str, list[Song]] = defaultdict(list)
            for other in self.pool(song.genre, in_catalog=song.in_catalog).songs:
                artists[other.artist].append(other)
            self._by_artist[key] = artists
        return self._by_artist[key][song.artist]

    @cached_property
    def popularity(self) -> Floats:
        """How popular each genre is: the mean popularity of its tracks, standardised."""
        means = [
            float(np.mean([track.popularity or 0 for track in self._tracks[genre]]))
            for genre in self.genres
        ]
        return _standardised(np.array(means)[:, None])[:, 0]

    @cached_property
    def closeness(self) -> Floats:
        """How alike two genres sound, 0 to 1, shape (genres, genres)."""
        centres = np.array(
            [_raw_features(self._tracks[genre]).mean(axis=0) for genre in self.genres]
        )
        centres = _standardised(centres)
        squared = ((centres[:, None, :] - centres[None, :, :]) ** 2).mean(axis=2)
        closeness: Floats = np.exp(-squared / (2 * GENRE_REACH**2))
        return closeness

    @cached_property
    def scenes(self) -> tuple[Scene, ...]:
        """What listeners have in common, the same for every seed."""
        rng = np.random.default_rng(stable_seed("scenes"))
        return tuple(self._draw_scene(rng) for _ in range(SCENES))

    def draw_taste(self, rng: np.random.Generator, breadth: float) -> Taste:
        """A listener's taste, spread over about `breadth` genres (the exponential of its entropy).

        It is mostly that of one scene, with something of another and something personal.
        """
        first, second = (self.scenes[place] for place in rng.permutation(SCENES)[:2])
        share = rng.uniform(0.6, 1.0)
        pull = share * first.genres + (1 - share) * second.genres
        noise = rng.normal(0.0, _PERSONAL_GENRES, len(self.genres))
        own = rng.normal(0.0, _PERSONAL_FEATURES / np.sqrt(_FEATURES), _FEATURES)
        features = share * first.features + (1 - share) * second.features + own
        return Taste(
            genres=_spread_over(np.log(pull + _ANY_GENRE) + noise, breadth),
            features=features / np.linalg.norm(features),
        )

    def _draw_scene(self, rng: np.random.Generator) -> Scene:
        homes = rng.choice(
            len(self.genres),
            size=min(len(self.genres), SCENE_GENRES),
            replace=False,
            p=_softmax(_FAME * self.popularity),
        )
        features = rng.normal(0.0, 1.0, _FEATURES)
        return Scene(
            genres=self.closeness[homes].T @ rng.dirichlet(np.full(len(homes), 3.0)),
            features=features / np.linalg.norm(features),
        )


def _inside(genre: str, tracks: Sequence[Track]) -> Pool:
    songs = tuple(
        Song(track.track_id, track.artists[0], genre, int(track.duration_ms or 0))
        for track in tracks
    )
    appeal = -POPULARITY_SLOPE * np.log(np.arange(1, len(songs) + 1))
    return Pool(songs, appeal, _standardised(_raw_features(tracks)))


def _outside(genre: str) -> Pool:
    invented = list(invent(genre))
    rng = np.random.default_rng(stable_seed(f"features {genre}"))
    return Pool(
        tuple(
            Song(track.track_id, track.info.artists[0], genre, track.duration_ms, track.info)
            for track in invented
        ),
        -POPULARITY_SLOPE * np.array([track.standing for track in invented]),
        rng.normal(0.0, 1.0, (len(invented), _FEATURES)),
    )


def _raw_features(tracks: Sequence[Track]) -> Floats:
    table = np.array(
        [[track.features.get(name, np.nan) for name in AUDIO_FEATURES] for track in tracks]
    )
    known = ~np.isnan(table)
    totals = np.where(known, table, 0.0).sum(axis=0)
    means = totals / np.maximum(known.sum(axis=0), 1)
    filled: Floats = np.where(known, table, means)
    return filled


def _standardised(table: Floats) -> Floats:
    deviation = table.std(axis=0)
    scaled: Floats = (table - table.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    shares: Floats = powers / powers.sum()
    return shares


def _spread_over(scores: Floats, breadth: float) -> Floats:
    """The softmax of the scores at the sharpness whose exp(entropy) is `breadth`, by bisection."""
    low, high = 0.0, 50.0
    for _ in range(_ENTROPY_STEPS):
        middle = (low + high) / 2
        if effective_number(_softmax(middle * scores)) > breadth:
            low = middle
        else:
            high = middle
    return _softmax(high * scores)


def effective_number(shares: Floats) -> float:
    """Exponential of the entropy: over how many equal parts shares that sum to 1 are spread."""
    positive = shares[shares > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))
