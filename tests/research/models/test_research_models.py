"""What every model must do, and what each is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.research.models import (
    Cooccurrence,
    CooccurrenceConfig,
    ItemKnn,
    ItemKnnConfig,
    Popularity,
    RecentPopularity,
    RecentPopularityConfig,
    RepeatHistory,
    RepeatHistoryConfig,
)
from musicrec.research.models.base import Interactions, NotFittedError, top_k
from musicrec.research.models.window import Sequences

DAY = 86_400
NOTHING = np.array([], dtype=np.int32)


def codes(interactions, ids):
    return np.array([interactions.item_ids.index(name) for name in ids], dtype=np.int32)


def ranking(interactions, scores):
    return "".join(interactions.item_ids[code] for code in top_k(scores, len(scores)))


def listening(*plays, items="abcdefgh"):
    """One user a string; each letter is an item, a second apart."""
    rows = [
        (f"u{user}", item, second)
        for user, letters in enumerate(plays)
        for second, item in enumerate(letters)
    ]
    return Interactions.from_rows(rows, item_ids=items)


class ModelContract:
    """Tests that a model's class inherits by naming its model."""

    model: type
    cold_is_popular = True

    @pytest.fixture
    def interactions(self):
        """Thirty listeners of twelve plays each; nobody met g and h."""
        rng = np.random.default_rng(5)
        plays = ["".join(rng.choice(list("abcdef"), 12, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1]))
                 for _ in range(30)]  # fmt: skip
        return listening(*plays)

    def test_unfitted_says_so(self):
        """Asking before fitting is an error that names the model."""
        with pytest.raises(NotFittedError, match=self.model.__name__):
            self.model().scores(NOTHING)

    def test_fit_returns_the_model(self, interactions):
        """Fitting can be chained."""
        model = self.model()
        assert model.fit(interactions) is model

    def test_one_float32_score_for_each_item(self, interactions):
        """Every item code has a finite score, those without interactions too."""
        scores = self.model().fit(interactions).scores(codes(interactions, "ab"))
        assert scores.shape == (8,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_cold_user_gets_what_is_popular(self, interactions):
        """With an empty history the most popular item comes first."""
        cold = self.model().fit(interactions).scores(NOTHING)
        popular = Popularity().fit(interactions).scores(NOTHING)
        if self.cold_is_popular:
            assert ranking(interactions, cold) == ranking(interactions, popular)

    def test_two_fits_agree_exactly(self, interactions):
        """Nothing in a model is left to chance."""
        history = codes(interactions, "abcab")
        one, other = (self.model().fit(interactions).scores(history) for _ in range(2))
        assert one.tolist() == other.tolist()

    def test_names_of_users_do_not_matter(self, interactions):
        """Renaming users, which changes their codes, changes no score."""
        renamed = Interactions.from_columns(
            [f"v{interactions.n_users - user:03}" for user in interactions.users],
            [interactions.item_ids[item] for item in interactions.items],
            interactions.timestamps,
            item_ids=interactions.item_ids,
        )
        history = codes(interactions, "abcab")
        one, other = (self.model().fit(some).scores(history) for some in (interactions, renamed))
        np.testing.assert_allclose(one, other, rtol=1e-5)

    def test_answer_is_the_callers_to_change(self, interactions):
        """Overwriting an answer, as when seen items are left out, spoils no later one."""
        model = self.model().fit(interactions)
        before = model.scores(NOTHING).tolist()
        model.scores(NOTHING)[:] = -np.inf
        assert model.scores(NOTHING).tolist() == before

    def test_no_interactions_at_all(self):
        """A model fitted on nothing answers zeros for the named items."""
        empty = Interactions.from_rows([], item_ids="abc")
        assert self.model().fit(empty).scores(NOTHING).tolist() == [0, 0, 0]


class TestPopularity(ModelContract):
    model = Popularity

    def test_a_user_counts_once(self):
        """Ten plays by one listener weigh less than one each by two."""
        interactions = listening("aaaaaaaaaa", "b", "b")
        assert Popularity().fit(interactions).scores(NOTHING)[:2].tolist() == [1, 2]


class TestRecentPopularity(ModelContract):
    model = RecentPopularity

    @pytest.fixture
    def moved_on(self):
        """Item a was liked by three a month and more ago, b by two lately, c by one just now."""
        return Interactions.from_rows(
            [("u", "a", 0), ("v", "a", 0), ("w", "a", 0), ("u", "b", 60 * DAY),
             ("v", "b", 60 * DAY), ("w", "c", 61 * DAY), ("x", "d", 1)]
        )  # fmt: skip

    def test_old_fame_ranks_below_new(self, moved_on):
        """What is outside the window follows what is inside, by all-time popularity."""
        scores = RecentPopularity().fit(moved_on).scores(NOTHING)
        assert ranking(moved_on, scores) == "bcad"

    def test_half_life_halves(self, moved_on):
        """One half-life back a user counts half."""
        config = RecentPopularityConfig(half_life_days=1.0)
        scores = RecentPopularity(config).fit(moved_on).scores(NOTHING)
        assert scores[1:3].tolist() == [1.0, 1.0]

    def test_replays_count_once(self):
        """A listener who replays an item counts by the newest time alone."""
        interactions = Interactions.from_rows([("u", "a", 0), ("u", "a", DAY), ("v", "b", DAY)])
        scores = RecentPopularity().fit(interactions).scores(NOTHING)
        assert scores.tolist() == [1.0, 1.0]


class TestRepeatHistory(ModelContract):
    model = RepeatHistory

    def test_own_plays_come_first(self):
        """A listener's own items precede more popular ones."""
        interactions = listening("aab", "ab", "ac")
        scores = RepeatHistory().fit(interactions).scores(codes(interactions, "c"))
        assert ranking(interactions, scores).startswith("cab")

    def test_plays_fade(self):
        """With a half-life of one play, the newest outweighs two old ones."""
        interactions = listening("abab")
        model = RepeatHistory(RepeatHistoryConfig(half_life_plays=1.0)).fit(interactions)
        scores = model.scores(codes(interactions, "acab"))
        np.testing.assert_allclose(scores[:3], [0.5 + 0.125, 1.0, 0.25])


class TestItemKnn(ModelContract):
    model = ItemKnn

    def test_cosine_is_exact(self):
        """Two items share one of their two and three users: 1 / sqrt(6)."""
        interactions = listening("ab", "a", "b", "b", items="ab")
        scores = ItemKnn().fit(interactions).scores(codes(interactions, "a"))
        assert scores[1] == pytest.approx(1 / np.sqrt(6))

    def test_an_item_is_no_neighbour_of_itself(self):
        """The history's own item is reached only through others."""
        interactions = listening("ab", "ab", "a")
        scores = ItemKnn().fit(interactions).scores(codes(interactions, "a"))
        assert scores[1] > scores[0]

    def test_only_the_strongest_neighbours_stay(self):
        """With one neighbour kept, the weaker one falls back to popularity."""
        interactions = listening("ab", "ab", "ac", items="abc")
        scores = (
            ItemKnn(ItemKnnConfig(neighbours=1)).fit(interactions).scores(codes(interactions, "a"))
        )
        assert scores[1] == pytest.approx(2 / np.sqrt(6))
        assert 0 < scores[2] < scores[1] / 2

    def test_few_common_users_do_not_count(self):
        """A pair below the limit falls back to popularity, one at it stays."""
        interactions = listening("ab", "ab", "ac", "c", "c", "c", items="abc")
        config = ItemKnnConfig(min_together=2)
        scores = ItemKnn(config).fit(interactions).scores(codes(interactions, "a"))
        assert scores[1] == pytest.approx(2 / np.sqrt(6))
        assert 0 < scores[2] <= scores[1] / 2

    def test_discount_decides_what_popularity_is_worth(self):
        """Without one the number of common users counts alone; the whole divides by all users."""
        interactions = listening("ab", "ab", "ac", "b", "b", "b", "b", "b", items="abc")
        orders = [
            ItemKnn(ItemKnnConfig(popularity_discount=power))
            .fit(interactions)
            .scores(codes(interactions, "a"))[1:]
            for power in (0.0, 1.0)
        ]
        assert orders[0].tolist() == [2, 1]
        assert orders[1] == pytest.approx([2 / 21, 1 / 3])


def by_definition(sequences, config):
    """Co-occurrences counted pair by pair, then divided by the powers of the totals."""
    counts = np.zeros((sequences.n_items, sequences.n_items))
    for one in range(len(sequences)):
        for other in range(len(sequences)):
            near = 0 < abs(other - one) <= config.window
            if near and sequences.users[one] == sequences.users[other]:
                factor = 0.5 ** ((abs(other - one) - 1) / config.window_half_life)
                direction = 1 if other > one else config.backward_weight
                counts[sequences.items[one], sequences.items[other]] += factor * direction
    full = sum(0.5 ** (lag / config.window_half_life) for lag in range(config.window))
    prior = config.prior_meetings * (1 + config.backward_weight) * full
    out, into = counts.sum(axis=1) + prior, counts.sum(axis=0) + prior
    return counts / np.outer(out, into) ** config.popularity_discount


class TestCooccurrence(ModelContract):
    model = Cooccurrence

    def test_order_heard_counts(self):
        """What follows ranks above what precedes, all else equal."""
        interactions = listening("bac", "bac", items="abc")
        scores = Cooccurrence().fit(interactions).scores(codes(interactions, "a"))
        assert scores[2] > scores[1] > 0

    def test_backward_weight_one_ignores_order(self):
        """With equal weights for both directions, order is forgotten."""
        interactions = listening("bac", "bac", items="abc")
        model = Cooccurrence(CooccurrenceConfig(backward_weight=1.0)).fit(interactions)
        scores = model.scores(codes(interactions, "a"))
        assert scores[2] == pytest.approx(scores[1])

    def test_nearer_counts_more(self):
        """One half-life further along counts half."""
        config = CooccurrenceConfig(window_half_life=1.0, popularity_discount=0.0)
        interactions = listening("abc", items="abc")
        scores = Cooccurrence(config).fit(interactions).scores(codes(interactions, "a"))
        np.testing.assert_allclose(scores[1:], [1.0, 0.5])

    def test_beyond_the_window_is_out_of_reach(self):
        """An item outside the window is no neighbour and ranks by popularity alone."""
        config = CooccurrenceConfig(window=1, popularity_discount=0.0)
        interactions = listening("abc", items="abc")
        scores = Cooccurrence(config).fit(interactions).scores(codes(interactions, "a"))
        assert scores[1] == 1.0
        assert 0 < scores[2] <= 0.5

    def test_windows_end_at_the_user(self):
        """The last item of one listener is not near the first of the next."""
        interactions = listening("ab", "cd", items="abcd")
        scores = Cooccurrence().fit(interactions).scores(codes(interactions, "b"))
        assert scores[0] > scores[2]
        assert scores[2] == scores[3]

    def test_play_and_completion_are_one(self):
        """Consecutive repeats change nothing."""
        once, twice = listening("abcab"), listening("aabbccaabb")
        history = codes(once, "ab")
        one, other = (Cooccurrence().fit(some).scores(history) for some in (once, twice))
        assert one.tolist() == other.tolist()

    def test_coming_back_makes_an_item_its_own_neighbour(self):
        """Where people return to an item, it may be recommended after itself."""
        interactions = listening("abababab", "cd")
        scores = Cooccurrence().fit(interactions).scores(codes(interactions, "a"))
        assert scores[0] > scores[2]

    def test_weights_scale_pairs(self):
        """A pair counts by the product of its two weights."""
        interactions = Interactions.from_columns(
            ["u", "u", "v", "v"], list("abac"), [1, 2, 1, 2], [1.0, 0.5, 1.0, 1.0]
        )
        config = CooccurrenceConfig(popularity_discount=0.0)
        scores = Cooccurrence(config).fit(interactions).scores(codes(interactions, "a"))
        np.testing.assert_allclose(scores[1:], [0.5, 1.0])

    def test_sample_of_the_meetings_stands_for_all(self):
        """An item met oftener than is looked at keeps its counts, within what a sample allows."""
        interactions = listening(*["ab", "ab", "ac"] * 40)
        config = CooccurrenceConfig(popularity_discount=0.0, meetings=30)
        scores = Cooccurrence(config).fit(interactions).scores(codes(interactions, "a"))
        np.testing.assert_allclose(scores[1:3], [80, 40], rtol=0.1)

    @settings(deadline=None)
    @given(
        histories=st.lists(st.text("abcde", min_size=1, max_size=12), min_size=1, max_size=6),
        power=st.sampled_from([0.0, 0.5, 1.0]),
    )
    def test_matrix_is_the_definition(self, histories, power):
        """The blocks, sums and scales give what the definition gives, pair by pair."""
        interactions = listening(*histories, items="abcde")
        config = CooccurrenceConfig(
            window=4, window_half_life=2.0, popularity_discount=power, prior_meetings=1.0
        )
        model = Cooccurrence(config).fit(interactions)
        expected = by_definition(Sequences.of(interactions), config)
        for code in range(5):
            scores = model.scores(np.array([code], dtype=np.int32))
            reached = expected[code] > 0
            np.testing.assert_allclose(scores[reached], expected[code][reached], rtol=1e-4)

    def test_newest_of_the_history_dominates(self):
        """After five plays in another neighbourhood, its items lead."""
        interactions = listening(*["abcd" * 5] * 3, *["efgh" * 5] * 3)
        model = Cooccurrence().fit(interactions)
        before = ranking(interactions, model.scores(codes(interactions, "abcdabcd")))
        after = ranking(interactions, model.scores(codes(interactions, "abcdabcdefghe")))
        assert set(before[:4]) == set("abcd")
        assert set(after[:4]) == set("efgh")

    def test_one_chance_meeting_stays_behind_what_many_share(self):
        """Two items that met once, and nothing else, are no closer than two that many link."""
        interactions = listening(*["ab", "ac", "bd"] * 20, "ax", items="abcdx")
        scores = Cooccurrence().fit(interactions).scores(codes(interactions, "a"))
        assert set(ranking(interactions, scores)[:2]) == set("bc")
        assert scores[4] < scores[2] / 4

    def test_old_taste_still_counts_a_little(self):
        """What a listener met long ago ranks above what was never near anything met."""
        interactions = listening(*["ab" * 3] * 4, *["cd" * 3] * 4, *["ef" * 3] * 5)
        config = CooccurrenceConfig(history_half_life=0.5, lasting_share=0.05)
        history = codes(interactions, "a" + "cd" * 40)
        lasting = Cooccurrence(config).fit(interactions).scores(history)
        assert ranking(interactions, lasting)[2:4] == "ba"
        assert lasting[1] > 1.5 * lasting[4:].max()

    def test_matches_counts_written_out(self):
        """The blocked sparse product equals a double loop over positions."""
        rng = np.random.default_rng(1)
        plays = ["".join(rng.choice(list("abcdef"), 20)) for _ in range(5)]
        interactions = listening(*plays, items="abcdef")
        config = CooccurrenceConfig(
            window=7,
            window_half_life=3.0,
            backward_weight=0.5,
            popularity_discount=0.5,
            prior_meetings=2.0,
        )
        expected = np.zeros((6, 6))
        for play in plays:
            heard = [item for n, item in enumerate(play) if n == 0 or play[n - 1] != item]
            for i, a in enumerate(heard):
                for j, b in enumerate(heard):
                    if i != j and abs(j - i) <= 7:
                        weight = 0.5 ** ((abs(j - i) - 1) / 3) * (1 if j > i else 0.5)
                        expected["abcdef".index(a), "abcdef".index(b)] += weight
        prior = 2 * 1.5 * sum(0.5 ** (lag / 3) for lag in range(7))
        rows, columns = expected.sum(axis=1, keepdims=True) + prior, expected.sum(axis=0) + prior
        expected /= np.sqrt(rows * columns)
        model = Cooccurrence(config).fit(interactions)
        found = [model.scores(np.array([code], dtype=np.int32)) for code in range(6)]
        np.testing.assert_allclose(found, expected, rtol=1e-4)


class TestContentBehindCooccurrence:
    """Items that nobody met, here x and y, speak and appear by what they are."""

    FEATURES = np.array(
        [[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0], [0, 1]], dtype=np.float32
    )  # fmt: skip

    @pytest.fixture
    def crowd(self):
        """Some listeners who alternate a and b, some c and d; c once more alone."""
        return listening(*["ab" * 3] * 4, *["cd" * 3] * 4, "c", items="abcdxy")

    def test_likeness_ranks_cold_items(self, crowd):
        """Of two new items the one like the history ranks right behind what is known."""
        scores = Cooccurrence().fit(crowd, self.FEATURES).scores(codes(crowd, "ab"))
        assert ranking(crowd, scores)[2] == "x"

    def test_heard_together_ranks_above_alike(self, crowd):
        """After well-known items, a perfect likeness does not outrank what is heard with them."""
        scores = Cooccurrence().fit(crowd, self.FEATURES).scores(codes(crowd, "ab"))
        assert scores[4] < scores[:2].min()

    def test_item_that_nobody_met_leads_to_its_like(self, crowd):
        """After a new item, items like it lead, though no listener links them."""
        scores = Cooccurrence().fit(crowd, self.FEATURES).scores(codes(crowd, "y"))
        assert set(ranking(crowd, scores)[:2]) == set("cd")

    def test_new_item_pulls_a_known_history(self, crowd):
        """One play of a new item lifts what is like it above what is only like the older plays."""
        model = Cooccurrence().fit(crowd, self.FEATURES)
        before = ranking(crowd, model.scores(codes(crowd, "ab")))
        after = ranking(crowd, model.scores(codes(crowd, "aby")))
        assert before.index("x") < before.index("d")
        assert after.index("d") < after.index("x")

    def test_new_item_does_not_recommend_itself(self, crowd):
        """Likeness to itself is no reason to play an item again."""
        scores = Cooccurrence().fit(crowd, self.FEATURES).scores(codes(crowd, "y"))
        assert scores[5] < scores[2:4].min()

    def test_familiarity_silences_content(self):
        """The more listeners met an item, the less its content says beside its neighbours."""
        features = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
        shares = []
        for people in (2, 200):
            interactions = listening(*["ab"] * people, items="abx")
            scores = Cooccurrence().fit(interactions, features).scores(codes(interactions, "a"))
            shares.append(scores[2] / scores[1])
        assert shares[1] < shares[0] / 5

    def test_alike_items_rank_by_popularity(self, crowd):
        """Among items that nothing tells apart, the more popular ranks first."""
        features = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [0, 1]], dtype=np.float32)
        scores = Cooccurrence().fit(crowd, features).scores(codes(crowd, "a"))
        assert ranking(crowd, scores).endswith("cdxy")
