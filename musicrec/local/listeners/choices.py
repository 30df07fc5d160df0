"""Which song comes next: repeats, the artist again, something recent, something new, the library."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.local.listeners.habits import Habits
from musicrec.local.listeners.library import Discovery, Library, Weighted, explore, unheard
from musicrec.local.listeners.outside import base62_id
from musicrec.local.listeners.sessions import Session
from musicrec.local.listeners.tastes import Song, Taste, World

RECENT_PLAYS: Final = 50
KEEPS_ORDER: Final = 0.8
"""Without shuffle, how often a pick from a playlist is the track after the one before."""


class Choice(Struct, frozen=True):
    """A song to play, and the playlist, artist or collection that it is played from."""

    song: Song
    context_uri: str | None


class Chooser:
    """Chooses one listener's songs; remembers what was played and what became known."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        user_id: str,
        habits: Habits,
        taste: Taste,
        world: World,
        library: Library,
        discovery: Discovery,
    ) -> None:
        self._rng = rng
        self._user_id = user_id
        self._habits = habits
        self._library = library
        self._discovery = discovery
        self._recent: deque[Song] = deque(maxlen=RECENT_PLAYS)
        self._last: Choice | None = None
        self._before_last: Choice | None = None
        self._place: tuple[str, int] | None = None
        self._genres: Weighted[str] = Weighted()
        for genre, share in zip(world.genres, taste.genres.tolist(), strict=True):
            self._genres.append(genre, share)

    def liking(self, song: Song) -> float:
        """How well a song suits the listener, about normal with mean 0 and deviation 1."""
        return self._discovery.liking(song)

    def is_new(self, song: Song) -> bool:
        """Whether the listener never heard the song."""
        return song.track_id not in self._library.heard

    def again(self) -> Choice | None:
        """The track just played, or None at the very beginning."""
        return self._last

    def back(self) -> Choice | None:
        """What the back button plays: the track before the one just played, if there is one."""
        return self._before_last or self._last

    def next(self, session: Session) -> Choice:
        """What the listener puts on next."""
        habits = self._habits
        if self._last is not None and self._rng.random() < habits.artist:
            song = self._same_artist(self._last.song)
            if song is not None:
                return Choice(song, f"spotify:artist:{base62_id('artist', song.artist)}")
        if self._recent and self._rng.random() < habits.recent:
            return Choice(self._recent[int(self._rng.integers(len(self._recent)))], None)
        if not self._library.kept or self._rng.random() < habits.discovery:
            choice = self._new(session)
            if choice is not None:
                return choice
        return self._known(session)

    def played(self, choice: Choice, *, liked: bool) -> None:
        """Take note of a play; a new song that was liked joins the library."""
        self._before_last, self._last = self._last, choice
        self._recent.append(choice.song)
        if self.is_new(choice.song):
            self._library.heard.add(choice.song.track_id)
            if liked:
                rank = self._rng.integers(1, len(self._library.kept) + 2)
                self._library.keep(choice.song, float(rank) ** -self._habits.favouritism)

    def _same_artist(self, song: Song) -> Song | None:
        if self._rng.random() < self._habits.discovery:
            fresh = unheard(self._rng, self._library, self._discovery.by_artist(song))
            if fresh is not None:
                return fresh
        known = self._library.by_artist.get(song.artist)
        if known is None:
            return None
        drawn = known.draw(self._rng)
        return None if drawn.track_id == song.track_id else drawn

    def _new(self, session: Session) -> Choice | None:
        in_mood = self._rng.random() < self._habits.mood
        genre = session.mood if in_mood else self._genres.draw(self._rng)
        in_catalog = bool(self._rng.random() < self._habits.in_catalog)
        song = explore(self._rng, self._library, self._discovery, genre, in_catalog=in_catalog)
        if song is None:
            return None
        return Choice(song, f"spotify:playlist:{base62_id('mix', genre)}")

    def _known(self, session: Session) -> Choice:
        genre = session.mood
        if genre in self._library.by_genre and self._rng.random() < self._habits.mood:
            song = self._from_playlist(genre, shuffle=session.shuffle)
            return Choice(song, f"spotify:playlist:{base62_id('playlist', self._user_id, genre)}")
        song = self._library.kept.draw(self._rng)
        return Choice(song, f"spotify:user:{self._user_id}:collection")

    def _from_playlist(self, genre: str, *, shuffle: bool) -> Song:
        playlist = self._library.by_genre[genre]
        if not shuffle and self._place is not None and self._place[0] == genre:
            follows = self._rng.random() < KEEPS_ORDER
            index = (self._place[1] + 1) % len(playlist) if follows else None
        else:
            index = None
        if index is None:
            index = playlist.draw_index(self._rng)
        self._place = (genre, index)
        return playlist.items[index]
