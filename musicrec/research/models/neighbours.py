"""Sparse item-to-item matrices, built a block of items at a time so that memory stays bounded.

Five million interactions have some hundred million pairs of neighbouring items. Written down at once
they would fill a machine; the product of a block's one-hot rows with its neighbourhood is made,
normalised and cut to the strongest neighbours before the next block begins.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

PAIRS_PER_BLOCK: Final = 1_000_000
"""Pairs that one block may spell out. Larger blocks are slower: their memory is new every time."""

WORKERS: Final = 2
"""Blocks made at once; each needs its memory."""


def blocks(costs: NDArray[np.int64], budget: int = PAIRS_PER_BLOCK) -> Iterator[tuple[int, int]]:
    """Cut items 0 to n into consecutive ranges whose costs stay within the budget.

    An item that alone exceeds the budget is a range of its own.
    """
    total = np.concatenate([[0], np.cumsum(costs)])
    start, end = 0, len(costs)
    while start < end:
        stop = int(np.searchsorted(total, total[start] + budget, side="right")) - 1
        stop = min(max(stop, start + 1), end)
        yield start, stop
        start = stop


def strongest(matrix: sparse.csr_array, keep: int) -> sparse.csr_array:
    """Each row's `keep` largest values; among equal ones those that introselect leaves."""
    lengths = np.diff(matrix.indptr)
    if lengths.max(initial=0) <= keep:
        return matrix
    mask = np.ones(matrix.nnz, dtype=np.bool_)
    for row in np.flatnonzero(lengths > keep):
        start, stop = matrix.indptr[row], matrix.indptr[row + 1]
        weaker = np.argpartition(-matrix.data[start:stop], keep - 1)[keep:]
        mask[start + weaker] = False
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, keep))])
    return sparse.csr_array((matrix.data[mask], matrix.indices[mask], indptr), shape=matrix.shape)


def stacked(
    costs: NDArray[np.int64],
    block: Callable[[int, int], sparse.csr_array],
    keep: int,
) -> sparse.csr_array:
    """The rows that `block(start, stop)` makes, each range cut to its strongest neighbours.

    Args:
        costs: pairs that each item's row spells out.
        block: makes the rows of items `start` to `stop`.
        keep: neighbours kept for each item.
    """

    def part(cut: tuple[int, int]) -> sparse.csr_array:
        return strongest(block(*cut), keep)

    with ThreadPoolExecutor(WORKERS) as pool:  # sparse products leave the interpreter's lock
        parts = list(pool.map(part, blocks(costs)))
    if not parts:
        return sparse.csr_array(np.empty((0, 0), dtype=np.float32))
    lengths = np.concatenate([np.diff(each.indptr) for each in parts])
    whole = (
        np.concatenate([each.data for each in parts]),
        np.concatenate([each.indices for each in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
    )
    return sparse.csr_array(whole, shape=(len(lengths), parts[0].shape[1]))


def weighted_rows(
    matrix: sparse.csr_array, rows: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The weighted sum of some rows, dense: one score for each column."""
    starts, stops = matrix.indptr[rows], matrix.indptr[rows + 1]
    lengths = stops - starts
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
    values = matrix.data[places] * np.repeat(weights, lengths)
    return np.bincount(matrix.indices[places], values, matrix.shape[1]).astype(np.float32)
