"""Which rows of the raw lake are events: the rules of `ListeningEvent`, on whole columns.

The API refuses what breaks them, but whoever writes to the stream directly passes it by, and the
delivery stream stores any record that fits the columns. A row that the hot path would put on the
poison queue must not come back through the daily build.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.events import DAY_MS, MAX_OCCURRED_AT, MIN_OCCURRED_AT, EventType, Source
from musicrec.processor import event_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TEXTS: Final = {  # shortest and longest, in characters
    "user_id": (1, 256),
    "session_id": (1, 256),
    "context_uri": (0, 256),
    "device_type": (0, 64),
    "recommendation_id": (0, 40),
}
_TRACK_ID_BYTES: Final = 22
_WORDS: Final = {
    "event_type": [kind.value for kind in EventType],
    "source": [source.value for source in Source],
}
_NUMBERS: Final = {
    "occurred_at": (MIN_OCCURRED_AT, MAX_OCCURRED_AT),
    "schema_version": (1, 1),
    "listened_ms": (0, DAY_MS),
    "duration_ms": (0, DAY_MS),
    "position_ms": (0, DAY_MS),
}
_REQUIRED: Final = frozenset(
    {
        *("event_id", "user_id", "session_id", "track_id"),
        *("event_type", "occurred_at", "source", "schema_version"),
    }
)
_NAME_CHARACTERS: Final = 1000
_ARTISTS: Final = 50


def on_distinct(
    column: pa.ChunkedArray | pa.Array,
    rule: Callable[[pa.ChunkedArray | pa.Array], pa.ChunkedArray | pa.Array],
) -> pa.ChunkedArray | pa.Array:
    """A rule on each cell, asked once for each distinct text where the column is a dictionary."""
    if not pa.types.is_dictionary(column.type):
        return rule(column)
    encoded = column
    if isinstance(column, pa.ChunkedArray):
        encoded = column.unify_dictionaries().combine_chunks()
    return rule(encoded.dictionary).take(encoded.indices)


def valid(table: pa.Table) -> pa.ChunkedArray:
    """Which rows keep the event's rules, as far as the table's columns tell; never null."""
    rules: list[pa.ChunkedArray] = []
    for name in table.column_names:
        column = table[name]
        if name == "track":
            rules += _track_rules(column)
        else:
            kept = on_distinct(column, partial(_rule, name))
            rules.append(pc.fill_null(kept, fill_value=name not in _REQUIRED))
    return reduce(pc.and_, rules)


def _rule(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name == "event_id":
        return event_ids.well_formed(column)
    if name == "track_id":
        is_long_enough = pc.equal(pc.binary_length(column), _TRACK_ID_BYTES)
        return pc.and_(is_long_enough, pc.ascii_is_alnum(column))
    if name in _WORDS:
        words = pa.array(_WORDS[name])
        return pc.if_else(pc.is_null(column), None, pc.is_in(column, words))
    if name in _TEXTS:
        return _within(pc.utf8_length(column), *_TEXTS[name])
    return _within(column, *_NUMBERS[name])


def _within(column: pa.ChunkedArray, least: int, most: int) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))


def _track_rules(column: pa.ChunkedArray) -> Iterable[pa.Array]:
    """A track, where one is given, has a name; neither names nor lists are too long."""
    tracks = column.combine_chunks()
    given = pc.is_valid(tracks)
    name, artists, album = (pc.struct_field(tracks, part) for part in ("name", "artists", "album"))
    return [
        pc.or_(pc.fill_null(_short(name), fill_value=False), pc.invert(given)),
        _absent_or(pc.less_equal(pc.list_value_length(artists), _ARTISTS)),
        _absent_or(_short(album)),
        _artists_fit(artists),
    ]


def _short(names: pa.Array) -> pa.Array:
    return on_distinct(names, lambda one: pc.less_equal(pc.utf8_length(one), _NAME_CHARACTERS))


def _absent_or(rule: pa.Array) -> pa.Array:
    return pc.fill_null(rule, fill_value=True)


def _artists_fit(artists: pa.ListArray) -> pa.Array:
    names = pc.list_flatten(artists)
    fits = pc.fill_null(_short(names), fill_value=False)
    kept = np.ones(len(artists), bool)
    if not pc.all(fits).as_py():
        kept[pc.list_parent_indices(artists).filter(pc.invert(fits)).to_numpy()] = False
    return pa.array(kept)
