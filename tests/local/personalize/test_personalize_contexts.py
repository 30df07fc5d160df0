"""Contextual metadata: circumstances that interactions have, and that a request names."""

import numpy as np
import pytest
from personalize_data import HEADERS, avro, listening_rows

from musicrec.local.personalize.contexts import Contexts
from musicrec.local.personalize.interaction_log import InteractionLog, StreamedEvent

WITH_DEVICE = avro(
    "Interactions",
    "USER_ID:string",
    "ITEM_ID:string",
    "TIMESTAMP:long",
    "EVENT_TYPE:string",
    "EVENT_VALUE:float?",
    "DEVICE:string|?",
)
DEVICES = ["phone", "tv", "radio", None]


@pytest.fixture(scope="module")
def devices(embedded):
    """The first genre is heard on the phone, the second before the television."""
    world = embedded.world()
    world.group()
    world.dataset("Interactions", WITH_DEVICE)
    rows = [(*row, DEVICES[int(row[1][1])]) for row in listening_rows()]
    location = world.put_csv("i.csv", [*HEADERS["Interactions"], "DEVICE"], rows)
    assert world.import_csv("Interactions", location)["status"] == "ACTIVE"
    world.arns["campaign"] = world.campaign()
    return world


class TestContext:
    def test_decides_for_a_user_without_history(self, devices):
        """In any case of the column's name; what nobody knows changes nothing."""
        live = devices.arns["campaign"]
        genres = {
            device: {item[:2] for item in devices.recommend(live, userId="new", context=context)}
            for device, context in (
                ("phone", {"DEVICE": "phone"}),
                ("tv", {"device": "tv"}),
            )
        }
        assert genres == {"phone": {"i0"}, "tv": {"i1"}}
        plain = devices.recommend(live, userId="new")
        assert devices.recommend(live, userId="new", context={"DEVICE": "watch"}) == plain
        assert devices.recommend(live, userId="new", context={"WEATHER": "rain"}) == plain

    def test_counts_beside_a_history(self, devices):
        """The list of someone of the second genre has the first one earlier."""
        places = {}
        for device in ("phone", "radio"):
            found = devices.recommend(
                devices.arns["campaign"], userId="u001", numResults=120, context={"DEVICE": device}
            )
            places[device] = [place for place, item in enumerate(found) if item.startswith("i0")]
        assert sum(places["phone"]) < sum(places["radio"])

    def test_counts_in_a_ranking(self, devices):
        """Of items by someone without history."""
        ranking = devices.campaign("aws-personalized-ranking-v2", "ranking")
        first = {}
        for device in ("phone", "tv"):
            ranked = devices.runtime.get_personalized_ranking(
                campaignArn=ranking,
                userId="new",
                inputList=["i0-00", "i1-00"],
                context={"DEVICE": device},
            )["personalizedRanking"]
            first[device] = ranked[0]["itemId"]
        assert first == {"phone": "i0-00", "tv": "i1-00"}

    def test_column_can_be_left_out_of_training(self, devices):
        """Then it says nothing."""
        config = {"trainingDataConfig": {"excludedDatasetColumns": {"Interactions": ["DEVICE"]}}}
        live = devices.campaign(name="blind", solutionConfig=config)
        plain = devices.recommend(live, userId="new")
        assert devices.recommend(live, userId="new", context={"DEVICE": "phone"}) == plain


class TestContexts:
    def test_streamed_events_count(self):
        """Up to the training's mark."""
        log = InteractionLog()
        for second, (item, device) in enumerate([("a", "phone"), ("b", "tv"), ("b", "phone")]):
            log.append(
                [
                    StreamedEvent(
                        user_id="u",
                        session_id="s",
                        item_id=item,
                        timestamp=second,
                        event_type="play",
                        properties={"DEVICE": device},
                    )
                ]
            )
        found = Contexts.learned(log, 2, ["DEVICE"], {"a": 0, "b": 1})
        scores = found.applied(np.ones(3, np.float32), {"DEVICE": "phone"}, cold=True)
        assert scores[0] > scores[2] > scores[1]
        assert scores[2] == 1
