"""What a conformance test talks to: an endpoint, of AWS or of the embedded Personalize."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from personalize_data import HEADERS, RECIPE, SCHEMAS, to_csv

DONE = {"ACTIVE", "COMPLETED", "CREATE FAILED", "CREATE STOPPED", "FAILED"}


@dataclass
class Target:
    """Clients, names of one's own, and waiting.

    Attributes:
        client: makes a boto3 client by service name.
        bucket: that the service may read and write.
        role_arn: of the role by which it does.
        pause: seconds between two looks.
        patience: seconds until a wait is given up.
        run: part of every name, so that two runs do not meet.
    """

    client: Any
    bucket: str
    role_arn: str
    pause: float
    patience: float
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _clean_up: list[Any] = field(default_factory=list)

    @cached_property
    def control(self):
        """The control plane."""
        return self.client("personalize")

    @cached_property
    def events(self):
        """PutEvents and its like."""
        return self.client("personalize-events")

    @cached_property
    def runtime(self):
        """Recommendations."""
        return self.client("personalize-runtime")

    @cached_property
    def s3(self):
        """Files of jobs."""
        return self.client("s3")

    def name(self, text):
        """A name that only this run uses."""
        return f"conformance-{self.run}-{text}"

    def until(self, look):
        """What `look` gives once it is true."""
        end = time.monotonic() + self.patience
        while not (found := look()):
            assert time.monotonic() < end, "waited too long"
            time.sleep(self.pause)
        return found

    def finished(self, describe):
        """The description once the resource is made, or has failed."""

        def look():
            found = describe()
            return found if found["status"] in DONE else None

        return self.until(look)

    def made(self, describe):
        """As `finished`, and ACTIVE."""
        found = self.finished(describe)
        assert found["status"] in {"ACTIVE", "COMPLETED"}, found
        return found

    def later(self, delete, **params):
        """Delete something at the end, last made first."""
        self._clean_up.append((delete, params))

    def clean_up(self):
        """Delete everything, waiting for what still holds it."""
        for delete, params in reversed(self._clean_up):
            self.until(lambda delete=delete, params=params: _deleted(delete, params))

    def schema(self, text, name, **params):
        """Make a schema, of a domain if one is given."""
        arn = self.control.create_schema(name=self.name(name), schema=text, **params)["schemaArn"]
        self.later(self.control.delete_schema, schemaArn=arn)
        return arn

    def group(self, name, **params):
        """Make a dataset group, of a domain if one is given."""
        arn = self.control.create_dataset_group(name=self.name(name), **params)["datasetGroupArn"]
        self.later(self.control.delete_dataset_group, datasetGroupArn=arn)
        self.made(lambda: self.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"])
        return arn

    def dataset(self, group, kind, name, text=None, **params):
        """Make a dataset with the schema of its type, or another one."""
        schema = self.schema(text or SCHEMAS[kind], f"{name}-{kind.lower()}", **params)
        arn = self.control.create_dataset(
            name=self.name(f"{name}-{kind.lower()}"),
            schemaArn=schema,
            datasetGroupArn=group,
            datasetType=kind,
        )["datasetArn"]
        self.later(self.control.delete_dataset, datasetArn=arn)
        self.made(lambda: self.control.describe_dataset(datasetArn=arn)["dataset"])
        return arn

    def put(self, key, text):
        """Write a file; its location."""
        key = f"{self.name('files')}/{key}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        self.later(self.s3.delete_object, Bucket=self.bucket, Key=key)
        return f"s3://{self.bucket}/{key}"

    def folder(self, name):
        """A location to write to, of this run only."""
        return f"s3://{self.bucket}/{self.name(name)}/"

    def written(self, name):
        """The lines of all files that were written to a folder."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.name(name)}/")
        lines = {}
        for entry in listed["Contents"]:
            body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
            lines[entry["Key"].rpartition("/")[2]] = body.decode().splitlines()
        return lines

    def batch(self, what, name, lines, **params):
        """Run a batch job of one kind, `inference` or `segment`, over the lines; its ARN."""
        key = f"batch{what.capitalize()}Job"
        text = "".join(json.dumps(line) + "\n" for line in lines)
        arn = getattr(self.control, f"create_batch_{what}_job")(
            jobName=self.name(name),
            jobInput={"s3DataSource": {"path": self.put(f"{name}.json", text)}},
            jobOutput={"s3DataDestination": {"path": self.folder(name)}},
            roleArn=self.role_arn,
            **params,
        )[f"{key}Arn"]
        describe = getattr(self.control, f"describe_batch_{what}_job")
        self.made(lambda: describe(**{f"{key}Arn": arn})[key])
        return arn

    def import_rows(self, dataset, kind, rows, name, header=None):
        """Import rows; the job's description at the end."""
        text = to_csv(header or HEADERS[kind], rows)
        location = self.put(f"{name}-{kind.lower()}.csv", text)
        arn = self.control.create_dataset_import_job(
            jobName=self.name(f"{name}-{kind.lower()}"),
            datasetArn=dataset,
            dataSource={"dataLocation": location},
            roleArn=self.role_arn,
        )["datasetImportJobArn"]
        return self.finished(
            lambda: self.control.describe_dataset_import_job(datasetImportJobArn=arn)[
                "datasetImportJob"
            ]
        )

    def solution(self, group, recipe, name):
        """Make a solution that does not train by itself."""
        arn = self.control.create_solution(
            name=self.name(name),
            datasetGroupArn=group,
            recipeArn=RECIPE + recipe,
            performAutoTraining=False,
        )["solutionArn"]
        self.later(self.control.delete_solution, solutionArn=arn)
        self.made(lambda: self.control.describe_solution(solutionArn=arn)["solution"])
        return arn

    def version(self, solution):
        """Train; the version's ARN."""
        arn = self.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        self.made(
            lambda: self.control.describe_solution_version(solutionVersionArn=arn)[
                "solutionVersion"
            ]
        )
        return arn

    def campaign(self, version, name):
        """Deploy a version."""
        arn = self.control.create_campaign(
            name=self.name(name), solutionVersionArn=version, minProvisionedTPS=1
        )["campaignArn"]
        self.later(self.control.delete_campaign, campaignArn=arn)
        self.made(lambda: self.control.describe_campaign(campaignArn=arn)["campaign"])
        return arn

    def recommender(self, group, recipe, name, **config):
        """Make a recommender."""
        arn = self.control.create_recommender(
            name=self.name(name),
            datasetGroupArn=group,
            recipeArn=RECIPE + recipe,
            recommenderConfig=config,
        )["recommenderArn"]
        self.later(self.control.delete_recommender, recommenderArn=arn)
        self.made(lambda: self.control.describe_recommender(recommenderArn=arn)["recommender"])
        return arn

    def tracker(self, group, name):
        """Make an event tracker; its ARN and its tracking id."""
        made = self.control.create_event_tracker(name=self.name(name), datasetGroupArn=group)
        arn = made["eventTrackerArn"]
        self.later(self.control.delete_event_tracker, eventTrackerArn=arn)
        self.made(lambda: self.control.describe_event_tracker(eventTrackerArn=arn)["eventTracker"])
        return arn, made["trackingId"]

    def gone(self, delete, describe, **arn):
        """Delete something and wait until it is not found."""

        def missing():
            try:
                describe(**arn)
            except self.control.exceptions.ResourceNotFoundException:
                return True
            return False

        delete(**arn)
        assert self.until(missing)

    def filter(self, group, expression, name):
        """Make a filter."""
        arn = self.control.create_filter(
            name=self.name(name), datasetGroupArn=group, filterExpression=expression
        )["filterArn"]
        self.later(self.control.delete_filter, filterArn=arn)
        self.made(lambda: self.control.describe_filter(filterArn=arn)["filter"])
        return arn


def names(answer):
    """The items of an answer."""
    return [entry["itemId"] for entry in answer["itemList"]]


def elsewhere(clients):
    """The endpoints of those clients that do not talk to AWS."""
    urls = [client.meta.endpoint_url for client in clients]
    hosts = (".amazonaws.com", ".amazonaws.com.cn")
    return [url for url in urls if not (urlsplit(url).hostname or "").endswith(hosts)]


def _deleted(delete, params):
    """Whether the resource is gone, or on its way."""
    try:
        delete(**params)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceInUseException":
            return False
        if code != "ResourceNotFoundException":
            raise
    return True
