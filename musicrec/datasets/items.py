"""The ITEMS dataset: the catalogue, and the tracks that it lacks but listeners played.

Most of what people play today came out after the Kaggle file. Such a track has no genres and no
audio features, but its own events name it, so it can be recommended and shown.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.catalog import Catalog, Track
from musicrec.datasets import schemas
from musicrec.datasets.rows import tables
from musicrec.datasets.text import categories, category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class SeenTracks:
    """Tracks that the catalogue lacks, as the first event that names each of them did.

    Show it days in order, each with `observe` for its pieces and `end_day` after the last.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._looked_up = pa.array([], pa.string())
        self._unknown: set[str] = set()
        self._named: list[pa.Table] = []
        self.tracks: dict[str, Track] = {}

    def observe(self, track_ids: pa.ChunkedArray, names: Callable[[], pa.Table]) -> None:
        """Take in some events of a day.

        Args:
            track_ids: their tracks.
            names: reads what the events say of their tracks (`interactions.NAMES`); called only
                when one of the tracks is unknown.
        """
        if unknown := self._nameless(track_ids):
            events = names()
            named = pc.greater(pc.utf8_length(pc.struct_field(events["track"], "name")), 0)
            wanted = pc.is_in(events["track_id"], pa.array(unknown, pa.string()))
            self._named.append(events.filter(pc.and_(wanted, pc.fill_null(named, False))))

    def end_day(self) -> None:
        """Choose for each track the first event of the day that named it."""
        if self._named:
            events = pa.concat_tables(self._named)
            self._named.clear()
            for row in _first_of_each(events).to_pylist():
                self.tracks[row["track_id"]] = _seen(row)

    def _nameless(self, track_ids: pa.ChunkedArray) -> list[str]:
        """Those tracks of which neither the catalogue nor an earlier day knows the name."""
        distinct = track_ids.unique().cast(pa.string())
        new = distinct.filter(pc.invert(pc.is_in(distinct, self._looked_up)))
        if len(new):
            ids = new.to_pylist()
            self._unknown.update(set(ids) - self._catalog.known(ids))
            self._looked_up = pa.concat_arrays([self._looked_up, new])
        nameless = self._unknown - self.tracks.keys()
        if not nameless:
            return []
        here: list[str] = distinct.filter(
            pc.is_in(distinct, pa.array(sorted(nameless)))
        ).to_pylist()
        return here


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
    """The first event of each track."""
    ordered = events.sort_by([("occurred_at", "ascending"), ("event_id", "ascending")])
    codes = ordered["track_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return ordered.take(pa.array(first))


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
