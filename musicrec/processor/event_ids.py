"""Event ids as rows of 36 bytes, so that a day of them is checked, compared and moved at once.

Nothing else is unique in every row: as texts the ids would cost more than all other columns together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_WIDTH: Final = 36
_DASHES: Final = (8, 13, 18, 23)
_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

_BLOCK: Final = 4096
"""Ids that are checked at once: what they need stays in the processor's cache."""

_DIGITS_OF_BLOCK: Final = np.tile([place not in _DASHES for place in range(_WIDTH)], _BLOCK)
_WORDS: Final = np.dtype([("", "<u8")] * (_WIDTH // 8) + [("", "<u4")])
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 by the golden ratio: multiplied by it, near numbers come to lie far apart (Knuth, 6.4)."""


def well_formed(ids: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Which texts are UUIDs in small letters; null where there is none."""
    if all(map(_are_all_well_formed, ids.chunks)):
        return pa.repeat(pa.scalar(value=True), len(ids))
    return pc.match_substring_regex(ids, _PATTERN)


def is_first(ids: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which ids have no copy before them.

    Args:
        ids: well formed.
    """
    if not len(ids):
        return np.ones(0, bool)
    texts = _texts(ids.combine_chunks())
    hashes = _hashes(texts)
    order = np.argsort(hashes)
    in_order = hashes[order]
    is_same = in_order[1:] == in_order[:-1]
    among = order[np.append(is_same, [False]) | np.append([False], is_same)]
    found = np.ones(len(texts), bool)
    found[_later_copies(texts, hashes, np.sort(among))] = False
    return found


def taken(ids: pa.ChunkedArray, rows: NDArray[np.int64]) -> pa.Array:
    """The ids of some rows.

    Args:
        ids: well formed.
        rows: in any order.
    """
    texts = np.take(_texts(ids.combine_chunks()), rows)
    ends = np.arange(len(rows) + 1, dtype=np.int32) * _WIDTH
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(ends), pa.py_buffer(texts))


def _later_copies(
    texts: NDArray[np.void], hashes: NDArray[np.uint64], among: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of some rows repeat the id of an earlier one."""
    order = among[np.argsort(hashes[among], kind="stable")]
    is_same = hashes[order][1:] == hashes[order][:-1]
    copies: NDArray[np.int64] = order[1:][is_same]
    originals = order[:-1][is_same]
    if (texts[copies] == texts[originals]).all():
        return copies
    one_hash_many_ids = texts[among].view(f"S{_WIDTH}")
    return np.delete(among, np.unique(one_hash_many_ids, return_index=True)[1])


def _hashes(texts: NDArray[np.void]) -> NDArray[np.uint64]:
    """A number for each id; different ids nearly never have the same."""
    mixed = np.zeros(len(texts), np.uint64)
    words = texts.view(_WORDS)
    for name in _WORDS.names or ():
        mixed = (mixed + words[name]) * _FACTOR
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _are_all_well_formed(ids: pa.Array) -> bool:
    if ids.null_count or not (np.diff(_ends(ids)) == _WIDTH).all():
        return False
    return all(map(_is_block_well_formed, _blocks(ids)))


def _is_block_well_formed(octets: NDArray[np.uint8]) -> bool:
    is_figure = octets - np.uint8(ord("0")) < 10  # what lies below wraps around to a large number
    is_letter = octets - np.uint8(ord("a")) < 6
    due = _DIGITS_OF_BLOCK[: len(octets)]
    return np.array_equal(is_figure | is_letter, due) and np.array_equal(octets != ord("-"), due)


def _blocks(ids: pa.Array) -> Iterator[NDArray[np.uint8]]:
    octets = _texts(ids).view(np.uint8)
    for start in range(0, len(octets), _BLOCK * _WIDTH):
        yield octets[start : start + _BLOCK * _WIDTH]


def _texts(ids: pa.Array) -> NDArray[np.void]:
    """The bytes of each id; all must be `_WIDTH` long."""
    if not len(ids):
        return np.empty(0, f"V{_WIDTH}")
    return np.frombuffer(ids.buffers()[2], f"V{_WIDTH}", len(ids), _ends(ids)[0])


def _ends(ids: pa.Array) -> NDArray[np.int32]:
    """Where each text ends, after where the first begins."""
    if not len(ids):
        return np.zeros(1, np.int32)  # a buffer may be missing
    return np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1, 4 * ids.offset)
