"""The order in which interactions lie in the CSV, and which of them are one to Personalize.

Columns become whole numbers, as many of them share a word of 64 bits as fit, and one sorting of
such words puts a day in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.processor.rounding import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

COLUMNS: Final = (
    *("occurred_at", "user_id", "track_id", "event_type", "event_value", "generation"),
)
"""What decides the place of a row: its second, then the others in this order."""

_TEXTS: Final = ("user_id", "track_id", "event_type")
_WORD_BITS: Final = 63


def order(rows: pa.Table) -> NDArray[np.int64]:
    """Where the rows stand that come first, second, third ...; equal ones stay as they are.

    Args:
        rows: in the columns `COLUMNS`, others do no harm.
    """
    if not rows.num_rows:
        return np.empty(0, np.int64)
    whole = seconds(rows)
    parts = [
        whole - whole.min(),
        *(_ranks(rows[name]) for name in _TEXTS),
        _value_codes(rows),
        rows["generation"].to_numpy().astype(np.int64),
    ]
    return _sorted(_packed(parts))


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


def _packed(parts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Words that order as the parts do, one after the other; parts are not negative."""
    words: list[NDArray[np.int64]] = []
    room = 0
    for part in parts:
        bits = int(part.max()).bit_length()
        if not words or bits > room:
            words.append(part)
            room = _WORD_BITS - bits
        else:
            words[-1] = (words[-1] << bits) | part
            room -= bits
    return words


def _sorted(words: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The order by the words, the first of which hardly leaves a tie."""
    found = np.argsort(words[0])  # not stable, and many times as quick as what is
    first = words[0][found]
    is_tied = first[1:] == first[:-1]
    tied = np.concatenate([is_tied, [False]]) | np.concatenate([[False], is_tied])
    among = found[tied]
    found[tied] = among[np.lexsort((among, *(word[among] for word in reversed(words))))]
    return found


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
