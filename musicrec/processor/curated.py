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
from musicrec.processor import event_ids, lake, ordering
from musicrec.processor.encoding import encoded
from musicrec.processor.rounding import rounded_shares
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

ENCODED: Final = encoded(SCHEMA)
_PICKED: Final = ENCODED.remove(ENCODED.get_field_index("generation"))

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
    good = valid(raw)
    is_interaction = on_distinct(raw["event_type"], partial(pc.is_in, value_set=_KINDS))
    kept = raw.select(list(_FROM_RAW)).filter(pc.and_(good, is_interaction))
    invalid = raw.num_rows - pc.sum(good).as_py() if raw.num_rows else 0
    return Picked(
        table=kept.append_column("event_value", _values(kept)).cast(_PICKED),
        rows=raw.num_rows,
        invalid=invalid,
        other=raw.num_rows - invalid - kept.num_rows,
    )


def merged(standing: pa.Table | None, new: Sequence[pa.Table], generation: int) -> pa.Table:
    """A day's rows with what is new, each event once, in the order of the CSV.

    Args:
        standing: the day's rows until now, as `ENCODED`; a new copy of one of them changes nothing.
        new: tables of `pick`; of copies the first stays.
        generation: of the rows that are new.
    """
    fresh = pa.concat_tables([_PICKED.empty_table(), *new])
    marks = pa.repeat(pa.scalar(generation, pa.int32()), fresh.num_rows)
    fresh = fresh.append_column(ENCODED.field("generation"), marks)
    tables = [fresh] if standing is None else [standing, fresh]
    together = pa.concat_tables(tables).unify_dictionaries()
    places = ordering.order(together)
    is_first = event_ids.is_first(together["event_id"])
    return _taken(together, places if is_first.all() else places[is_first[places]])


def ordered(rows: pa.Table) -> pa.Table:
    """The rows in the order of the CSV."""
    return rows.take(pa.array(ordering.order(rows)))


def _taken(rows: pa.Table, places: NDArray[np.int64]) -> pa.Table:
    number = rows.schema.get_field_index("event_id")
    others = rows.remove_column(number).take(pa.array(places))
    return others.add_column(number, rows.field(number), event_ids.taken(rows["event_id"], places))


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
