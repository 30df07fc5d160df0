"""Evaluation: what is asked, what is averaged, what a difference is worth."""

import numpy as np
import pytest

from musicrec.research.evaluation import (
    Evaluation,
    NotComparableError,
    bootstrap_interval,
    compare,
    evaluate,
    measure,
    pooled,
)
from musicrec.research.models import Popularity
from musicrec.research.models.base import Interactions
from musicrec.research.splits import Case, Split


class Fixed:
    """A model that always ranks items by code, the first best."""

    def fit(self, interactions, item_features=None):
        self.n_items, self.features = interactions.n_items, item_features
        return self

    def scores(self, history, timestamps=None):  # noqa: ARG002 - the protocol's arguments
        return -np.arange(self.n_items, dtype=np.float32)


def codes(*values):
    return np.array(values, dtype=np.int32)


@pytest.fixture
def split():
    """Six items; user 1 heard 0 and meets 0 and 2, user 2 heard 1 and meets it again."""
    train = Interactions.from_rows([("a", f"i{n}", n) for n in range(6)])
    times = np.array([1], dtype=np.int64)
    return Split(
        train, [Case(1, codes(0), times, codes(0, 2)), Case(2, codes(1), times, codes(1, 1))]
    )


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def results(model, values, users=None):
    users = range(len(values)) if users is None else users
    return Evaluation(
        model, codes(*users), codes(*[5] * len(values)), {"ndcg_at_10": np.array(values)}, {10: 0.5}
    )


class TestEvaluate:
    def test_with_repeats_everything_counts(self, split):
        """Items of the history are recommended and are targets, each counted once."""
        found = evaluate(Fixed(), split, ks=(2,))
        assert found.users.tolist() == [1, 2]
        assert found.metrics["precision_at_2"].tolist() == [0.5, 0.5]
        assert found.metrics["mean_reciprocal_rank_at_25"].tolist() == [1.0, 0.5]
        assert found.metrics["recall_at_2"].tolist() == [0.5, 1.0]

    def test_without_repeats_only_new_items_count(self, split):
        """The history is left out of the ranking, and users who met nothing new drop out."""
        found = evaluate(Fixed(), split, ks=(2,), repeats=False)
        assert found.users.tolist() == [1]
        assert found.metrics["mean_reciprocal_rank_at_25"].tolist() == [0.5]

    def test_lists_are_kept_with_their_popularity(self, split):
        """Each user's list stands beside the user, and says how many had met what it shows."""
        found = evaluate(Fixed(), split, ks=(2,), repeats=False)
        assert [ranked.tolist() for ranked in found.lists] == [[1, 2, 3, 4, 5]]
        assert found.metrics["popularity_at_2"].tolist() == [1.0]
        assert len(pooled([found, found]).lists) == 2

    def test_coverage_is_over_all_items(self, split):
        """Who has nothing to find is not asked: one user's two items of six are covered."""
        assert evaluate(Fixed(), split, ks=(2,), repeats=False).coverage == {
            2: pytest.approx(1 / 3)
        }

    def test_features_reach_the_model_and_diversity(self, split):
        """Given features, the model sees them and lists get a diversity."""
        model, features = Fixed(), np.eye(6, dtype=np.float32)
        found = evaluate(model, split, ks=(3,), item_features=features)
        assert model.features is features
        assert found.metrics["diversity_at_3"].tolist() == pytest.approx([1.0, 1.0])

    def test_named_after_the_class_unless_told(self, split):
        """The model's class is its name in tables."""
        assert evaluate(Fixed(), split).model == "Fixed"
        assert evaluate(Fixed(), split, name="by code").model == "by code"

    def test_measure_does_not_fit(self, split):
        """A fitted model can be measured on a split without learning from it."""
        model = Popularity().fit(split.train)
        other = Split(Interactions.from_rows([], item_ids=split.train.item_ids), split.cases)
        before = model.scores(codes()).tolist()
        measure(model, other)
        assert model.scores(codes()).tolist() == before

    def test_means_are_over_users(self, split):
        """A mean gives every user the same weight."""
        means = evaluate(Fixed(), split, ks=(2,)).means()
        assert means["mean_reciprocal_rank_at_25"] == 0.75
        assert "coverage_at_2" in means


class TestPooled:
    def test_users_of_all_folds_count(self):
        """Folds are joined user by user, coverage is averaged."""
        whole = pooled([results("m", [0.0, 1.0]), results("m", [0.5], users=[7])])
        assert whole.metrics["ndcg_at_10"].tolist() == [0.0, 1.0, 0.5]
        assert whole.users.tolist() == [0, 1, 7]
        assert whole.coverage == {10: 0.5}


class TestBootstrapInterval:
    def test_covers_the_mean(self, rng):
        """The mean of the sample lies within its interval, which is about 4 standard errors wide."""
        values = rng.normal(10, 2, size=400)
        interval = bootstrap_interval(values, rng)
        assert interval.low < interval.mean < interval.high
        assert interval.mean == pytest.approx(values.mean())
        assert interval.high - interval.low == pytest.approx(4 * 2 / 20, rel=0.2)

    def test_holds_the_truth_about_as_often_as_it_says(self, rng):
        """Of 200 intervals of level 0.8, about 160 contain the true mean."""
        found = [bootstrap_interval(rng.exponential(1, 60), rng, level=0.8, resamples=200)
                 for _ in range(200)]  # fmt: skip
        assert 140 <= sum(interval.low <= 1 <= interval.high for interval in found) <= 178

    def test_constant_values_have_no_width(self, rng):
        """Where all users agree, there is nothing to be unsure of."""
        interval = bootstrap_interval(np.full(5, 0.25), rng)
        assert (interval.low, interval.mean, interval.high) == (0.25, 0.25, 0.25)

    def test_nobody_is_an_error(self, rng):
        """No users make no interval."""
        with pytest.raises(ValueError, match="no users"):
            bootstrap_interval(np.array([]), rng)


class TestCompare:
    def test_difference_is_paired_by_user(self, rng):
        """Users are matched by code, whatever their order."""
        one = results("one", [0.9, 0.1, 0.5], users=[1, 2, 3])
        other = results("other", [0.5, 0.0, 0.8], users=[3, 2, 1])
        found = compare(one, other, "ndcg_at_10", rng)
        assert found.difference.mean == pytest.approx((0.1 + 0.1 + 0.0) / 3)
        assert found.better == pytest.approx(2 / 3)
        assert found.worse == 0

    def test_pairing_sees_what_separate_intervals_hide(self, rng):
        """A small gain for everybody is certain even where users differ widely."""
        base = rng.random(100)
        found = compare(results("a", base + 0.01), results("b", base), "ndcg_at_10", rng)
        assert found.difference.low > 0

    def test_foreign_users_are_refused(self, rng):
        """Without a common user there is nothing to pair."""
        with pytest.raises(NotComparableError, match="no user in common"):
            compare(
                results("a", [1.0], users=[1]), results("b", [1.0], users=[2]), "ndcg_at_10", rng
            )

    def test_missing_metric_is_named(self, rng):
        """A metric that one lacks is an error that lists what both have."""
        with pytest.raises(NotComparableError, match=r"'mrr'.*ndcg_at_10"):
            compare(results("a", [1.0]), results("b", [1.0]), "mrr", rng)
