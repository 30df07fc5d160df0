"""Curated interactions: what the raw lake says to Personalize, one row an interaction.

The raw lake holds every delivery of every event and ages into archives that cannot be read. This
table holds each play, completion and skip once, with the value that Personalize gets and the names
that the track had, and never ages. Its rows of a day lie in the order of the CSV, so that the daily
build needs neither sorting nor the memory of a whole day.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from musicrec import events
from musicrec.events import PERSONALIZE_TYPES, EventType
from musicrec.processor import lake
from musicrec.processor.rounding import SCALE, rounded_shares
from musicrec.processor.validity import on_distinct, valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FROM_RAW: Final = (
    *("event_id", "user_id", "session_id", "track_id", "event_type", "occurred_at"),
    *("listened_ms", "duration_ms", "source", "device_type", "recommendation_id", "track"),
)
SCHEMA: Final = pa.schema(
    [
        *(lake.SCHEMA.field(name) for name in _FROM_RAW),
        pa.field("event_value", pa.float64()),
        pa.field("generation", pa.int32()),
    ]
)
"""Columns of the curated table, of which `ENCODED` is the form in which a day is put together.

`event_value` is the audible share of the track as Personalize gets it, for completions and skips
whose lengths are known. `generation` counts the rewritings of a day: it is that in which the row
came in, by which a later build tells what is new.
"""

TEXTS: Final = (
    *("user_id", "session_id", "track_id", "event_type", "source"),
    *("device_type", "recommendation_id"),
)
"""Columns that repeat their texts: as dictionaries they are checked, moved and written quickly."""

ENCODED: Final = pa.schema(
    [
        pa.field(field.name, pa.dictionary(pa.int32(), pa.string()))
        if field.name in TEXTS
        else field
        for field in SCHEMA
    ]
)

_ORDERED_BY: Final = [
    *("occurred_at", "user_id", "track_id", "event_type", "event_value", "generation"),
]
_UUID: Final = 36
_HEX: Final = np.delete(np.arange(_UUID), [8, 13, 18, 23])  # a UUID's text less its dashes
_DIGIT: Final = np.zeros(256, np.uint8)
_DIGIT[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)

_VALUED: Final = pa.array([EventType.COMPLETE.value, EventType.SKIP.value])
_KINDS: Final = pa.array(sorted(kind.value for kind in PERSONALIZE_TYPES))


class Picked(Struct, frozen=True, kw_only=True):
    """What became of some rows of the raw lake.

    Attributes:
        table: the interactions among them, in the columns of `ENCODED` less `generation`; copies
            are still in it.
        rows: how many rows there were.
        invalid: rows that are no valid event.
        other: valid events of a type that is no interaction.
    """

    table: pa.Table
    rows: int
    invalid: int
    other: int


def glue_columns() -> list[dict[str, str]]:
    """The columns of the curated Glue table."""
    own = {pa.float64(): "double", pa.int32(): "int"}
    raw = {column["Name"]: column["Type"] for column in events.glue_columns()}
    return [
        {"Name": field.name, "Type": raw.get(field.name) or own[field.type]} for field in SCHEMA
    ]


def pick(raw: pa.Table) -> Picked:
    """The interactions among rows of the raw lake, in the columns of `lake.SCHEMA`."""
    good = raw.filter(valid(raw))
    kept = good.filter(on_distinct(good["event_type"], partial(pc.is_in, value_set=_KINDS)))
    return Picked(
        table=_picked(kept),
        rows=raw.num_rows,
        invalid=raw.num_rows - good.num_rows,
        other=good.num_rows - kept.num_rows,
    )


def _picked(kept: pa.Table) -> pa.Table:
    table = kept.select(list(_FROM_RAW)).append_column("event_value", _values(kept))
    return table.cast(ENCODED.remove(ENCODED.get_field_index("generation")))


def merged(standing: pa.Table | None, new: Sequence[pa.Table], generation: int) -> pa.Table:
    """A day's rows with what is new, each event once, in the order of the CSV.

    Args:
        standing: the day's rows until now, as `ENCODED`; a new copy of one of them changes nothing.
        new: tables of `pick`; of copies the first stays.
        generation: of the rows that are new.
    """
    fresh = pa.concat_tables([ENCODED.empty_table().drop_columns(["generation"]), *new])
    marks = pa.repeat(pa.scalar(generation, pa.int32()), fresh.num_rows)
    fresh = fresh.append_column(ENCODED.field("generation"), marks)
    tables = [fresh] if standing is None else [standing, fresh]
    together = pa.concat_tables(tables).unify_dictionaries()
    first = _first_of_each(together["event_id"])
    keys = together.select(_ORDERED_BY)
    if first is None:
        return together.take(_order(keys))
    return together.take(first.take(_order(keys.take(first))))


def ordered(rows: pa.Table) -> pa.Table:
    """The rows in the order of the CSV: second, user, track, type, value, generation."""
    return rows.take(_order(rows))


def is_repetition(rows: pa.Table, before: pa.Table | None) -> NDArray[np.bool_]:
    """Which rows are the same interaction as the row before them.

    Args:
        rows: in the order of the CSV, columns as in `SCHEMA`.
        before: what preceded `rows`; only its last row counts.
    """
    same = np.ones(max(rows.num_rows - 1, 0), bool)
    for codes in _identity(rows):
        same &= codes[1:] == codes[:-1]
    if not rows.num_rows:
        return same
    is_first_same = (
        before is not None
        and before.num_rows > 0
        and _one(before, before.num_rows - 1) == _one(rows, 0)
    )
    return np.concatenate([np.array([is_first_same]), same])


def _one(rows: pa.Table, index: int) -> tuple[object, ...]:
    (row,) = rows.slice(index, 1).to_pylist()
    texts = (row[name] for name in ("track_id", "event_type", "user_id"))
    return row["occurred_at"] // 1000, row["event_value"], *texts


def _identity(rows: pa.Table) -> list[NDArray[np.int64]]:
    """What makes an interaction one to Personalize, as numbers that are equal where it is."""
    texts = [_codes(rows[name]) for name in ("track_id", "event_type", "user_id")]
    return [seconds(rows), *texts, _value_codes(rows)]


def seconds(rows: pa.Table) -> NDArray[np.int64]:
    """TIMESTAMP of each row: milliseconds are cut off, as in the stream."""
    whole: NDArray[np.int64] = rows["occurred_at"].to_numpy() // 1000
    return whole


def _values(rows: pa.Table) -> pa.Array:
    """EVENT_VALUE, equal in every bit to what the hot path sends; null where it sends none."""
    length, listened = rows["duration_ms"], rows["listened_ms"]
    known = pc.and_(
        on_distinct(rows["event_type"], partial(pc.is_in, value_set=_VALUED)),
        pc.and_(pc.is_valid(listened), pc.greater(pc.fill_null(length, 0), 0)),
    ).to_numpy()
    parts = [pc.fill_null(column, 1).to_numpy().astype(np.float64) for column in (listened, length)]
    shares = np.minimum(parts[0] / np.where(known, parts[1], 1.0), 1.0)
    return pa.array(rounded_shares(np.where(known, shares, 0.0)), mask=~known)


def _first_of_each(ids: pa.ChunkedArray) -> pa.Array | None:
    """Where each id stands first; None when none stands twice."""
    upper, lower = _halves(ids)
    order = np.lexsort((lower, upper))  # stable: of equal ids the first stays first
    upper, lower = upper[order], lower[order]
    repeated = (upper[1:] == upper[:-1]) & (lower[1:] == lower[:-1])
    if not repeated.any():
        return None
    return pa.array(np.sort(order[np.concatenate([[True], ~repeated])]))


def _halves(ids: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """UUIDs as two numbers each: a tenth of the work that comparing their texts is."""
    texts = ids.combine_chunks()
    if not len(texts):
        return (np.empty(0, np.uint64),) * 2
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :]
    characters = np.frombuffer(texts.buffers()[2], np.uint8, _UUID * len(texts), ends[0])
    digits = _DIGIT[characters.reshape(-1, _UUID)[:, _HEX]]
    octets = np.ascontiguousarray((digits[:, ::2] << 4) | digits[:, 1::2])
    numbers = octets.view(">u8").astype(np.uint64)
    return numbers[:, 0], numbers[:, 1]


def _order(rows: pa.Table) -> pa.Array:
    """The rows by time in seconds, user, track, type and value, then as long as they are there."""
    texts = [_ranks(rows[name]) for name in ("track_id", "event_type", "user_id")]
    track, kind, user = texts
    minor = (_value_codes(rows) << 32) | rows["generation"].to_numpy().astype(np.int64)
    return pa.array(np.lexsort((minor, (track << 8) | kind, (seconds(rows) << 31) | user)))


def _value_codes(rows: pa.Table) -> NDArray[np.int64]:
    """Values as whole numbers, a missing one after all others."""
    values = pc.fill_null(rows["event_value"], 2.0).to_numpy()
    codes: NDArray[np.int64] = np.rint(values * SCALE).astype(np.int64)
    return codes


def _ranks(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Texts as numbers in the order of their bytes."""
    encoded = _encoded(column)
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    made: NDArray[np.int64] = ranks[encoded.indices.to_numpy()]
    return made


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = _encoded(column).indices.to_numpy()
    return codes


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    return column.combine_chunks().dictionary_encode()
