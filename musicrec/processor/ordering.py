"""The order in which interactions lie in the CSV, and which of them are one to Personalize.

Second and user become one number for each row, and one sorting of such numbers puts a day in order
but for what a user did within a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.processor.rounding import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

COLUMNS: Final = (
    *("occurred_at", "user_id", "track_id", "event_type", "event_value", "generation"),
)
"""What decides the place of a row: its second, then the others in this order."""

_TEXTS: Final = ("user_id", "track_id", "event_type")
_RANK_BITS: Final = 31
"""Below a second, of which 32 bits hold more than a century: together a number of 64 bits."""


def order(rows: pa.Table) -> NDArray[np.int64]:
    """Where the rows stand that come first, second, third ...; equal ones stay as they are.

    Args:
        rows: in the columns `COLUMNS`, others do no harm.
    """
    if not rows.num_rows:
        return np.empty(0, np.int64)
    whole = seconds(rows)
    words = ((whole - whole.min()) << _RANK_BITS) | _ranks(rows["user_id"])
    found = np.argsort(words)  # not stable, and many times as quick as what is
    is_tied = np.diff(words[found]) == 0
    tied = np.append(is_tied, [False]) | np.append([False], is_tied)
    among = found[tied]
    found[tied] = among[_order_of_tied(words[among], among, rows)]
    return found


def is_repetition(rows: pa.Table, before: pa.Table | None) -> NDArray[np.bool_]:
    """Which rows are the same interaction as the row before them.

    Args:
        rows: in order, in the columns `COLUMNS`.
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


def seconds(rows: pa.Table) -> NDArray[np.int64]:
    """TIMESTAMP of each row: milliseconds are cut off, as in the stream."""
    whole: NDArray[np.int64] = rows["occurred_at"].to_numpy() // 1000
    return whole


def _one(rows: pa.Table, index: int) -> tuple[object, ...]:
    (row,) = rows.slice(index, 1).to_pylist()
    texts = (row[name] for name in _TEXTS)
    return row["occurred_at"] // 1000, row["event_value"], *texts


def _identity(rows: pa.Table) -> Iterable[NDArray[np.int64]]:
    """What makes an interaction one to Personalize, as numbers that are equal where it is."""
    yield seconds(rows)
    for name in _TEXTS:
        yield _encoded(rows[name]).indices.to_numpy()
    yield _value_codes(rows)


def _order_of_tied(
    words: NDArray[np.int64], places: NDArray[np.int64], rows: pa.Table
) -> NDArray[np.int64]:
    """The order of rows that share second and user with another one, by all columns."""
    tied = rows.select(COLUMNS).take(pa.array(places))
    track, kind = (_ranks(tied[name]) for name in ("track_id", "event_type"))
    minor = (_value_codes(tied) << 32) | tied["generation"].to_numpy().astype(np.int64)
    return np.lexsort((places, minor, (track << 8) | kind, words))


def _value_codes(rows: pa.Table) -> NDArray[np.int64]:
    """Values as whole numbers, a missing one after all others."""
    values = pc.fill_null(rows["event_value"], 2.0).to_numpy()
    codes: NDArray[np.int64] = np.rint(values * SCALE).astype(np.int64)
    return codes


def _ranks(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Texts as numbers in the order of their bytes."""
    encoded = _encoded(column)
    by_rank = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(len(by_rank), np.int64)
    ranks[by_rank] = np.arange(len(by_rank))
    made: NDArray[np.int64] = ranks[encoded.indices.to_numpy()]
    return made


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    return column.combine_chunks().dictionary_encode()
