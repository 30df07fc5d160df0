"""A comparison rehearsed: copies answer, arms are told apart."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from live_world import LISTS, START, Live, events_frame, frame, items_frame

from musicrec.events import EventType
from musicrec.personalize import arms
from musicrec.personalize.arms import Exposure
from musicrec.research import copies, experiment, rehearsal


@pytest.fixture
def items():
    return items_frame()


@pytest.fixture
def events():
    return events_frame()


class TestCopies:
    @pytest.fixture
    def world(self, events, items):
        return copies.Copies(events, items, ["ann", "ben"])

    def test_likes_as_the_listener_did(self, world):
        """A track heard out again and again is liked most, one always skipped least."""
        liked, same_genre, skipped, unknown = (world.liking("ann", one) for one in LISTS)
        assert liked > same_genre > unknown > skipped
        assert unknown == pytest.approx((8 + 1) / (16 + 2))
        assert skipped > 0
        assert liked < 1

    def test_begins_with_the_newest_plays(self, world):
        """Plays to the end only, oldest first, at their own times, under the copy's name."""
        first, second = world.history("ann", "copy", 2)
        assert (first.user_id, first.session_id, first.track_id) == ("copy", "copy", LISTS[0])
        assert first.occurred_at < second.occurred_at <= int(START.timestamp() * 1000) + 960_000
        assert len(world.history("ann", "copy", 99)) == 8
        assert world.history("ann", "copy", 0) == []

    def test_answers_name_the_recommendation(self, world):
        """Each play has its ending, after everything that was recorded, and says what led to it."""
        heard = world.answer("ann", "copy", LISTS, "RID-1")
        assert {event.recommendation_id for event in heard} == {"RID-1"}
        kinds = [event.event_type for event in heard]
        assert set(kinds[::2]) == {EventType.PLAY}
        assert set(kinds[1::2]) <= {EventType.COMPLETE, EventType.SKIP}
        times = [event.occurred_at for event in heard]
        assert times == sorted(times)
        assert times[0] >= int((START + timedelta(minutes=33)).timestamp() * 1000)
        assert world.answer("ann", "copy", LISTS, "RID-1") == heard

    def test_leaves_after_skips_in_a_row(self, world):
        """Of a list that it dislikes a copy sees the beginning only."""
        kinds = [
            [event.event_type for event in world.answer("ann", f"copy {n}", LISTS[2:3] * 50, "R")]
            for n in range(20)
        ]
        assert all(each[-3:] == [EventType.SKIP, EventType.PLAY, EventType.SKIP] for each in kinds)

    @pytest.mark.parametrize("listener", ["cy", "nobody has heard of"])
    def test_of_somebody_who_played_nothing_out(self, items, listener):
        """A copy begins without a history, and has no opinion: one in two."""
        world = copies.Copies(frame(("cy", LISTS[0], "pause")), items, [listener])
        assert world.history(listener, "copy", 5) == []
        assert world.liking(listener, LISTS[0]) == 0.5


class TestRehearsal:
    @pytest.fixture
    def plan(self):
        return rehearsal.Plan(
            experiment="first",
            listeners=["ann", "ben"],
            arms={"one": "arn:one", "two": "arn:two"},
            tracking_id="tracker",
            num_results=4,
            history=12,
            filter_arn="arn:filter",
        )

    def test_asks_the_arm_of_each_listener(self, plan, events, items):
        """Whoever is asked, is asked as an anonymous session, with the filter."""
        live, answered = Live(LISTS), []
        rehearsal.run(live, plan, copies.Copies(events, items, plan.listeners), answered)
        for asked, one in zip(live.personalize_runtime.asked, answered, strict=True):
            exposure = one.exposure
            dealt = arms.assigned("first", exposure.listener, ["one", "two"])
            assert exposure.arm == dealt
            assert asked == {
                "campaignArn": f"arn:{dealt}",
                "userId": f"first/{exposure.listener}",
                "numResults": 4,
                "filterArn": "arn:filter",
            }
            assert {event.recommendation_id for event in one.events} == {exposure.recommendation_id}

    def test_no_user_is_touched(self, plan, events, items):
        """Events go by session alone: Personalize does not train on them."""
        live = Live(LISTS)
        rehearsal.run(live, plan, copies.Copies(events, items, plan.listeners), [])
        calls = live.personalize_events.calls
        assert {call["sessionId"] for call in calls} == {"first/ann", "first/ben"}
        assert not any("userId" in call for call in calls)

    def test_nobody_is_asked_twice(self, plan, events, items):
        """A second run asks only who was not asked before."""
        live, answered = Live(LISTS), []
        world = copies.Copies(events, items, plan.listeners)
        rehearsal.run(live, plan, world, answered)
        assert rehearsal.missing(["ann", "cy"], answered) == ["cy"]
        rehearsal.run(live, plan, world, answered)
        assert len(answered) == len(live.personalize_runtime.asked) == 2


