"""What the tests of the embedded Personalize share: a server and regions to play in."""

from __future__ import annotations

import csv
import io
import itertools
import time
from dataclasses import dataclass, field
from functools import cached_property

from personalize_data import HEADERS, RECIPE, SCHEMAS, listening_rows, to_csv
from personalize_server import Server

ROLE = "arn:aws:iam::123456789012:role/musicrec-personalize"


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self):
        self.now = 1_750_000_000.0

    def __call__(self):
        return self.now


class Embedded(Server):
    """The running server, with regions to play in."""

    def __init__(self, **options):
        super().__init__(**options)
        self._regions = itertools.count(1)

    def world(self):
        """An empty region with a bucket: no test sees another's resources."""
        number = next(self._regions)
        bucket = f"world-{number}"
        self.s3.create_bucket(Bucket=bucket)
        return World(self, f"test-{number}", bucket)


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

    def load(self, interactions=None, items=None, users=None, schema=None):
        """Group, datasets and contents; `schema` is that of the interactions."""
        self.group()
        rows = listening_rows() if interactions is None else interactions
        tables = {"Interactions": (HEADERS["Interactions"], rows)}
        if items is not None:
            tables["Items"] = (HEADERS["Items"], items)
        if users is not None:
            tables["Users"] = (HEADERS["Users"], users)
        for kind, (columns, content) in tables.items():
            self.dataset(kind, schema if kind == "Interactions" else None)
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
