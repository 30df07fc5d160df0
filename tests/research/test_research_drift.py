"""Drift is told from chance, and distances are distances."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec import events
from musicrec.events import DAY_MS, EventType, ListeningEvent, Source
from musicrec.profile import USER_FIELDS
from musicrec.research import drift, retraining
from musicrec.research.retraining import Reason
from musicrec.research.user_features import NUMERIC

START = 1_767_571_200_000
mixes = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 10), min_size=1)


def features(rng, listeners, *, shift=0.0, genre="rock"):
    """A table of user features whose numbers are normal around `shift`."""
    table = {name: rng.normal(shift, 1, listeners) for name in NUMERIC}
    table |= {name: [genre] * listeners for name in USER_FIELDS if name not in NUMERIC}
    return pd.DataFrame(table)


def event(day, number):
    at = START + day * DAY_MS + number
    return ListeningEvent(
        event_id=events.new_event_id(day, number), user_id="u", session_id="s",
        track_id="a" * 22, event_type=EventType.PLAY, occurred_at=at, source=Source.SIMULATED,
        schema_version=1,
    )  # fmt: skip


class TestSpans:
    def test_the_newest_days_and_as_many_before(self):
        """Days without events do not count, older ones are left out."""
        happened = [event(day, number) for day in (0, 1, 2, 5, 6) for number in range(3)]
        before, recent = drift.spans(happened, 2)
        assert {one.occurred_at // DAY_MS - START // DAY_MS for one in recent} == {5, 6}
        assert {one.occurred_at // DAY_MS - START // DAY_MS for one in before} == {1, 2}
        assert len(before) == len(recent) == 6

    def test_too_few_days_leave_the_earlier_span_empty(self):
        """Nothing is made up where nothing happened."""
        assert drift.spans([event(0, 0)], 3) == ([], [event(0, 0)])


class TestOfFeatures:
    def test_the_same_people_are_steady_however_few(self):
        """Forty listeners show a high index by chance; that is not called drift."""
        rng = np.random.default_rng(3)
        table = drift.of_features(features(rng, 40), features(rng, 40), np.random.default_rng(1))
        assert table["psi"].max() > drift.WATCH
        assert (table["says"] == "steady").mean() >= 0.9
        assert drift.largest(table) < 1

    def test_other_people_have_moved(self):
        """A shift of one standard deviation in every feature, and another genre, is drift."""
        rng = np.random.default_rng(3)
        table = drift.of_features(
            features(rng, 200), features(rng, 200, shift=1, genre="jazz"), np.random.default_rng(1)
        )
        assert set(table["says"]) == {"moved"}
        assert drift.largest(table) == table["psi"].iloc[0] > drift.ACT

    def test_an_empty_span_says_so(self):
        """No listener, no index."""
        rng = np.random.default_rng(3)
        table = drift.of_features(features(rng, 0), features(rng, 5), np.random.default_rng(1))
        assert set(table["says"]) == {"too few listeners"}
        assert drift.largest(table) == 0

    def test_the_index_is_that_of_the_formula(self):
        """Two halves that become one: (1 - 0.5) ln 2 twice over."""
        before = pd.Series([0.0] * 5 + [1.0] * 5)
        recent = pd.Series([1.0] * 10)
        expected = (1 - 0.5) * math.log(2) + (1e-3 - 0.5) * math.log(1e-3 / 0.5)
        assert drift.stability_index(before, recent) == pytest.approx(expected)
        assert drift.stability_index(before, before) == 0


class TestDistance:
    @given(mixes, mixes)
    def test_is_a_distance_between_0_and_1(self, one, other):
        """The same from both sides, 0 to itself, whatever the scale."""
        left, right = pd.Series(one), pd.Series(other)
        assert drift.distance(left, right) == pytest.approx(drift.distance(right, left))
        assert 0 <= drift.distance(left, right) <= 1 + 1e-9
        assert drift.distance(left, left * 3) == pytest.approx(0, abs=1e-6)

    def test_disjoint_mixes_are_1_apart(self):
        """Nothing in common is as far as it gets."""
        assert drift.distance(pd.Series({"a": 1.0}), pd.Series({"b": 1.0})) == pytest.approx(1)

    def test_an_empty_mix_has_no_distance(self):
        """Lists of unknown tracks have no genres."""
        assert math.isnan(drift.distance(pd.Series(dtype="float64"), pd.Series({"b": 1.0})))


class TestOverlap:
    def test_is_the_mean_share_that_stands(self):
        """Listeners with one list only do not count."""
        before = {"a": ["1", "2"], "b": ["1", "2"], "gone": ["1"], "empty": []}
        now = {"a": ["2", "3"], "b": ["1", "2"], "new": ["1"], "empty": ["1"]}
        assert drift.overlap(before, now) == 0.75
        assert math.isnan(drift.overlap({}, now))


class TestRetraining:
    def test_one_reason_is_enough(self):
        """Reasons that call stand first; what has no value calls for nothing."""
        calm = [
            Reason(about="age", value=3, limit=30),
            Reason(about="drift", value=math.nan, limit=0),
        ]
        old = Reason(about="unseen", value=0.2, limit=0.1)
        assert not retraining.due(calm)
        assert retraining.due([*calm, old])
        table = retraining.table([*calm, old])
        assert list(table.index) == ["unseen", "age", "drift"]
        assert list(table["says"]) == ["train", "wait", "wait"]

    def test_at_the_limit_nothing_is_due(self):
        """A limit may be reached."""
        assert not Reason(about="age", value=30, limit=30).calls
