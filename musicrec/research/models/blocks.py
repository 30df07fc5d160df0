"""A dense matrix whose products with one vector stay in the thread that asks.

BLAS shares a product of millions of numbers among all cores. That costs twice the processor time, and
on a machine that has other work each request then waits until the last core has come round to it.
Cut into blocks that BLAS thinks too small to share, it takes as long as on one undisturbed core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS: Final = 8192
"""In a block. OpenBLAS uses one thread below 2304 * 4 numbers (its `interface/gemv.c`)."""


class Blocks:
    """A matrix of one row an item."""

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        """Copy a matrix of float32, rows by columns."""
        self._length, columns = matrix.shape
        self._rows = max(1, NUMBERS // max(1, columns))
        count = -(-self._length // self._rows)
        padded = np.zeros((count * self._rows, columns), dtype=np.float32)
        padded[: self._length] = matrix
        # A block's columns lie side by side: such products are read faster.
        blocks = padded.reshape(count, self._rows, columns).swapaxes(1, 2)
        self._blocks = np.ascontiguousarray(blocks)

    def summed(self, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The weighted sum of some rows, one weight each."""
        chosen = self._blocks[rows // self._rows, :, rows % self._rows]
        total: NDArray[np.float32] = np.einsum("i,ij->j", weights, chosen)  # never BLAS
        return total

    def __matmul__(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The product with a vector of one number a column."""
        product: NDArray[np.float32] = np.matmul(vector, self._blocks).reshape(-1)
        return product[: self._length]
