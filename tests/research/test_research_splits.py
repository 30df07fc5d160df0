"""The two splits: who is held out, what stays hidden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.research.models.base import Interactions
from musicrec.research.splits import (
    NothingToSplitError,
    global_temporal_split,
    moment,
    personalize_folds,
    personalize_split,
    split_at,
)

histories = st.dictionaries(
    st.sampled_from([f"u{n}" for n in range(8)]),
    st.lists(st.tuples(st.sampled_from("vwxyz"), st.integers(0, 50)), min_size=1, max_size=15),
    min_size=1,
)


def from_histories(some):
    return Interactions.from_rows(
        [(user, item, time) for user, plays in some.items() for item, time in plays]
    )


@pytest.fixture
def forty():
    """Forty users with twenty interactions each, a second apart."""
    return Interactions.from_rows(
        [(f"u{user:02}", f"i{(user + step) % 30}", 100 * user + step)
         for user in range(40) for step in range(20)]
    )  # fmt: skip


class TestPersonalizeSplit:
    def test_a_tenth_of_the_users_is_held_out(self, forty):
        """Four of forty users are cases, and none of their rows is trained on."""
        split = personalize_split(forty, seed=1)
        held_out = {case.user for case in split.cases}
        assert len(split.cases) == len(held_out) == 4
        assert held_out.isdisjoint(split.train.users.tolist())
        assert len(split.train) == 36 * 20

    def test_oldest_ninety_percent_are_input(self, forty):
        """Eighteen of twenty interactions are given, the newest two are to be foreseen."""
        interactions = forty.by_user()
        for case in personalize_split(forty, seed=1).cases:
            assert case.history.tolist() == interactions.of(case.user)[:18].tolist()
            assert case.target.tolist() == interactions.of(case.user)[18:].tolist()

    def test_seed_decides(self, forty):
        """The same seed holds out the same users, another one others."""
        one, again, other = (
            [case.user for case in personalize_split(forty, seed).cases] for seed in (1, 1, 2)
        )
        assert one == again
        assert one != other

    def test_single_interactions_are_only_trained_on(self):
        """A user with one interaction cannot be a case."""
        interactions = Interactions.from_rows([("a", "x", 1), ("b", "x", 1), ("b", "y", 2)])
        split = personalize_split(interactions, seed=0, share=1.0)
        assert [case.user for case in split.cases] == [1]
        assert split.train.users.tolist() == [0]

    def test_nobody_to_hold_out_is_an_error(self):
        """Without a user of two interactions there is no split."""
        with pytest.raises(NothingToSplitError, match="two interactions"):
            personalize_split(Interactions.from_rows([("a", "x", 1)]), seed=0)

    @given(histories, st.integers(0, 5))
    def test_nothing_is_lost_or_invented(self, some, seed):
        """Training rows and cases together are all the interactions."""
        interactions = from_histories(some)
        if interactions.by_user().lengths.max() < 2:
            return
        split = personalize_split(interactions, seed)
        asked = sum(len(case.history) + len(case.target) for case in split.cases)
        assert len(split.train) + asked == len(interactions)
        assert all(len(case.history) and len(case.target) for case in split.cases)


class TestPersonalizeFolds:
    def test_every_user_is_held_out_once(self, forty):
        """Over all folds each eligible user is a case exactly once."""
        cases = [case.user for split in personalize_folds(forty, 3) for case in split.cases]
        assert sorted(cases) == list(range(40))

    def test_never_more_folds_than_users(self):
        """Two users make two folds however many are asked for."""
        interactions = Interactions.from_rows(
            [("a", "x", 1), ("a", "y", 2), ("b", "x", 1), ("b", "y", 2)]
        )
        assert len(list(personalize_folds(interactions, 0, folds=10))) == 2


class TestGlobalTemporalSplit:
    @given(histories)
    def test_nothing_after_the_cut_is_trained_on(self, some):
        """Every training row and every history is older than every target."""
        interactions = from_histories(some)
        if interactions.timestamps[0] == interactions.timestamps[-1]:
            return
        split = global_temporal_split(interactions)
        cut = split.train.timestamps.max()
        by_user = interactions.by_user()
        targets = 0
        for case in split.cases:
            times = by_user.timestamps[by_user.places(case.user)]
            assert (case.timestamps <= cut).all()
            assert (times[len(case.history) :] > cut).all()
            targets += len(case.target)
        assert len(split.train) + targets == len(interactions)

    def test_new_users_are_cold_cases(self):
        """A user who appears after the cut is asked about with an empty history."""
        rows = [("old", f"i{n}", n) for n in range(9)] + [("new", "i1", 9)]
        split = global_temporal_split(Interactions.from_rows(rows))
        (case,) = split.cases
        assert len(case.history) == 0
        assert case.target.tolist() == [1]

    def test_one_moment_cannot_be_cut(self):
        """Interactions that all carry one timestamp have no before and after."""
        with pytest.raises(NothingToSplitError, match="two moments"):
            global_temporal_split(Interactions.from_rows([("a", "x", 5), ("b", "x", 5)]))

    def test_share_decides_how_much_is_target(self, forty):
        """A quarter asked for is a quarter held back."""
        split = global_temporal_split(forty, share=0.25)
        assert sum(len(case.target) for case in split.cases) == pytest.approx(200, abs=2)
        assert np.all(split.train.timestamps < 3000)


class TestSplitAt:
    def test_what_is_learnt_may_differ_from_what_is_foretold(self):
        """Histories are of the one kind before the cut, targets of the other from it on."""
        ids = {"user_ids": ["a", "b"], "item_ids": ["x", "y", "z"]}
        begun = Interactions.from_rows([("a", "x", 1), ("a", "y", 5), ("b", "z", 2)], **ids)
        ended = Interactions.from_rows([("a", "x", 2), ("a", "z", 6), ("b", "z", 3)], **ids)
        split = split_at(begun, ended, 5)
        (case,) = split.cases
        assert (case.user, case.history.tolist(), case.target.tolist()) == (0, [0], [2])
        assert len(split.train) == 2

    def test_the_moment_is_where_the_newest_share_begins(self, forty):
        """A tenth of what happened lies after it, and it is that of the global split."""
        cut = moment(forty, 0.1)
        assert (forty.timestamps >= cut).sum() == len(forty) // 10
        assert len(global_temporal_split(forty, 0.1).train) == (forty.timestamps < cut).sum()
