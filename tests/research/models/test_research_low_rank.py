import numpy as np
import pytest

from musicrec.research.models import LowRankEase, LowRankEaseConfig
from musicrec.research.models.base import Interactions, NotFittedError

RIDGE = 5.0


@pytest.fixture
def interactions():
    """Forty users with some of twelve items, seeded."""
    rng = np.random.default_rng(3)
    met = np.argwhere(rng.random((40, 12)) < 0.3)
    rows = [(f"u{user:02d}", "abcdefghijkl"[item], when) for when, (user, item) in enumerate(met)]
    return Interactions.from_rows(rows, item_ids="abcdefghijkl")


def fitted(interactions, rank=128):
    config = LowRankEaseConfig(rank=rank, ridge=RIDGE, lasting_share=0.0, history_half_life=1.0)
    return LowRankEase(config).fit(interactions)


def ease(interactions):
    """The closed form, with the whole inverse."""
    met = np.zeros((interactions.n_users, interactions.n_items))
    met[interactions.users, interactions.items] = 1
    precision = np.linalg.inv(met.T @ met + RIDGE * np.eye(met.shape[1]))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0)
    return weights


class TestLowRankEase:
    def test_all_directions_give_ease(self, interactions):
        """Without a cut the scores are EASE's, an item of the history speaking not for itself."""
        weights = ease(interactions)
        scores = fitted(interactions).scores(np.array([2, 7], dtype=np.int32))
        np.testing.assert_allclose(scores, 0.5 * weights[2] + weights[7], rtol=1e-3, atol=1e-5)

    def test_few_directions_come_near(self, interactions):
        """With most of the directions the scores still go with EASE's."""
        weights = ease(interactions)
        scores = fitted(interactions, rank=9).scores(np.array([2], dtype=np.int32))
        assert np.corrcoef(np.delete(scores, 2), np.delete(weights[2], 2))[0, 1] > 0.8

    def test_many_items_leave_few_directions(self, interactions):
        """Directions times items stay within the budget, as if so few had been asked for."""
        history = np.array([2], dtype=np.int32)
        config = LowRankEaseConfig(ridge=RIDGE, lasting_share=0.0, max_numbers=3 * 12 + 11)
        bounded = LowRankEase(config).fit(interactions).scores(history)
        np.testing.assert_array_equal(bounded, fitted(interactions, rank=3).scores(history))
        assert not np.allclose(bounded, fitted(interactions).scores(history))

    def test_item_met_twice_counts_by_its_newest_place(self, interactions):
        """A repeat moves an item to the front and adds nothing."""
        model = fitted(interactions)
        twice = model.scores(np.array([7, 2, 7], dtype=np.int32))
        once = model.scores(np.array([2, 7], dtype=np.int32))
        np.testing.assert_array_equal(twice, once)

    def test_cold_user_gets_what_is_popular(self, interactions):
        """An empty history ranks by distinct users."""
        scores = fitted(interactions).scores(np.empty(0, dtype=np.int32))
        assert scores.tolist() == np.bincount(interactions.items, minlength=12).tolist()

    def test_fits_alike_twice(self, interactions):
        """The same data give the same scores, with a cut too."""
        history = np.array([1, 2, 3], dtype=np.int32)
        one, other = (fitted(interactions, rank=6).scores(history) for _ in range(2))
        np.testing.assert_array_equal(one, other)

    def test_scores_need_a_fit(self):
        """An unfitted model says so."""
        with pytest.raises(NotFittedError, match="LowRankEase"):
            LowRankEase().scores(np.array([0], dtype=np.int32))

    def test_nothing_met_leaves_all_alike(self):
        """Items that nobody met get the same score."""
        empty = Interactions.from_rows([], item_ids="ab")
        assert LowRankEase().fit(empty).scores(np.array([0], dtype=np.int32)).tolist() == [0, 0]
