"""The INTERACTIONS dataset: plays and their ends from the curated table, as the stream sends them.

A bulk interaction must equal its streamed twin in time, type and value, or Personalize counts one
event as two; the curated table holds the value as the stream sends it. Days come one after the
other and a day in pieces, so that memory does not grow with the lake.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from musicrec.datasets import schemas
from musicrec.datasets.text import usable_ids
from musicrec.processor import curated
from musicrec.processor.curated_store import StandingDay, opened
from musicrec.processor.ordering import is_repetition, seconds

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from musicrec.processor.curated_store import CuratedStore

COLUMNS: Final = ("user_id", "track_id", "event_type", "occurred_at", "event_value", "generation")
"""What is read of the curated table."""

TEXTS: Final = ("user_id", "track_id", "event_type")
"""Read as dictionaries: what is done to texts is done once to each distinct one."""

NAMES: Final = ("track_id", "event_id", "occurred_at", "duration_ms", "track")
"""What is read besides where a track has no name yet."""


class DayToImport(Struct, frozen=True, kw_only=True):
    """A curated day that a build reads.

    Attributes:
        standing: the day.
        since: the generation that is imported already; 0 for none.
        ordered: whether its rows lie in the order of the CSV.
    """

    standing: StandingDay
    since: int = 0
    ordered: bool = True


class Piece(Struct, frozen=True, kw_only=True):
    """Some consecutive rows of a day.

    Attributes:
        table: rows of the dataset that are not imported yet; texts are dictionaries.
        held: interactions in these rows, imported or not, each once.
        names: reads the names that these rows' tracks had, in the columns `NAMES`.
    """

    table: pa.Table
    held: int
    names: Callable[[], pa.Table]


def pieces(store: CuratedStore, day: DayToImport, dropped: Counter[str]) -> Iterator[Piece]:
    """One day's interactions in the order of the CSV.

    Args:
        store: the curated table.
        day: which, and what of it is imported.
        dropped: counts the rows that are not imported and give no row, by reason.

    Raises:
        DayChangedError: another build rewrote the day since it was listed.
    """
    body = store.body(day.standing)
    before: pa.Table | None = None
    for read, names in _groups(body, ordered=day.ordered):
        rows = _usable(read, day.since, dropped)
        repeated = is_repetition(rows, before)
        before = rows if rows.num_rows else before
        is_new = rows["generation"].to_numpy() > day.since
        dropped["same interaction"] += int((is_new & repeated).sum())
        made = _made(rows.filter(pa.array(is_new & ~repeated)))
        yield Piece(table=made, held=int((~repeated).sum()), names=names)


def _groups(body: bytes, *, ordered: bool) -> Iterator[tuple[pa.Table, Callable[[], pa.Table]]]:
    """A day's rows in order, and what reads their names: a row group at a time if it can be.

    Names are read by a reader of their own: who asks for them may be in another thread.
    """
    file = opened(body, TEXTS)
    if not ordered:
        yield (
            curated.ordered(file.read(list(COLUMNS))),
            lambda: opened(body, TEXTS).read(list(NAMES)),
        )
        return
    for number in range(file.num_row_groups):
        yield file.read_row_group(number, list(COLUMNS)), partial(_names, body, number)


def _names(body: bytes, number: int) -> pa.Table:
    return opened(body, TEXTS).read_row_group(number, list(NAMES))


def _usable(rows: pa.Table, since: int, dropped: Counter[str]) -> pa.Table:
    users = rows["user_id"].unify_dictionaries().combine_chunks()
    good = usable_ids(users.dictionary)
    if pc.all(good).as_py():
        return rows
    kept = good.take(users.indices)
    is_new = pc.greater(rows["generation"], since)
    dropped["unusable user id"] += pc.sum(pc.and_(is_new, pc.invert(kept))).as_py() or 0
    return rows.filter(kept)


def _made(rows: pa.Table) -> pa.Table:
    columns = [
        *(rows["user_id"], rows["track_id"], pa.array(seconds(rows))),
        *(rows["event_type"], rows["event_value"]),
    ]
    return pa.table(columns, names=list(schemas.INTERACTIONS.names))
