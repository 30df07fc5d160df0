"""Schemas and rows for tests of Personalize, whichever one answers."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

RECIPE = "arn:aws:personalize:::recipe/"
NAMESPACE = "com.amazonaws.personalize.schema"
HEADERS = {
    "Interactions": ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"],
    "Items": ["ITEM_ID", "GENRE", "TEMPO", "YEAR"],
    "Users": ["USER_ID", "AGE", "COUNTRY"],
}


def avro(name, *fields, **changes):
    """A schema as JSON; a field is `NAME:type`, `NAME:type?` for nullable, `NAME:type|` categorical."""
    entries = []
    for text in fields:
        column, _, kind = text.partition(":")
        entry: dict[str, Any] = {"name": column, "type": kind.strip("?|")}
        if "?" in kind:
            entry["type"] = ["null", entry["type"]]
        if "|" in kind:
            entry["categorical"] = True
        entries.append(entry)
    record = {
        "type": "record",
        "name": name,
        "namespace": NAMESPACE,
        "fields": entries,
        "version": "1.0",
    }
    return json.dumps(record | changes)


INTERACTIONS = avro(
    "Interactions",
    "USER_ID:string",
    "ITEM_ID:string",
    "TIMESTAMP:long",
    "EVENT_TYPE:string",
    "EVENT_VALUE:float?",
)
ITEMS = avro("Items", "ITEM_ID:string", "GENRE:string|?", "TEMPO:float?", "YEAR:int?")
USERS = avro("Users", "USER_ID:string", "AGE:int?", "COUNTRY:string|?")
SCHEMAS = {"Interactions": INTERACTIONS, "Items": ITEMS, "Users": USERS}

WATCHING = INTERACTIONS
"""Of the domain of videos, whose interactions need an event type."""
VIDEOS = avro("Items", "ITEM_ID:string", "GENRES:string|", "CREATION_TIMESTAMP:long")
VIDEO_HEADER = ["ITEM_ID", "GENRES", "CREATION_TIMESTAMP"]


def to_csv(header, rows):
    """Rows as a CSV document; None as an empty cell."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return sink.getvalue()


CLUSTERS = 4
PER_CLUSTER = 30


def item_rows():
    """Items of four genres; the genre of item `i<c>-<n>` is `g<c>`."""
    return [
        (f"i{c}-{n:02}", f"g{c}|all", 80.0 + 20 * c + n / 10, 1990 + c)
        for c in range(CLUSTERS)
        for n in range(PER_CLUSTER)
    ]


def listening_rows(users=60, plays=40, seed=7):
    """Users who each walk through one genre, mostly in its order: play, then complete or skip."""
    chance = random.Random(seed)
    rows = []
    for user in range(users):
        cluster, place, when = user % CLUSTERS, chance.randrange(PER_CLUSTER), 1_700_000_000
        for _ in range(plays):
            place = (place + chance.choice([1, 1, 1, 2, 7])) % PER_CLUSTER
            item = f"i{cluster}-{place:02}"
            when += 200
            rows.append((f"u{user:03}", item, when, "play", None))
            if chance.random() < 0.8:
                rows.append((f"u{user:03}", item, when + 100, "complete", 0.9731))
            else:
                rows.append((f"u{user:03}", item, when + 10, "skip", 0.05))
    return rows


WATCHED = {"play": "Watch", "complete": "Click", "skip": "Click"}


def watching_rows():
    """The listeners' rows, as of people who click on videos and watch them."""
    return [
        (user, item, when, WATCHED[kind], value)
        for user, item, when, kind, value in listening_rows()
    ]


def video_rows():
    """The items as videos, all of one age."""
    return [(item, genre, 1_600_000_000) for item, genre, *_ in item_rows()]
