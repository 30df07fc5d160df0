"""Blocks and truncation of sparse neighbour matrices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from musicrec.research.models import neighbours

matrices = st.builds(
    lambda seed, rows, columns: sparse.csr_array(
        np.where((dense := np.random.default_rng(seed).random((rows, columns))) > 0.5, dense, 0)
    ),
    st.integers(0, 999),
    st.integers(1, 6),
    st.integers(1, 8),
)


class TestBlocks:
    @given(st.lists(st.integers(0, 20), max_size=15), st.integers(1, 30))
    def test_ranges_cover_all_items_within_budget(self, costs, budget):
        """Ranges follow each other; only a range of one item may exceed the budget."""
        ranges = list(neighbours.blocks(np.array(costs, dtype=np.int64), budget))
        assert [item for start, stop in ranges for item in range(start, stop)] == list(
            range(len(costs))
        )
        for start, stop in ranges:
            assert sum(costs[start:stop]) <= budget or stop == start + 1


class TestStrongest:
    @given(matrices, st.integers(1, 8))
    def test_keeps_the_largest_of_each_row(self, matrix, keep):
        """Every row keeps its largest values and no others."""
        kept = neighbours.strongest(matrix, keep).toarray()
        for before, after in zip(matrix.toarray(), kept, strict=True):
            expected = np.sort(before)[::-1][:keep]
            assert np.sort(after)[::-1][:keep].tolist() == expected.tolist()
            assert np.count_nonzero(after) == np.count_nonzero(expected)


class TestWeightedRows:
    @given(matrices, st.integers(0, 999))
    def test_equals_the_dense_product(self, matrix, seed):
        """Summing sparse rows equals multiplying by the dense matrix; rows may repeat."""
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, matrix.shape[0], size=rng.integers(0, 5)).astype(np.int32)
        weights = rng.random(len(rows))
        found = neighbours.weighted_rows(matrix, rows, weights)
        np.testing.assert_allclose(found, weights @ matrix.toarray()[rows], rtol=1e-5, atol=1e-6)
