"""What generated clients of the embedded Personalize send: names, files, settings."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import strategies as st
from personalize_data import HEADERS, SCHEMAS, avro, listening_rows, to_csv
from personalize_world import ROLE

NAMES = ["one", "two", "three"]
USERS = ["u000", "u001", "u007", "nobody", "session"]
ITEMS = ["i0-00", "i1-01", "i2-02", "i3-03", "new", "unknown"]
RECIPES = [
    "aws-user-personalization-v2",
    "aws-user-personalization",
    "aws-personalized-ranking",
    "aws-personalized-ranking-v2",
    "aws-similar-items",
    "aws-sims",
    "aws-popularity-count",
    "aws-trending-now",
    "aws-item-affinity",
    "aws-item-attribute-affinity",
    "aws-hrnn",
    "aws-semantic-similarity",
]
WIDER = {
    "Interactions": SCHEMAS["Interactions"],
    "Items": avro(
        "Items", "ITEM_ID:string", "GENRE:string|?", "TEMPO:float?", "YEAR:int?", "NOTE:string?"
    ),
    "Users": avro("Users", "USER_ID:string", "AGE:int?", "COUNTRY:string|?", "PLAN:string?"),
}
DOMAIN = "VIDEO_ON_DEMAND"
DOMAIN_RECIPES = [
    "aws-vod-top-picks",
    "aws-vod-because-you-watched-x",
    "aws-vod-more-like-x",
    "aws-vod-most-popular",
    "aws-vod-trending-now",
]
DOMAIN_SCHEMAS = {
    "Interactions": SCHEMAS["Interactions"],
    "Items": avro("Items", "ITEM_ID:string", "GENRES:string|", "CREATION_TIMESTAMP:long"),
}
METRICS = [
    {"eventType": "play", "metricName": name, "expression": expression}
    for name, expression in [
        ("count", "SAMPLECOUNT()"),
        ("Count", "SUM(Items.YEAR)"),
        ("value", "SUM(Interactions.EVENT_VALUE)"),
        ("bad", "SUM(Items.GENRE)"),
    ]
]
OUTPUTS = [
    {"roleArn": ROLE} | destination
    for destination in (
        {},
        {"s3DataDestination": {"path": "s3://bucket/reports/"}},
        {"s3DataDestination": {"path": "s3://locked/reports"}},
    )
]
FAILURES = [
    {},
    {},
    {"campaign/two": "no capacity", "recommender/two": "-"},
    {"solution/one/*": "no luck", "filter/*": "-"},
]
USUAL = frozenset({"campaignArn", "userId", "itemId", "datasetGroupArn", "filterArn"})
PROPERTIES = [
    '{"itemId": "i0-00"}',
    '{"itemId": "i1-01", "eventValue": 0.5}',
    '{"genre": "g1|new", "tempo": 99.5, "year": 1991}',
    '{"age": 19, "country": "DE"}',
    '{"tempo": 1e39}',
    '{"tempo": null}',
    '{"year": 1.5}',
    '{"userId": "u000"}',
    '{"genre": "\\ud800"}',
    "[" * 900,
    "{}",
    "not JSON",
]
FILES = {
    "Interactions": ["good/Interactions.csv", "other/Interactions.csv", "good/"],
    "Items": ["good/Items.csv", "other/Items.csv"],
    "Users": ["good/Users.csv", "other/Users.csv"],
}
BAD_FILES = ["short.csv", "header.csv", "types.csv", "binary.csv", "empty.csv", "missing.csv"]


@cache
def files():
    """Objects of the bucket, by key."""
    items = [
        (f"i{c}-{n:02}", f"g{c}|all" if n else None, 80.5 + 10 * c if n != 1 else None, 1990 + c)
        for c in range(4)
        for n in range(8)
    ]
    users = [(f"u{n:03}", 15 + n % 10 if n else None, "DE" if n % 2 else "FR") for n in range(30)]
    rows = [(u, i.replace("-2", "-0"), *rest) for u, i, *rest in listening_rows(30, 20)]
    films = [(item, genres or "none", 1_600_000_000) for item, genres, *_ in items]
    watched = [
        (user, item, when, kind, value)
        for user, item, when, _, value in rows
        for kind in ("Click", "Watch")
    ]
    text = {
        "good/Interactions.csv": to_csv(HEADERS["Interactions"], rows),
        "good/Items.csv": to_csv(HEADERS["Items"], items),
        "good/Users.csv": to_csv(HEADERS["Users"], users),
        "other/Interactions.csv": to_csv(HEADERS["Interactions"], rows[:1100]),
        "other/Items.csv": to_csv(HEADERS["Items"], [("new", "g9", 1.5, 2020), *items[:5]]),
        "other/Users.csv": to_csv(HEADERS["Users"], [("session", 33, "XX"), *users[:3]]),
        "films/Interactions.csv": to_csv(HEADERS["Interactions"], watched),
        "films/Items.csv": to_csv(["ITEM_ID", "GENRES", "CREATION_TIMESTAMP"], films),
        "short.csv": to_csv(HEADERS["Interactions"], rows[:9]),
        "header.csv": "A,B\n1,2\n",
        "types.csv": to_csv(HEADERS["Interactions"], [("u", "i", "now", "play", "much")] * 1001),
        "empty.csv": "",
        "forget.csv": "USER_ID\nu001\nnobody\nsession\n",
        "lines.json": "".join(
            json.dumps(line) + "\n"
            for line in (
                {"userId": "u000"},
                {"itemId": "i0-01"},
                {"userId": "u001", "itemList": ["i0-00", "i0-00", "unknown"]},
                {"itemAttributes": 'ITEMS.GENRE = "g1"'},
                {"userId": "u000", "filterValues": {"P0": '"g1"', "P1": "90"}},
                {"userId": 7},
                {"userId": "\u2028", "itemId": "x"},
            )
        ),
        "broken.json": '{"userId": "u000"}\n{"userId": \n',
    }
    return {key: body.encode() for key, body in text.items()} | {"binary.csv": b"\xff\xfe,\x00\n"}


def location(key):
    """Of a file."""
    return f"s3://bucket/{key}"


def rarely(data):
    """Once in a while; not at 0, to which hypothesis is drawn."""
    return data.draw(st.integers(0, 19), label="rarely") == 13
