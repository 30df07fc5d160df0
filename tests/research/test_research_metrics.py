"""The metrics, against worked examples and against what must hold for any ranking."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.research import metrics

RANKED = np.array([7, 1, 8, 9, 2])
RELEVANT = np.array([1, 2])
cases = st.tuples(
    st.permutations(range(12)),
    st.sets(st.integers(0, 20), min_size=1, max_size=8),
    st.integers(1, 12),
)


class TestPersonalizeExample:
    """AWS's own worked example: hits at ranks 2 and 5, K = 5."""

    def test_ndcg(self):
        """NDCG is 0.6241: the ideal has both relevant items at ranks 1 and 2."""
        assert metrics.ndcg_at_k(RANKED, RELEVANT, 5) == pytest.approx(0.6241, abs=5e-5)

    def test_reciprocal_rank(self):
        """The first hit at rank 2 gives one half."""
        assert metrics.mean_reciprocal_rank(RANKED, RELEVANT) == 0.5

    def test_precision(self):
        """Two hits in five places are 0.4."""
        assert metrics.precision_at_k(RANKED, RELEVANT, 5) == 0.4


class TestAccuracy:
    @given(cases)
    def test_all_lie_between_zero_and_one(self, case):
        """No ranking gets a value outside 0 to 1."""
        ranked, relevant, k = np.array(case[0]), np.array(sorted(case[1])), case[2]
        for metric in (
            metrics.ndcg_at_k,
            metrics.precision_at_k,
            metrics.recall_at_k,
            metrics.mean_reciprocal_rank,
        ):
            assert 0 <= metric(ranked, relevant, k) <= 1

    @given(cases)
    def test_perfect_ranking_is_one(self, case):
        """A ranking that begins with all relevant items has NDCG and reciprocal rank 1."""
        relevant, k = np.array(sorted(case[1])), case[2]
        ranked = np.concatenate([relevant, np.arange(100, 110)])
        assert metrics.ndcg_at_k(ranked, relevant, k) == pytest.approx(1)
        assert metrics.mean_reciprocal_rank(ranked, relevant, k) == 1

    @given(cases, st.permutations(range(21)))
    def test_renaming_items_changes_nothing(self, case, names):
        """What the items are called does not matter."""
        ranked, relevant, k = np.array(case[0]), np.array(sorted(case[1])), case[2]
        renamed = np.array(names)
        before = metrics.ndcg_at_k(ranked, relevant, k)
        assert metrics.ndcg_at_k(renamed[ranked], renamed[relevant], k) == pytest.approx(before)

    @given(cases)
    def test_moving_a_hit_up_never_hurts(self, case):
        """Swapping a hit with the miss before it does not lower NDCG."""
        ranked, relevant, k = np.array(case[0]), np.array(sorted(case[1])), case[2]
        hit = np.isin(ranked, relevant)
        before = metrics.ndcg_at_k(ranked, relevant, k)
        for place in np.flatnonzero(hit[1:] & ~hit[:-1]):
            better = ranked.copy()
            better[[place, place + 1]] = better[[place + 1, place]]
            assert metrics.ndcg_at_k(better, relevant, k) >= before - 1e-12

    def test_short_ranking_is_divided_by_k(self):
        """Precision of a list with one place filled, and hit, is 1 / k."""
        assert metrics.precision_at_k(np.array([1]), RELEVANT, 5) == 0.2

    def test_nothing_relevant_is_zero(self):
        """With nothing to find, every metric is 0 instead of a division by zero."""
        nothing = np.array([], dtype=int)
        assert metrics.ndcg_at_k(RANKED, nothing, 5) == 0
        assert metrics.recall_at_k(RANKED, nothing, 5) == 0

    def test_hits_beyond_the_depth_do_not_count(self):
        """A first hit at rank 26 has no reciprocal rank at depth 25."""
        ranked = np.arange(30)
        assert metrics.mean_reciprocal_rank(ranked, np.array([24])) == pytest.approx(1 / 25)
        assert metrics.mean_reciprocal_rank(ranked, np.array([25])) == 0


class TestBeyondAccuracy:
    def test_coverage_counts_items_once(self):
        """Two users with the same list cover no more than one."""
        assert metrics.coverage([np.array([0, 1]), np.array([1, 0])], 4) == 0.5
        assert metrics.coverage([], 4) == 0

    def test_novelty_is_bits(self):
        """An item that one of eight users met carries three bits, one that all met none."""
        popularity = np.array([1.0, 8.0, 0.0])
        assert metrics.novelty(np.array([0]), popularity, 8) == pytest.approx(3)
        assert metrics.novelty(np.array([1]), popularity, 8) == pytest.approx(0)
        assert metrics.novelty(np.array([2]), popularity, 8) == pytest.approx(4)

    def test_diversity_of_equal_and_unrelated_items(self):
        """Equal items have diversity 0, orthogonal ones 1, whatever their scale."""
        features = np.array([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]])
        assert metrics.intra_list_diversity(np.array([0, 1]), features) == pytest.approx(0)
        assert metrics.intra_list_diversity(np.array([0, 2]), features) == pytest.approx(1)
        assert metrics.intra_list_diversity(np.array([0]), features) == 0

    @given(st.integers(2, 8), st.integers(0, 1000))
    def test_diversity_is_the_mean_over_pairs(self, count, seed):
        """The closed form equals the mean over all pairs, written out."""
        features = np.random.default_rng(seed).normal(size=(count, 4))
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        pairs = [1 - unit[i] @ unit[j] for i in range(count) for j in range(count) if i != j]
        found = metrics.intra_list_diversity(np.arange(count), features)
        assert math.isclose(found, np.mean(pairs), abs_tol=1e-9)
