"""What the importer asks of the catalogue: how long a track is, and which track a name means."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from musicrec.catalog import Track
from musicrec.producer.rules import plain


class Lookup:
    """Lengths by track id, ids by title and artist; some 400 bytes a track."""

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}
        self._ids: dict[str, tuple[tuple[bool, int, str], str]] = {}

    @classmethod
    def of(cls, tracks: Iterable[Track]) -> Self:
        """Of a catalogue.

        A title and artist that several tracks have (single, album, compilation) mean the track
        whose main artist it is, then the most popular one, then the one with the smallest id.
        """
        lookup = cls()
        for track in tracks:
            lookup._add(track)
        return lookup

    def duration_ms(self, track_id: str) -> int | None:
        """The track's length, None when the catalogue does not know it."""
        return self._lengths.get(track_id)

    def track_id(self, name: str, artist: str) -> str | None:
        """The track that somebody means by its title and artist, None when there is none."""
        found = self._ids.get(identity(name, artist))
        return None if found is None else found[1]

    def _add(self, track: Track) -> None:
        if track.duration_ms:
            self._lengths[track.track_id] = track.duration_ms
        for place, artist in enumerate(track.artists):
            key = identity(track.name, artist)
            rank = (place > 0, -(track.popularity or 0), track.track_id)
            known = self._ids.get(key)
            if known is None or rank < known[0]:
                self._ids[key] = (rank, track.track_id)


@lru_cache(maxsize=1 << 16)
def identity(name: str, artist: str) -> str:
    """What stays the same when a recording gets another id: its title and artist, plainly."""
    return f"{plain(name)}\x1f{plain(artist)}"
