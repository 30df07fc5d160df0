"""A catalogue that grows, as tests of new items and exploration set it up."""

from __future__ import annotations

import json

from personalize_data import avro, item_rows, listening_rows

from musicrec.local.personalize import avro as schemas
from musicrec.local.personalize import novelty
from musicrec.local.personalize.auto_update import INTERVAL
from musicrec.local.personalize.interaction_log import StreamedEvent
from musicrec.local.personalize.item_features import FeatureEncoder, item_features
from musicrec.local.personalize.metadata import MetadataRecords
from musicrec.research.models.base import Interactions

ITEMS = avro(
    "Items",
    "ITEM_ID:string",
    "GENRE:string|?",
    "TEMPO:float?",
    "YEAR:int?",
    "CREATION_TIMESTAMP:long?",
)
HEADER = ["ITEM_ID", "GENRE", "TEMPO", "YEAR", "CREATION_TIMESTAMP"]
LONG_AGO = 1_000_000_000
LATEST = max(row[2] for row in listening_rows())
DAY = 86_400
NEW = "brand-new"
EVERYTHING = 500


class Shop:
    """A region whose catalogue can grow, and its solution."""

    def __init__(self, server, clock, recipe):
        self.clock = clock
        self.world = server.world()
        self.world.load()
        self.world.dataset("Items", ITEMS)
        rows = [(*row, LONG_AGO) for row in item_rows()]
        done = self.world.import_csv("Items", self.world.put_csv("items.csv", HEADER, rows))
        assert done["status"] == "ACTIVE", done
        self.solution = self.world.solution(recipe)
        self.version = self.world.train(self.solution)["solutionVersionArn"]

    def campaign(self, name="live", **config):
        """A campaign, with an exploration of its own if there are settings."""
        given = {"campaignConfig": {"itemExplorationConfig": config}} if config else {}
        return self.world.control.create_campaign(
            name=name, solutionVersionArn=self.version, **given
        )["campaignArn"]

    def put(self, item=NEW, **properties):
        """A new item of the second genre."""
        given = {"genre": "g1|all", "tempo": 101.0, "year": 1991} | properties
        self.world.events.put_items(
            datasetArn=self.world.arns["Items"],
            items=[{"itemId": item, "properties": json.dumps(given)}],
        )

    def wait(self, seconds=INTERVAL):
        """Move the clock."""
        self.clock.now += seconds

    def list(self, campaign, user="u001", count=EVERYTHING, **params):
        """The entries of an answer."""
        return self.world.runtime.get_recommendations(
            campaignArn=campaign, userId=user, numResults=count, **params
        )["itemList"]

    def ids(self, campaign, *args, **params):
        """The item ids of an answer."""
        return [entry["itemId"] for entry in self.list(campaign, *args, **params)]


def event(item, **properties):
    """A streamed event."""
    return StreamedEvent(
        user_id="u",
        session_id="s",
        item_id=item,
        timestamp=1,
        event_type="play",
        properties=properties,
    )


MODEL_ROWS = [("u", "a", 100), ("u", "b", 200), ("v", "a", 300), ("w", "c", 5 * DAY)]


def learned(rows=MODEL_ROWS, content=b"a,x,,,50\nb,y,,,\nnew,x,,,\n", bulk=None):
    """What is known of the items of a training, and their records."""
    interactions = Interactions.from_rows(rows)
    records = MetadataRecords(schemas.parse(ITEMS), "ITEM_ID")
    for line in content.decode().split():
        item, genre, _, _, created = line.split(",")
        records.put(
            item,
            {
                "GENRE": genre,
                "TEMPO": None,
                "YEAR": None,
                "CREATION_TIMESTAMP": int(created) if created else None,
            },
        )
    index = {name: code for code, name in enumerate(interactions.item_ids)}
    encoder = FeatureEncoder.learned(records)
    features = item_features(encoder, records, index)
    return novelty.learned(interactions, records, (encoder, features), bulk), interactions, records
