"""The protocol: one fit judged both ways, folds pooled, differences paired, ceilings known."""

import numpy as np
import pytest

from musicrec.research import protocol
from musicrec.research.models import Popularity, RepeatHistory
from musicrec.research.models.base import Interactions
from musicrec.research.splits import global_temporal_split, personalize_folds

CANDIDATES = {"repeat": RepeatHistory, "popular": Popularity}


@pytest.fixture
def interactions():
    """Each of eight listeners goes on playing a track of their own, and one that is new."""
    rows = [(f"u{user}", f"own{user}", step) for user in range(8) for step in range(5)]
    rows += [(f"u{user}", "hit", 2) for user in range(4)]
    rows += [(f"u{user}", f"own{user}", 20) for user in range(8)]
    rows += [(f"u{user}", "hit" if user > 3 else "unheard of", 21) for user in range(8)]
    return Interactions.from_rows(rows)


@pytest.fixture
def split(interactions):
    return global_temporal_split(interactions, 15.5 / len(interactions))


class TestJudge:
    def test_each_candidate_is_fitted_once_a_split(self, split):
        """Both ways of judging share a fit, which is most of the time that judging takes."""
        made = []

        def make():
            made.append(Popularity())
            return made[-1]

        protocol.judge({"popular": make}, [split], 1)
        assert len(made) == 1

    def test_repeats_decide_who_is_ahead(self, split):
        """Repeating is right about what was heard before, popularity about what is new."""
        runs = protocol.judge(CANDIDATES, [split], 1)
        means = {
            judged: {name: run.means()["precision_at_1"] for name, run in found.items()}
            for judged, found in runs.items()
        }
        assert means[protocol.ALL]["repeat"] == 1.0
        assert means[protocol.ALL]["popular"] < 1.0
        assert means[protocol.NEW] == {"repeat": 0.5, "popular": 0.5}

    def test_folds_are_pooled(self, interactions):
        """Every listener is judged once, however many folds there are."""
        runs = protocol.judge(CANDIDATES, personalize_folds(interactions, 0, 4), 2)
        assert sorted(runs[protocol.ALL]["popular"].users) == list(range(8))
        assert len(runs[protocol.ALL]["popular"].lists) == 8


class TestPaired:
    def test_the_first_candidate_is_compared_with_each_other(self, split):
        """What is compared is called by what the evaluations are called."""
        found = protocol.paired(protocol.judge(CANDIDATES, [split], 1), "ndcg_at_1", 0)
        assert list(found) == [protocol.ALL, protocol.NEW]
        assert list(found[protocol.ALL]) == ["repeat - popular"]
        table = protocol.differences_frame(found)
        row = table.loc[protocol.ALL, "repeat - popular"]
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["better"] > 0
        assert row["worse"] == 0


class TestCeilings:
    def test_what_nobody_had_met_cannot_be_foretold(self, split):
        """Half of the listeners have one target of two, or of one, that no ranking can hold."""
        found = protocol.ceilings(split, 2)
        half = 1 / (1 + 1 / np.log2(3))
        assert found[protocol.ALL] == pytest.approx((1 + half) / 2)
        assert found[protocol.NEW] == pytest.approx(0.5)

    def test_no_model_is_above_it(self, split):
        """The best that can be had is at least what anybody has."""
        tables = protocol.tables(protocol.judge(CANDIDATES, [split], 2), "ndcg_at_2", 0)
        for judged, ceiling in protocol.ceilings(split, 2).items():
            assert tables[judged]["mean"].max() <= ceiling
