"""What the tests of the embedded Personalize share: a server, a region to play in, and data.

The server is composed as the real one: requests signed for `personalize` go to our application, the
rest to moto.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app

from musicrec.local.http_server import HttpServer
from musicrec.local.personalize.app import create_app

ROLE = "arn:aws:iam::123456789012:role/musicrec-personalize"
RECIPE = "arn:aws:personalize:::recipe/"
NAMESPACE = "com.amazonaws.personalize.schema"


@dataclass
class LoopbackAws:
    """What the application needs of `musicrec.local.parts.Aws`."""

    endpoint_url: str = ""
    region: str = "us-east-1"
    account_id: str = "123456789012"

    def client(self, service, region=None):
        """A client of the server."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=region or self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self):
        self.now = 1_750_000_000.0

    def __call__(self):
        return self.now


class Embedded:
    """The running server."""

    def __init__(self, **options):
        self.aws = LoopbackAws()
        self.app = create_app(aws=self.aws, **options)
        moto = DomainDispatcherApplication(create_backend_app)
        lock = threading.Lock()

        def route(environ, start_response):
            if "/personalize/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
                return self.app(environ, start_response)
            with lock:
                return moto(environ, start_response)

        self._server = HttpServer(0)
        self.aws.endpoint_url = f"http://127.0.0.1:{self._server.port}"
        self._server.start(route)
        self.s3 = self.aws.client("s3")
        self._regions = itertools.count(1)

    def world(self):
        """An empty region with a bucket: no test sees another's resources."""
        number = next(self._regions)
        bucket = f"world-{number}"
        self.s3.create_bucket(Bucket=bucket)
        return World(self, f"test-{number}", bucket)

    def stop(self):
        """End the server."""
        self._server.stop()


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


@dataclass
class World:
    """One region: clients, and short cuts for what tests set up again and again."""

    embedded: Embedded
    region: str
    bucket: str
    arns: dict[str, str] = field(default_factory=dict)

    @cached_property
    def control(self):
        """The control plane."""
        return self.embedded.aws.client("personalize", self.region)

    @cached_property
    def events(self):
        """PutEvents and its like."""
        return self.embedded.aws.client("personalize-events", self.region)

    @cached_property
    def runtime(self):
        """Recommendations."""
        return self.embedded.aws.client("personalize-runtime", self.region)

    def put_csv(self, key, header, rows):
        """Write a file to the bucket; its location."""
        body = to_csv(header, rows)
        self.embedded.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        return f"s3://{self.bucket}/{key}"

    def group(self, name="music"):
        """Make a dataset group; the latest one made is the one used."""
        arn = self.control.create_dataset_group(name=name)["datasetGroupArn"]
        self.arns["group"] = arn
        return arn

    def dataset(self, kind, schema=None, name=None):
        """Make a schema and a dataset."""
        name = name or kind.lower()
        schema_arn = self.control.create_schema(name=name, schema=schema or SCHEMAS[kind])[
            "schemaArn"
        ]
        self.arns[kind] = self.control.create_dataset(
            name=name,
            schemaArn=schema_arn,
            datasetGroupArn=self.arns["group"],
            datasetType=kind,
        )["datasetArn"]
        return self.arns[kind]

    def import_csv(self, kind, location, name="import", **options):
        """Import and wait; the job's description."""
        arn = self.control.create_dataset_import_job(
            jobName=f"{name}-{kind.lower()}",
            datasetArn=self.arns[kind],
            dataSource={"dataLocation": location},
            roleArn=ROLE,
            **options,
        )["datasetImportJobArn"]
        return self.finished(
            lambda: self.control.describe_dataset_import_job(datasetImportJobArn=arn)[
                "datasetImportJob"
            ]
        )

    def finished(self, describe, deadline=60):
        """The description once the job is done."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            found = describe()
            if found["status"] in {"ACTIVE", "CREATE FAILED", "CREATE STOPPED"}:
                return found
        raise TimeoutError(found)

    def load(self, interactions=None, items=None, users=None):
        """Group, datasets and contents."""
        self.group()
        header = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
        rows = listening_rows() if interactions is None else interactions
        tables = {"Interactions": (header, rows)}
        if items is not None:
            tables["Items"] = (["ITEM_ID", "GENRE", "TEMPO", "YEAR"], items)
        if users is not None:
            tables["Users"] = (["USER_ID", "AGE", "COUNTRY"], users)
        for kind, (columns, content) in tables.items():
            self.dataset(kind)
            done = self.import_csv(kind, self.put_csv(f"{kind}.csv", columns, content))
            assert done["status"] == "ACTIVE", done
        tracker = self.control.create_event_tracker(
            name="tracker", datasetGroupArn=self.arns["group"]
        )
        self.arns["tracker"] = tracker["eventTrackerArn"]
        self.arns["tracking_id"] = tracker["trackingId"]
        return self

    def solution(self, recipe="aws-user-personalization-v2", name=None, **options):
        """Make a solution."""
        return self.control.create_solution(
            name=name or recipe,
            datasetGroupArn=self.arns["group"],
            recipeArn=RECIPE + recipe,
            **options,
        )["solutionArn"]

    def train(self, solution_arn, **options):
        """Train and wait; the version's description."""
        arn = self.control.create_solution_version(solutionArn=solution_arn, **options)[
            "solutionVersionArn"
        ]
        return self.finished(
            lambda: self.control.describe_solution_version(solutionVersionArn=arn)[
                "solutionVersion"
            ]
        )

    def campaign(self, recipe="aws-user-personalization-v2", name=None, **options):
        """A trained and deployed solution."""
        version = self.train(self.solution(recipe, name, **options))
        assert version["status"] == "ACTIVE", version
        return self.control.create_campaign(
            name=name or recipe, solutionVersionArn=version["solutionVersionArn"]
        )["campaignArn"]

    def filter(self, expression, name="filter"):
        """Make a filter."""
        return self.control.create_filter(
            name=name, datasetGroupArn=self.arns["group"], filterExpression=expression
        )["filterArn"]

    def send(self, user, *events, session="session"):
        """Stream events; each a dict with the wire's member names."""
        self.events.put_events(
            trackingId=self.arns["tracking_id"],
            userId=user,
            sessionId=session,
            eventList=list(events),
        )

    def recommend(self, campaign_arn, **params):
        """The recommended item ids."""
        answer = self.runtime.get_recommendations(campaignArn=campaign_arn, **params)
        return [entry["itemId"] for entry in answer["itemList"]]

    def export(self, kind="Interactions", mode="ALL", name="export"):
        """Rows of an export, as dictionaries."""
        arn = self.control.create_dataset_export_job(
            jobName=name,
            datasetArn=self.arns[kind],
            ingestionMode=mode,
            roleArn=ROLE,
            jobOutput={"s3DataDestination": {"path": f"s3://{self.bucket}/exports/"}},
        )["datasetExportJobArn"]
        done = self.finished(
            lambda: self.control.describe_dataset_export_job(datasetExportJobArn=arn)[
                "datasetExportJob"
            ]
        )
        assert done["status"] == "ACTIVE", done
        body = self.embedded.s3.get_object(Bucket=self.bucket, Key=f"exports/{name}.csv")["Body"]
        return list(csv.DictReader(io.StringIO(body.read().decode())))
