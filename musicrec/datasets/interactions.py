"""The INTERACTIONS dataset: plays and their ends from the lake, as the stream sends them too.

A bulk interaction must equal its streamed twin in time, type and value, or Personalize counts one
event as two. EVENT_VALUE is therefore rounded as
`musicrec.processor.hot_path.event_value` rounds, which numpy does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from musicrec.datasets import schemas
from musicrec.datasets.text import is_usable_id
from musicrec.events import PERSONALIZE_TYPES, EventType

if TYPE_CHECKING:
    from musicrec.processor.lake import LakeDay

LAKE_COLUMNS: Final = ("listened_ms", "duration_ms")
"""What is read of the lake beside the key columns."""

VALUE_DECIMALS: Final = 4

_WITH_VALUE: Final = frozenset({EventType.COMPLETE, EventType.SKIP})


class DayOfInteractions(Struct, frozen=True, kw_only=True):
    """One day's rows of the dataset.

    Attributes:
        table: rows in the dataset's columns, in an order that depends on the rows alone.
        dropped: rows of the lake that did not become interactions, by reason.
    """

    table: pa.Table
    dropped: dict[str, int]


def of_day(day: LakeDay) -> DayOfInteractions:
    """The interactions among one day's events, each once."""
    events = day.table
    kept = events.filter(pc.is_in(events["event_type"], _words(PERSONALIZE_TYPES)))
    usable = kept.filter(_usable_users(kept["user_id"]))
    rows = pa.Table.from_arrays(
        [
            usable["user_id"],
            usable["track_id"],
            pc.divide(usable["occurred_at"], 1000),
            usable["event_type"],
            _values(usable),
        ],
        schema=schemas.INTERACTIONS.arrow,
    )
    unique = rows.group_by(list(schemas.INTERACTIONS.names)).aggregate([])
    dropped = {
        "invalid event": day.count.invalid,
        "duplicate event": day.count.duplicates,
        "not an interaction": events.num_rows - kept.num_rows,
        "unusable user id": kept.num_rows - usable.num_rows,
        "same interaction": rows.num_rows - unique.num_rows,
    }
    return DayOfInteractions(table=_ordered(unique), dropped=dropped)


def _words(kinds: frozenset[EventType]) -> pa.Array:
    return pa.array(sorted(kind.value for kind in kinds))


def _usable_users(users: pa.ChunkedArray) -> pa.ChunkedArray:
    unusable = [user for user in users.unique().to_pylist() if not is_usable_id(user)]
    return pc.invert(pc.is_in(users, pa.array(unusable, pa.string())))


def _values(events: pa.Table) -> pa.Array:
    """EVENT_VALUE of many rows, equal in every bit to what the hot path sends."""
    length = pc.if_else(pc.equal(events["duration_ms"], 0), None, events["duration_ms"])
    shares = pc.min_element_wise(
        pc.divide(pc.cast(events["listened_ms"], pa.float64()), length), 1.0, skip_nulls=False
    )
    ended = pc.is_in(events["event_type"], _words(_WITH_VALUE))
    known = pc.if_else(ended, shares, None).to_pylist()
    rounded = [None if share is None else round(share, VALUE_DECIMALS) for share in known]
    return pa.array(rounded, pa.float64())


def _ordered(rows: pa.Table) -> pa.Table:
    first = ("TIMESTAMP", "USER_ID", "ITEM_ID", "EVENT_TYPE", "EVENT_VALUE")
    return rows.sort_by([(name, "ascending") for name in first])
