"""One run of everything that the deployed stack does by itself, with every role held to its policy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import requests
from aws_world import known_tracks, listening
from local_helpers import acting

from musicrec.datasets import catalogue, csvfile
from musicrec.local.demo import filling
from musicrec.personalize import campaigns, exports, filters, foundation, imports, solutions
from musicrec.processor import raw_objects

if TYPE_CHECKING:
    from musicrec.local.running import RunningStack

RECIPE = "aws-user-personalization-v2"

SERVICES = ("apigateway", "firehose", "personalize")
FUNCTIONS = ("dataset-builder", "hot-path", "profile-builder", "recommendations")


def drive(stack: RunningStack) -> None:
    """Events in, profiles, the lake, three daily builds, a campaign, recommendations, an export."""
    catalogue.upload(known_tracks(), stack.clients.s3, stack.deployment.bucket)
    happened = listening(users=30, plays=100)
    parts = [happened[start::3] for start in range(3)]
    parts[0] += listening(users=1, plays=250, seed=1)  # so many that a profile spills over
    assert plan(build(stack, parts[0], "2026-04-01")).mode == "FULL"
    spoil(stack)
    announce_late_event(stack)
    second = plan(build(stack, parts[1], "2026-04-02"))
    assert second.mode == "INCREMENTAL", second.why
    choose_engine(stack, "athena")
    assert build(stack, parts[2], "2026-04-03").engine == "athena"
    choose_engine(stack, "lambda")
    break_off_an_upload(stack)
    open_campaign(stack)
    answer = recommend(stack)
    assert answer.status_code == 200, answer.text
    assert answer.json()["items"]
    export(stack)


def build(stack, events, day):
    """Send events, let the daily rule fire, wait for the imports."""
    batches = [events[start : start + 400] for start in range(0, len(events), 400)]
    filling.send(stack, batches)
    filling.drain(stack)
    made = filling.fire_daily_rule(
        stack, datetime.fromisoformat(f"{day}T03:00").replace(tzinfo=UTC)
    )
    for arn in made.import_jobs.values():
        imports.wait(stack.clients, arn)
    return made


def plan(made):
    """How the interactions were imported."""
    return made.datasets["interactions"].plan


def spoil(stack):
    """Put something on the stream that is no event: both consumers queue it, Firehose sets it aside."""
    records = [{"Data": b"no event", "PartitionKey": "k"}]
    kinesis = stack.server.aws.client("kinesis")
    kinesis.put_records(StreamName=stack.deployment.stream, Records=records)


def announce_late_event(stack):
    """Leave a notice as who writes to a day of long ago does; the next build takes it down."""
    key = "raw/dt=2026-02-20/late.parquet"
    raw_objects.notify(stack.clients.s3, stack.deployment.bucket, key)


def choose_engine(stack, engine):
    """Say where the dataset builder does its heavy work."""
    client = stack.server.aws.client("lambda")
    name = f"{stack.deployment.name}-dataset-builder"
    settings = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": settings | {"ENGINE": engine}}
    )


def break_off_an_upload(stack):
    """Write as a build does that fails on its way, with the builder's own rights."""
    role = (
        f"arn:aws:iam::{stack.server.aws.account_id}:role/{stack.deployment.name}-dataset-builder"
    )
    s3 = acting(stack.server.aws, role).client("s3")
    key = "datasets/2026-04-04/interactions.csv"
    with csvfile.S3File(s3, stack.deployment.bucket, key) as file:
        file.write(bytes(csvfile.PART_BYTES))
    uploads = stack.clients.s3.list_multipart_uploads(Bucket=stack.deployment.bucket)
    assert "Uploads" not in uploads


def open_campaign(stack):
    """Train, deploy, and publish campaign and filter, as the notebooks do."""
    ground = foundation.load(stack.clients, stack.deployment)
    name = f"{stack.deployment.name}-for-tests"
    solution = solutions.ensure(stack.clients, ground, name, RECIPE)
    version = solutions.train(stack.clients, solution)
    campaigns.ensure(stack.clients, stack.deployment, version)
    filters.ensure_no_skips(stack.clients, stack.deployment, ground)


def recommend(stack):
    """Ask for recommendations as an app does."""
    url = f"{stack.deployment.api_url}/recommendations"
    return requests.get(url, params={"user_id": "user-001"}, timeout=30)


def export(stack):
    """Have Personalize write what it holds to the bucket."""
    ground = foundation.load(stack.clients, stack.deployment)
    exports.export(
        stack.clients,
        ground.dataset_arns["users"],
        name="tests",
        uri=f"s3://{stack.deployment.bucket}/exports/tests/",
        role_arn=stack.deployment.personalize_role_arn,
    )


def stored_policy(stack, part):
    """The policy of a role as IAM has it."""
    answer = stack.server.aws.client("iam").get_role_policy(
        RoleName=f"{stack.deployment.name}-{part}", PolicyName=part
    )
    return answer["PolicyDocument"]