class TestExperiment:
    @pytest.fixture
    def answered(self, events, items):
        """One list each, of which Ann hears the first track out and skips the third."""
        world = copies.Copies(events, items, ["ann"])
        exposures = [
            Exposure(listener="ann", arm="one", recommendation_id="R1", track_ids=LISTS),
            Exposure(listener="ben", arm="two", recommendation_id="R2", track_ids=LISTS[:2]),
        ]
        heard = [
            world._event("ann", LISTS[0], EventType.PLAY, 1, "R1"),
            world._event("ann", LISTS[0], EventType.COMPLETE, 2, "R1"),
            world._event("ann", LISTS[0], EventType.COMPLETE, 3, "R1"),
            world._event("ann", LISTS[2], EventType.SKIP, 4, "R1"),
            world._event("ann", LISTS[1], EventType.COMPLETE, 5),
            world._event("ben", LISTS[3], EventType.COMPLETE, 6, "R2"),
        ]
        return exposures, heard

    def test_only_what_follows_from_the_list_counts(self, answered):
        """Each track once, and no track that the list does not have or that names no list."""
        table = experiment.outcomes(*answered).set_index("listener")
        assert table.loc["ann", ["shown", "played", "completed", "skipped"]].tolist() == [
            4,
            1,
            1,
            1,
        ]
        assert table.loc["ben", "completed"] == 0

    def test_ranks_say_where_it_was_heard(self, answered):
        """The first track of arm one's only list was heard to the end."""
        table = experiment.by_rank(*answered, 4)
        assert table.loc["one"].tolist() == [1.0, 0.0, 0.0, 0.0]
        assert table.loc["two"].tolist() == [0.0] * 4

    def test_arms_keep_their_order_and_may_be_empty(self, answered):
        """An arm that has nobody has no row, and nothing is apart from it."""
        table = experiment.outcomes(*answered)
        found = experiment.by_arm(table, "completed", ["two", "three", "one"], rng())
        assert found.index.tolist() == ["two", "one"]
        assert experiment.difference(table, "completed", ("one", "three"), rng()) is None

    def test_difference_is_of_the_means(self):
        """Arms that differ in every listener are apart for sure, equal ones are not."""
        table = pd.DataFrame({"arm": ["one"] * 50 + ["two"] * 50, "completed": [3] * 50 + [1] * 50})
        found = experiment.difference(table, "completed", ("one", "two"), rng())
        assert (found.mean, found.low, found.high) == (2.0, 2.0, 2.0)
        table["completed"] = [1, 2] * 50
        found = experiment.difference(table, "completed", ("one", "two"), rng())
        assert found.low < 0 < found.high

    def test_unequal_arms_are_noticed(self):
        """Ninety to ten does not happen by chance; fifty-two to forty-eight does."""
        odd, even = (pd.DataFrame({"arm": ["one"] * n + ["two"] * (100 - n)}) for n in (90, 52))
        assert experiment.fair_deal(odd, ["one", "two"]) < 0.001
        assert experiment.fair_deal(even, ["one", "two"]) > 0.5
        assert experiment.fair_deal(odd.iloc[:0], ["one", "two"]) == 1.0

    def test_completion_rates(self, events):
        """Half of what Ann played was heard to the end, all of Ben's; who only paused has none."""
        heard = pd.concat([events, frame(("cy", LISTS[0], "pause"))])
        assert experiment.completion_rates(heard).to_dict() == {"ann": 0.5, "ben": 1.0, "cy": 0.0}


def rng():
    return np.random.default_rng(1)
