import numpy as np
import pytest

from musicrec.research.models import Cooccurrence, MomentAndTaste, MomentAndTasteConfig
from musicrec.research.models.base import Interactions, NotFittedError, top_k


def crowd(order):
    """Two hundred users of one of four tastes; `order` puts a user's items in order, seeded."""
    rng = np.random.default_rng(5)
    rows = []
    for user in range(200):
        items = 25 * (user % 4) + order(rng)
        rows += [(f"u{user:03d}", f"i{item:03d}", when) for when, item in enumerate(items)]
    return Interactions.from_rows(rows)


def in_turn(rng):
    """Twenty of 25 items, round and round, from anywhere."""
    return (rng.integers(25) + np.arange(20)) % 25


def at_random(rng):
    """Twenty of 25 items in no order."""
    return rng.permutation(25)[:20]


class TestMomentAndTaste:
    def test_order_that_tells_is_left_to_the_moment(self):
        """Where one item follows from the other, taste gets a small part at most."""
        model = MomentAndTaste().fit(crowd(in_turn))
        assert model.weight <= 0.3
        ranked = top_k(model.scores(np.array([3, 4, 5], dtype=np.int32)), 3)
        assert set(ranked.tolist()) == {6, 7, 8}

    def test_lone_weight_of_nothing_is_cooccurrence(self):
        """With a weight of 0 the model is the co-occurrences alone."""
        interactions = crowd(at_random)
        history = np.array([1, 30, 2], dtype=np.int32)
        model = MomentAndTaste(MomentAndTasteConfig(weights=(0.0,))).fit(interactions)
        expected = Cooccurrence().fit(interactions).scores(history)
        np.testing.assert_array_equal(model.scores(history), expected)

    def test_taste_changes_the_scores(self):
        """With a weight the scores are standardised and not the co-occurrences' alone."""
        interactions = crowd(at_random)
        history = np.array([1, 30, 2], dtype=np.int32)
        model = MomentAndTaste(MomentAndTasteConfig(weights=(1.0,))).fit(interactions)
        alone = Cooccurrence().fit(interactions).scores(history)
        assert model.scores(history).mean() == pytest.approx(0, abs=1e-5)
        assert np.corrcoef(model.scores(history), alone)[0, 1] < 0.999

    @pytest.mark.parametrize("negligible", [0.0, 1.0])
    def test_users_who_were_asked_are_learnt_from_unless_they_are_few(self, negligible):
        """What only asked users met is known after a fit, unless their share is negligible."""
        rng = np.random.default_rng(1)
        rows = [
            (f"u{user:03d}", f"i{rng.integers(9)}", when) for user in range(60) for when in (1, 2)
        ]
        own = [(f"u{user:03d}", f"own{user:03d}", 0) for user in range(60)]
        interactions = Interactions.from_rows(rows + own)
        config = MomentAndTasteConfig(weights=(0.0,), asked_share=0.2, negligible=negligible)
        model = MomentAndTaste(config).fit(interactions)
        popular = model.scores(np.empty(0, dtype=np.int32))
        unknown = [
            name
            for name in interactions.item_ids
            if popular[interactions.item_ids.index(name)] == 0
        ]
        assert len(unknown) == (0 if negligible == 0 else 12)

    @pytest.mark.parametrize("rows", [[], [("u", "a", 1)], [("u", "a", 1), ("u", "b", 2)]])
    def test_too_little_data_keeps_the_first_weight(self, rows):
        """Without users to ask and others to learn from, the first weight stands."""
        model = MomentAndTaste().fit(Interactions.from_rows(rows, item_ids="ab"))
        assert model.weight == MomentAndTasteConfig().weights[0]
        assert np.isfinite(model.scores(np.array([0], dtype=np.int32))).all()

    def test_cold_user_gets_what_is_popular(self):
        """An empty history ranks by popularity, whatever the weight."""
        interactions = Interactions.from_rows(
            [("u", "a", 1), ("u", "b", 2), ("v", "b", 1), ("v", "c", 2), ("w", "b", 3)]
        )
        scores = MomentAndTaste().fit(interactions).scores(np.empty(0, dtype=np.int32))
        assert top_k(scores, 1).tolist() == [1]

    def test_new_events_change_the_next_answer(self):
        """Two new items at the end of the history move the list without a fit."""
        model = MomentAndTaste().fit(crowd(in_turn))
        before = top_k(model.scores(np.array([3, 4], dtype=np.int32)), 5)
        after = top_k(model.scores(np.array([3, 4, 60, 61], dtype=np.int32)), 5)
        assert before.max() < 25
        assert ((after >= 50) & (after < 75)).any()

    def test_scores_need_a_fit(self):
        """An unfitted model says so."""
        with pytest.raises(NotFittedError, match="MomentAndTaste"):
            MomentAndTaste().scores(np.array([0], dtype=np.int32))
