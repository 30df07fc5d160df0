"""Interactions, the helpers that models share, and the protocol's entry."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.research.models.base import (
    Interactions,
    UnknownIdError,
    backfill,
    collapse_repeats,
    top_k,
    unit,
)

ROWS = [("b", "y", 30), ("a", "x", 10), ("b", "x", 20), ("a", "y", 20)]
rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("wxyz"), st.integers(0, 5)), max_size=20
)


class TestInteractions:
    def test_codes_follow_sorted_ids(self):
        """A code is the place of its id among the sorted ids."""
        interactions = Interactions.from_rows(ROWS)
        assert interactions.user_ids == ["a", "b"]
        assert interactions.item_ids == ["x", "y"]

    def test_rows_are_in_order_of_time_then_user(self):
        """Rows are sorted by timestamp, and by user where that ties."""
        interactions = Interactions.from_rows(ROWS)
        assert interactions.timestamps.tolist() == [10, 20, 20, 30]
        assert interactions.users.tolist() == [0, 0, 1, 1]
        assert interactions.items.tolist() == [0, 1, 0, 1]

    @given(rows, st.randoms(use_true_random=False))
    def test_row_order_does_not_matter(self, some, random):
        """Shuffled rows make the same interactions."""
        shuffled = list(some)
        random.shuffle(shuffled)
        one, other = Interactions.from_rows(some), Interactions.from_rows(shuffled)
        assert one.users.tolist() == other.users.tolist()
        assert one.items.tolist() == other.items.tolist()

    def test_given_items_get_codes_without_interactions(self):
        """An item that nobody met has a code when the caller names it."""
        interactions = Interactions.from_rows(ROWS, item_ids=["z", "y", "x"])
        assert interactions.item_ids == ["x", "y", "z"]
        assert interactions.n_items == 3

    def test_unknown_id_is_named(self):
        """An id outside the given list is an error that names it."""
        with pytest.raises(UnknownIdError, match="item 'y' is not among"):
            Interactions.from_rows(ROWS, item_ids=["x"])

    def test_weights_travel_with_their_row(self):
        """Weights are reordered together with the rows."""
        users, items, times = zip(*ROWS, strict=True)
        interactions = Interactions.from_columns(users, items, times, [4.0, 1.0, 3.0, 2.0])
        assert interactions.weights.tolist() == [1.0, 2.0, 3.0, 4.0]

    def test_frame_takes_personalize_columns(self):
        """A frame with Personalize's column names needs no further word."""
        frame = pd.DataFrame(ROWS, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
        from_frame = Interactions.from_frame(frame)
        assert from_frame.items.tolist() == Interactions.from_rows(ROWS).items.tolist()

    def test_nothing_is_allowed(self):
        """No interactions at all still make an object with no users."""
        interactions = Interactions.from_rows([])
        assert len(interactions) == interactions.n_users == 0
        assert list(interactions.by_user()) == []

    @given(rows)
    def test_by_user_keeps_each_users_order_of_time(self, some):
        """By user, every interaction appears once, each user's in the order of time."""
        interactions = Interactions.from_rows(some)
        histories = interactions.by_user()
        assert sorted(histories.rows.tolist()) == list(range(len(some)))
        for user in range(len(histories)):
            times = histories.timestamps[histories.places(user)]
            assert (np.diff(times) >= 0).all()
            expected = interactions.items[interactions.users == user]
            assert histories.of(user).tolist() == expected.tolist()

    def test_distinct_pairs_count_once(self):
        """A user who meets an item twice makes one pair."""
        interactions = Interactions.from_rows([*ROWS, ("a", "x", 99)])
        users, items = interactions.distinct_pairs()
        pairs = list(zip(users.tolist(), items.tolist(), strict=True))
        assert pairs == [(0, 0), (0, 1), (1, 0), (1, 1)]


class TestTopK:
    @given(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, -np.inf]), max_size=12),
        st.integers(0, 15),
    )
    def test_is_the_head_of_a_stable_sort(self, values, k):
        """The answer is the start of a stable sort, best first, without -inf."""
        scores = np.array(values, dtype=np.float32)
        whole = [i for i in np.argsort(-scores, kind="stable") if scores[i] > -np.inf]
        assert top_k(scores, k).tolist() == whole[:k]


class TestBackfill:
    def test_filler_stays_below_what_was_reached(self):
        """The best filler ranks strictly below the weakest reached item."""
        scores = np.array([0.0, 0.2, 0.0, 0.7], dtype=np.float32)
        filler = np.array([1.0, 0.0, 0.5, 0.0], dtype=np.float32)
        assert np.argsort(-backfill(scores, filler)).tolist() == [3, 1, 0, 2]

    def test_nothing_reached_is_filler_alone(self):
        """Without a reached item the filler is the answer, as a copy."""
        filler = np.array([1.0, 0.5], dtype=np.float32)
        filled = backfill(np.zeros(2, dtype=np.float32), filler)
        assert filled.tolist() == [1.0, 0.5]
        assert filled is not filler


class TestSmallHelpers:
    def test_only_consecutive_repeats_collapse(self):
        """Of x x y x three are kept: coming back to an item is a new meeting."""
        assert collapse_repeats(np.array([1, 1, 2, 1])).tolist() == [True, False, True, True]

    def test_unit_of_zeros_is_zeros(self):
        """Nothing popular stays nothing instead of becoming NaN."""
        assert unit(np.zeros(3, dtype=np.float32)).tolist() == [0, 0, 0]
