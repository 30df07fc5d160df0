"""A matrix in blocks multiplies as the whole one does."""

from __future__ import annotations

import time

import numpy as np
import pytest

from musicrec.research.models.blocks import NUMBERS, Blocks


def _matrix(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32)


@pytest.mark.parametrize(
    ("rows", "columns"), [(1000, 66), (NUMBERS, 1), (NUMBERS + 1, 2), (3, NUMBERS + 1), (7, 0)]
)
class TestProducts:
    def test_a_product_is_that_of_the_whole(self, rows, columns):
        """The last block's padding does not show, whatever the shape."""
        matrix = _matrix(rows, columns)
        vector = np.linspace(-1, 1, columns, dtype=np.float32)
        product = Blocks(matrix) @ vector
        assert product.dtype == np.float32
        assert product == pytest.approx(matrix.astype(np.float64) @ vector, abs=1e-3)

    def test_some_rows_are_summed_by_weight(self, rows, columns):
        """Rows may repeat, and come in any order."""
        matrix = _matrix(rows, columns)
        chosen = np.array([rows - 1, 0, rows // 2, 0], dtype=np.int32)
        weights = np.array([1, -2, 0.5, 3], dtype=np.float32)
        total = Blocks(matrix).summed(chosen, weights)
        assert total == pytest.approx(weights @ matrix[chosen], abs=1e-4)


class TestOneThread:
    def test_no_other_thread_helps(self):
        """At its best the process spends hardly more processor time than the thread that asks."""
        blocks, vector = Blocks(_matrix(20_000, 66)), np.ones(66, dtype=np.float32)

        def ratio() -> float:
            began = time.process_time(), time.thread_time()
            for _ in range(20):
                blocks @ vector
            return (time.process_time() - began[0]) / (time.thread_time() - began[1])

        assert min(ratio() for _ in range(5)) < 1.3  # what else runs here may spend time too
