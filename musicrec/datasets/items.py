"""The ITEMS dataset: the catalogue, and the tracks that it lacks but listeners played.

Most of what people play today came out after the Kaggle file. Such a track has no genres and no
audio features, but its own events name it, so it can be recommended and shown.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.catalog import Catalog, Track
from musicrec.datasets import schemas
from musicrec.datasets.rows import tables
from musicrec.datasets.text import categories, category

if TYPE_CHECKING:
    from collections.abc import Iterator

LAKE_COLUMNS: Final = ("duration_ms", "track")
"""What is read of the lake beside the key columns."""


class SeenTracks:
    """Tracks that the catalogue lacks, as the first event that names each of them did.

    Show it the days of the lake in order.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: set[str] = set()
        self.tracks: dict[str, Track] = {}

    def observe(self, events: pa.Table) -> None:
        """Take in one day's events, ordered by time."""
        unknown = pa.array(self._unknown(events["track_id"]), pa.string())
        names = pc.utf8_length(pc.struct_field(events["track"], "name"))
        named = events.filter(
            pc.and_(
                pc.is_in(events["track_id"], unknown), pc.fill_null(pc.greater(names, 0), False)
            )
        )
        for row in _first_of_each(named).to_pylist():
            self.tracks[row["track_id"]] = _seen(row)

    def _unknown(self, track_ids: pa.ChunkedArray) -> list[str]:
        new = [
            track_id
            for track_id in track_ids.unique().to_pylist()
            if track_id not in self._known and track_id not in self.tracks
        ]
        self._known.update(self._catalog.get_many(new))
        return [track_id for track_id in new if track_id not in self._known]


def merged(catalog: Catalog, seen: dict[str, Track]) -> Iterator[Track]:
    """Catalogue and seen tracks by id; where both know a track, the catalogue's."""
    last = None
    by_id = sorted(seen.values(), key=_track_id)
    for track in heapq.merge(catalog, by_id, key=_track_id):  # takes the catalogue's first
        if track.track_id != last:
            yield track
        last = track.track_id


def build(catalog: Catalog, seen: dict[str, Track]) -> Iterator[pa.Table]:
    """The rows of the dataset, by item id."""
    yield from tables(schemas.ITEMS, map(_row, merged(catalog, seen)))


def _track_id(track: Track) -> str:
    return track.track_id


def _first_of_each(events: pa.Table) -> pa.Table:
    """The first event of each track, with the columns that tell about it."""
    codes = events["track_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return events.select(["track_id", *LAKE_COLUMNS]).take(pa.array(first))


def _seen(row: dict[str, Any]) -> Track:
    track = row["track"]
    return Track(
        track_id=row["track_id"],
        name=track["name"],
        artists=tuple(track["artists"] or ()),
        album=track["album"],
        duration_ms=row["duration_ms"],
    )


def _row(track: Track) -> dict[str, Any]:
    return {
        "ITEM_ID": track.track_id,
        "GENRES": categories(track.genres),
        "ARTIST": category(track.artists[0]) if track.artists else None,
        "EXPLICIT": None if track.explicit is None else str(track.explicit).lower(),
        "POPULARITY": track.popularity,
        "DURATION_MS": track.duration_ms,
        **{name.upper(): value for name, value in track.features.items()},
    }
