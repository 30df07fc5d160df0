"""The comparison with other libraries, as far as it runs without them."""

import numpy as np
import pytest

from benchmarks.models import OURS, ratio_interval, table
from benchmarks.peers import Ease, faded
from musicrec.research.evaluation import Evaluation
from musicrec.research.models.base import Interactions


def evaluation(model, values):
    """One model's NDCG@10 by user."""
    return Evaluation(
        model=model,
        users=np.arange(len(values), dtype=np.int32),
        history_lengths=np.ones(len(values), dtype=np.int32),
        metrics={"ndcg_at_10": np.array(values)},
        coverage={10: 1.0},
    )


class TestTable:
    def test_best_is_first_and_the_ratio_is_ours_to_theirs(self):
        """Rows fall in the mean; the last cell says how many times as good ours is."""
        rows = table([evaluation("other", [0.1] * 9), evaluation(OURS, [0.2] * 9)]).splitlines()
        assert rows[2].startswith(f"| {OURS} | 9 | 0.2000 |")
        assert rows[3].endswith("| 2.00 (2.00 to 2.00) |")

    def test_interval_of_the_ratio_is_paired(self):
        """A constant ratio user by user has no spread, however the users differ."""
        values = np.linspace(0.1, 0.9, 20)
        ratio = ratio_interval(
            evaluation(OURS, 1.5 * values), evaluation("other", values), np.random.default_rng(1)
        )
        assert ratio == pytest.approx((1.5, 1.5, 1.5))


class TestPeers:
    def test_faded_history_counts_the_newest_meeting(self):
        """An item met twice has the weight of its newer place."""
        row = faded(np.array([2, 0, 2], dtype=np.int32), 4, 1.0)
        assert row.tolist() == [0.5, 0.0, 1.0, 0.0]

    def test_ease_is_the_closed_form(self):
        """Inverting among users gives what inverting among items gives."""
        rng = np.random.default_rng(3)
        met = rng.random((15, 8)) < 0.4
        rows = [(f"u{user:02d}", f"i{item}", 1) for user, item in np.argwhere(met)]
        model = Ease(ridge=2.0).fit(Interactions.from_rows(rows))
        precision = np.linalg.inv(met.T.astype(float) @ met + 2 * np.eye(8))
        expected = (-precision / np.diag(precision))[[1, 4]].sum(axis=0)
        scores = model.scores(np.array([1, 4], dtype=np.int32))
        others = [0, 2, 3, 5, 6, 7]
        np.testing.assert_allclose(scores[others], expected[others], rtol=1e-4)
