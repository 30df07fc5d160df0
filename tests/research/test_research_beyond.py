"""Beyond accuracy: groups of equal meetings, and who gets the places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.research import beyond, protocol
from musicrec.research.metrics import gini, mean_popularity
from musicrec.research.models import Popularity, RepeatHistory
from musicrec.research.models.base import Interactions
from musicrec.research.splits import global_temporal_split


class TestTenths:
    def test_equal_items_are_dealt_evenly(self):
        """Twenty items of the same popularity fill ten groups of two."""
        found = beyond.tenths(np.ones(20, dtype=np.float32))
        assert np.bincount(found).tolist() == [2] * 10

    def test_who_has_half_of_all_meetings_stands_alone(self):
        """A group is as many meetings, not as many items."""
        found = beyond.tenths(np.array([1, 1, 1, 1, 1, 5, 0], dtype=np.float32))
        assert found[5] == min(found)
        assert found[6] == beyond.TENTHS
        assert len({found[5], *found[:5]}) == 6

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
    def test_more_popular_is_never_further_back(self, counts):
        """Groups follow popularity, and only what nobody met is in the last."""
        popularity = np.array(counts, dtype=np.float32)
        found = beyond.tenths(popularity)
        order = np.argsort(-popularity, kind="stable")
        assert (np.diff(found[order]) >= 0).all()
        assert ((found == beyond.TENTHS) == (popularity == 0)).all()


class TestPlaces:
    @pytest.fixture
    def world(self):
        rows = [(f"u{user}", "hit", user) for user in range(10)]
        rows += [(f"u{user}", f"own{user}", 20 + user) for user in range(10)]
        rows += [(f"u{user}", "hit" if user else "brand new", 40) for user in range(10)]
        split = global_temporal_split(Interactions.from_rows(rows), 1 / 3)
        runs = protocol.judge({"popular": Popularity, "repeat": RepeatHistory}, [split], 1)
        return split, list(runs[protocol.ALL].values())

    def test_rows_add_up(self, world):
        """All places are somewhere, and popularity has only the best known track."""
        split, runs = world
        table = beyond.places_by_tenth(runs, split, 1)
        assert table.sum(axis=1).to_numpy() == pytest.approx(1.0)
        hit = int(beyond.tenths(np.array([10.0] + [1.0] * 10))[0])
        assert table.loc["popular"].iloc[hit] == 1.0

    def test_the_first_row_is_what_was_listened_to(self, world):
        """One listener in ten heard what nobody had met before."""
        split, runs = world
        table = beyond.places_by_tenth(runs, split, 1)
        assert table.index[0] == beyond.LISTENED
        assert table.loc[beyond.LISTENED, beyond.NEVER] == pytest.approx(0.1)
        new = beyond.places_by_tenth(runs, split, 1, repeats=False)
        assert new.loc[beyond.LISTENED, beyond.NEVER] == 1.0

    def test_one_list_for_all_is_concentrated(self, world):
        """Popularity shows one track, so all other tracks share nothing."""
        split, runs = world
        table = beyond.table(runs, split, 1)
        assert table.loc["popular", "concentration"] == pytest.approx(1 - 1 / split.train.n_items)
        assert table.loc["popular", "popularity"] == 1.0
        assert table.loc["popular", "coverage"] <= table.loc["repeat", "coverage"]


class TestGini:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [([3, 3, 3], 0.0), ([0, 0, 6], 2 / 3), ([1, 3], 0.25), ([], 0.0), ([0, 0], 0.0)],
    )
    def test_by_hand(self, counts, expected):
        """Half the mean difference of two counts, relative to their mean."""
        assert gini(np.array(counts)) == pytest.approx(expected)

    @given(st.lists(st.integers(0, 100), min_size=1, max_size=40))
    def test_lies_between_0_and_1(self, counts):
        """Whatever the counts, and whatever their order."""
        values = np.array(counts)
        assert 0 <= gini(values) < 1
        assert gini(values) == pytest.approx(gini(values[::-1]))


def test_mean_popularity_is_a_share_of_users():
    """Two of four users met the one, none the other; an empty list has none."""
    popularity = np.array([2.0, 0.0])
    assert mean_popularity(np.array([0, 1]), popularity, 4) == 0.25
    assert mean_popularity(np.array([], dtype=int), popularity, 4) == 0.0
