"""How quickly the embedded Personalize answers at the size of a service.

    python -m benchmarks.serving                 # 90,000 items, 50,000 users, 5 million plays
    python -m benchmarks.serving --share 0.1

The data is invented, imported from CSV, trained by aws-user-personalization-v2 and served by a
campaign, all through boto3. Then two figures are taken: the time of `GetRecommendations` inside the
server (the WSGI call, with checks and JSON), and requests a second over HTTP from another process
(`benchmarks.load`) on the same cores. Both use a filter of two clauses. The rival is the least that any
server of this kind must do: the same server's answer to a request that it refuses at once.

Beside each stands the processor time, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks import recorded
from benchmarks.invented import START, Size, genres_of_items, listening
from benchmarks.load import Load, run
from musicrec.local.server import EmbeddedAws
from musicrec.stack import trust_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicrec.local.parts import Aws
    from musicrec.research.models.base import Interactions

BUCKET: Final = "serving"
ROLE: Final = "serving"
RECIPE: Final = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
FILTER: Final = (
    'INCLUDE ItemID WHERE Items.GENRE IN ("genre-1","genre-2","genre-3") | '
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")'
)
SIGNED: Final = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/personalize/aws4_request"
FIELDS: Final[dict[str, list[dict[str, Any]]]] = {
    "Interactions": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
    "Items": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "GENRE", "type": "string", "categorical": True},
        {"name": "CREATION_TIMESTAMP", "type": "long"},
    ],
}


class NotActiveError(RuntimeError):
    """A resource of the benchmark did not become ACTIVE."""


@dataclass(frozen=True)
class Served:
    """What requests need to name."""

    campaign: str
    filter: str
    tracker: str


@dataclass(frozen=True)
class Rate:
    """What a load over HTTP came to.

    Attributes:
        rate: good answers a second.
        bad: refusals.
        server: its processor time for a request, milliseconds.
        client: likewise.
        client_cores: how much of a core the client took.
    """

    rate: float
    bad: int
    server: float
    client: float
    client_cores: float


def served(aws: Aws, size: Size) -> Served:
    """Import, train and deploy; says how long each took."""
    data = listening(size)
    control = aws.client("personalize")
    aws.client("s3").create_bucket(Bucket=BUCKET)
    _role(aws)
    group = control.create_dataset_group(name="serving")["datasetGroupArn"]
    for kind, text in (("Interactions", _plays(data)), ("Items", _items(size, data))):
        _timed(f"import of {kind}", lambda k=kind, t=text: _import(aws, group, k, t))
    tracker = control.create_event_tracker(name="serving", datasetGroupArn=group)["trackingId"]
    solution = control.create_solution(
        name="serving", datasetGroupArn=group, recipeArn=RECIPE, performAutoTraining=False
    )["solutionArn"]
    version = _timed("training and evaluation", lambda: _train(control, solution))
    campaign = control.create_campaign(name="serving", solutionVersionArn=version)["campaignArn"]
    made = control.create_filter(name="serving", datasetGroupArn=group, filterExpression=FILTER)
    return Served(campaign, made["filterArn"], tracker)


def inside(aws: EmbeddedAws, names: Served, size: Size, count: int) -> dict[str, float]:
    """Milliseconds of `count` requests inside the server, and of as many refused ones.

    `processor` is the mean of the processor time.
    """
    users = np.random.default_rng(1).integers(size.users, size=count)
    answered = [_request(names, int(user)) for user in users]
    refused = [json.dumps({"campaignArn": names.campaign}).encode()] * count
    app = aws.personalize
    figures = {}
    for kind, bodies in (("answered", answered), ("refused", refused)):
        spent = time.process_time()
        taken = np.array([_milliseconds(app, body) for body in bodies])
        figures[f"{kind} processor"] = 1000 * (time.process_time() - spent) / count
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            figures[f"{kind} {name}"] = float(np.quantile(taken, share))
    return figures


def reacts(aws: Aws, names: Served, size: Size, count: int = 50) -> int:
    """Of so many users, how many get another list after one event."""
    runtime, events = aws.client("personalize-runtime"), aws.client("personalize-events")
    changed = 0
    for user in range(count):
        asked = {"campaignArn": names.campaign, "userId": f"user-{user:06}"}
        before = runtime.get_recommendations(**asked)["itemList"]
        event = {
            "eventType": "play",
            "itemId": f"item-{(user * 977) % size.items:06}",
            "sentAt": START + 10**8,
        }
        events.put_events(
            trackingId=names.tracker,
            userId=asked["userId"],
            sessionId="serving",
            eventList=[event],
        )
        after = runtime.get_recommendations(**asked)["itemList"]
        changed += [item["itemId"] for item in before] != [item["itemId"] for item in after]
    return changed


def over_http(url: str, names: Served, size: Size, seconds: float) -> Rate:
    """Requests from another process, and what they cost this one."""
    spent = time.process_time()
    asked = Load(
        url=url, campaign=names.campaign, filter=names.filter, users=size.users, seconds=seconds
    )
    answered = run(asked)
    spent = time.process_time() - spent
    count = max(1, answered.good + answered.bad)
    return Rate(
        rate=answered.rate,
        bad=answered.bad,
        server=1000 * spent / count,
        client=1000 * answered.processor / count,
        client_cores=answered.processor / answered.seconds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the load over HTTP")
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args(arguments)
    size = Size().part(asked.share)
    _say(f"{size.items} items, {size.users} users, about {size.interactions} plays (invented)")
    with EmbeddedAws() as embedded:
        names = served(embedded.aws, size)
        figures = inside(embedded, names, size, asked.requests)
        figures["changed"] = reacts(embedded.aws, names, size)
        found = over_http(embedded.endpoint_url, names, size, asked.seconds)
    figures |= {f"http {name}": value for name, value in vars(found).items()}
    figures["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = table(figures)
    _say(text)
    if asked.record:
        recorded.keep("serving", tables={"serving": text}, figures=figures)


def table(figures: dict[str, float]) -> str:
    """A Markdown table."""
    rows = {
        "`GetRecommendations` inside the server, median, ms": f"{figures['answered p50']:.1f}",
        "99th percentile, ms": f"{figures['answered p99']:.1f}",
        "processor time, ms": f"{figures['answered processor']:.1f}",
        "a request that is refused at once, median, ms": f"{figures['refused p50']:.2f}",
        "lists that one `PutEvents` changed, of 50": f"{figures['changed']}",
        "over HTTP, requests a second": f"{figures['http rate']:.0f}",
        "processor time of the server for each, ms": f"{figures['http server']:.1f}",
        "processor time of the client for each, ms": f"{figures['http client']:.2f}",
        "peak memory of the whole process, S3 with the files among it, GB": (
            f"{figures['peak_gb']:.2f}"
        ),
    }
    return "\n".join(["| what | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])


def _plays(data: Interactions) -> str:
    kinds = np.where(np.random.default_rng(2).random(len(data)) < 0.2, "skip", "play")
    rows = zip(
        (data.user_ids[code] for code in data.users),
        (data.item_ids[code] for code in data.items),
        kinds.tolist(),
        data.timestamps.tolist(),
        strict=True,
    )
    lines = [f"{user},{item},{kind},{when}" for user, item, kind, when in rows]
    return "\n".join(["USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP", *lines, ""])


def _items(size: Size, data: Interactions) -> str:
    genres = genres_of_items(size)
    lines = [
        f"{name},genre-{genre},{START}" for name, genre in zip(data.item_ids, genres, strict=True)
    ]
    return "\n".join(["ITEM_ID,GENRE,CREATION_TIMESTAMP", *lines, ""])


def _role(aws: Aws) -> None:
    """The role with which Personalize reads the files."""
    iam = aws.client("iam")
    iam.create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=trust_policy("personalize.amazonaws.com")
    )
    reading = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    rights = {"Version": "2012-10-17", "Statement": [reading]}
    iam.put_role_policy(RoleName=ROLE, PolicyName=ROLE, PolicyDocument=json.dumps(rights))


def _import(aws: Aws, group: str, kind: str, text: str) -> None:
    control = aws.client("personalize")
    schema = {
        "type": "record",
        "name": kind,
        "namespace": "com.amazonaws.personalize.schema",
        "fields": FIELDS[kind],
        "version": "1.0",
    }
    made = control.create_schema(name=kind, schema=json.dumps(schema))
    dataset = control.create_dataset(
        name=kind, schemaArn=made["schemaArn"], datasetGroupArn=group, datasetType=kind
    )["datasetArn"]
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"{kind}.csv", Body=text.encode())
    job = control.create_dataset_import_job(
        jobName=kind,
        datasetArn=dataset,
        dataSource={"dataLocation": f"s3://{BUCKET}/{kind}.csv"},
        roleArn=f"arn:aws:iam::{aws.account_id}:role/{ROLE}",
    )["datasetImportJobArn"]
    _wait(lambda: control.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"])


def _train(control: Any, solution: str) -> str:
    version: str = control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    _wait(lambda: control.describe_solution_version(solutionVersionArn=version)["solutionVersion"])
    return version


def _wait(describe: Any) -> None:
    while True:  # a describe waits for a running job by itself
        seen = describe()
        if seen["status"] == "ACTIVE":
            return
        if seen["status"] == "CREATE FAILED":
            raise NotActiveError(seen["failureReason"])


def _timed(what: str, work: Any) -> Any:
    started = time.perf_counter()
    made = work()
    _say(f"{what}: {time.perf_counter() - started:.1f} s")
    return made


def _request(names: Served, user: int) -> bytes:
    asked = {"campaignArn": names.campaign, "userId": f"user-{user:06}", "filterArn": names.filter}
    return json.dumps(asked).encode()


def _milliseconds(app: Any, body: bytes) -> float:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/recommendations",
        "HTTP_AUTHORIZATION": SIGNED,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    started = time.perf_counter()
    b"".join(app(environ, lambda *_: None))
    return 1000 * (time.perf_counter() - started)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
