"""What was shown and passed over, and how new an item is."""

import numpy as np
import pyarrow as pa
import pytest
from personalize_shop import DAY, event, learned

from musicrec.local.personalize.impressions import KEPT_LISTS, Impressions


def passed(impressions):
    """How often each item was passed over."""
    counts = {}
    for item, change in impressions.changes(0):
        counts[item] = counts.get(item, 0) + change
    return {item: count for item, count in counts.items() if count}


class TestImpressions:
    def test_explicit_ones_count_but_for_the_chosen_item(self):
        """Every time that they are sent."""
        impressions = Impressions()
        impressions.record(event("a", IMPRESSION="a|b|c"))
        impressions.record(event("c", IMPRESSION="b|c"))
        assert passed(impressions) == {"b": 2, "c": 1}

    def test_a_recommendation_counts_once_somebody_chose_from_it(self):
        """Whatever is chosen of it in the end was not passed over."""
        impressions = Impressions()
        impressions.answered("RID-1", ("a", "b", "c"))
        impressions.answered("RID-2", ("d",))
        for item in ("a", "a", "b"):
            impressions.record(event(item, RECOMMENDATION_ID="RID-1"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-unknown"))
        assert passed(impressions) == {"c": 1}

    def test_explicit_ones_go_before_the_recommendation(self):
        """What the application says it showed."""
        impressions = Impressions()
        impressions.answered("RID-1", ("a", "b", "c"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-1", IMPRESSION="a|b"))
        assert passed(impressions) == {"b": 1}

    def test_old_answers_are_forgotten(self):
        """Memory stays bounded."""
        impressions = Impressions()
        for number in range(KEPT_LISTS + 1):
            impressions.answered(f"RID-{number}", ("a", "b"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-0"))
        assert passed(impressions) == {}

    def test_answers_are_remembered_for_events(self, first):
        """An event with the recommendationId of an answer makes the others less likely."""
        for number in range(40):
            first.put(f"new-{number:02}")
        first.wait()
        live = first.campaign(explorationWeight="1")
        world, before = first.world, first.ids(live, count=5)
        for turn in range(8):
            answer = world.runtime.get_recommendations(
                campaignArn=live, userId="u001", numResults=5
            )
            world.events.put_events(
                trackingId=world.arns["tracking_id"],
                userId="somebody",
                sessionId="s",
                eventList=[
                    {
                        "eventType": "play",
                        "itemId": "i1-00",
                        "sentAt": 1_800_000_000 + turn,
                        "recommendationId": answer["recommendationId"],
                    }
                ],
            )
        assert set(first.ids(live, count=5)) != set(before)


class TestNovelty:
    def test_age_counts_from_creation_or_the_oldest_interaction(self):
        """And an item of neither is as young as the newest interaction."""
        found, _, records = learned()
        assert found.born.tolist() == [50, 200, 5 * DAY]
        table = records.all()
        new = table.filter(pa.compute.equal(table.column("ITEM_ID"), "new"))
        assert found.extended(new).born.tolist() == [50, 200, 5 * DAY, 5 * DAY]

    def test_imported_impressions_count(self):
        """All but the chosen item's."""
        bulk = pa.table({"ITEM_ID": ["a", "b"], "IMPRESSION": ["a|b|b", None]})
        found, interactions, _ = learned(bulk=bulk)
        index = {name: code for code, name in enumerate(interactions.item_ids)}
        assert found.passed.penalties(Impressions(), index) == pytest.approx(np.log([1, 2, 1]))

    def test_streamed_impressions_are_read_once(self):
        """However often one asks."""
        found, interactions, _ = learned()
        index = {name: code for code, name in enumerate(interactions.item_ids)}
        impressions = Impressions()
        impressions.record(event("a", IMPRESSION="a|b|stranger"))
        for _ in range(2):
            assert found.passed.penalties(impressions, index) == pytest.approx(np.log([1, 2, 1]))
        impressions.record(event("a", IMPRESSION="b"))
        assert found.passed.penalties(impressions, index) == pytest.approx(np.log([1, 3, 1]))
