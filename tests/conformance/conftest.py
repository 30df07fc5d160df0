"""The targets of the conformance suite, and what its tests share on one of them.

Trainings are made once a run: on AWS each takes most of an hour, and costs.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import boto3
import coverage_page
import personalize_server
import pytest
from personalize_data import (
    HEADERS,
    VIDEO_HEADER,
    VIDEOS,
    WATCHING,
    item_rows,
    listening_rows,
    video_rows,
    watching_rows,
)
from personalize_target import Target, elsewhere

HERE = Path(__file__).parent
VERIFIED = HERE / "verified.json"


@pytest.fixture(scope="session")
def target(request):
    """The endpoint that the command line asks for."""
    option = request.config.getoption
    if option("--aws"):
        role, bucket = option("--aws-role"), option("--aws-bucket")
        if not role or not bucket:
            pytest.exit("--aws needs --aws-role and --aws-bucket", returncode=4)
        client = partial(boto3.client, region_name=option("--aws-region"))
        found = Target(client, bucket, role, pause=20, patience=3 * 3600)
        others = elsewhere([found.control, found.events, found.runtime])
        if others:
            # Without this a run against a stand-in would be written down as one against AWS.
            pytest.exit(f"--aws, but the endpoints are {others}; unset AWS_ENDPOINT_URL", 4)
        yield found
        found.clean_up()
        return
    # In a process of its own: moto's state is the process's, and other tests reset theirs.
    with subprocess.Popen(
        [sys.executable, personalize_server.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        aws = personalize_server.LoopbackAws(server.stdout.readline().strip())
        aws.client("s3").create_bucket(Bucket="conformance")
        role = "arn:aws:iam::123456789012:role/conformance"
        yield Target(aws.client, "conformance", role, pause=0.05, patience=60)
        server.stdin.close()


@pytest.fixture(scope="session")
def group(target):
    """A dataset group with nothing in it."""
    return target.group("empty")


@pytest.fixture(scope="session")
def untouched(target, group):
    """An Interactions dataset in that group, into which nothing is imported."""
    return target.dataset(group, "Interactions", "untouched")


@pytest.fixture(scope="session")
def music(target):
    """A dataset group with data and an event tracker."""
    arn = target.group("music")
    users = [(f"u{n:03}", 15 + n % 10, "DE" if n % 2 else "FR") for n in range(60)]
    tables = {"Interactions": listening_rows(), "Items": item_rows(), "Users": users}
    datasets, imports, schemas = {}, {}, {}
    for kind, rows in tables.items():
        datasets[kind] = target.dataset(arn, kind, "music")
        done = target.import_rows(datasets[kind], kind, rows, "music")
        assert done["status"] == "ACTIVE", done
        imports[kind] = done["datasetImportJobArn"]
        described = target.control.describe_dataset(datasetArn=datasets[kind])["dataset"]
        schemas[kind] = described["schemaArn"]
    tracker, tracking_id = target.tracker(arn, "t")
    return SimpleNamespace(
        group=arn,
        datasets=datasets,
        imports=imports,
        schemas=schemas,
        tracker=tracker,
        tracking_id=tracking_id,
    )


@pytest.fixture(scope="session")
def cinema(target):
    """A dataset group of the domain of videos with data and an event tracker."""
    domain = "VIDEO_ON_DEMAND"
    arn = target.group("cinema", domain=domain)
    tables = {
        "Interactions": (WATCHING, HEADERS["Interactions"], watching_rows()),
        "Items": (VIDEOS, VIDEO_HEADER, video_rows()),
    }
    datasets = {}
    for kind, (schema, header, rows) in tables.items():
        datasets[kind] = target.dataset(arn, kind, "cinema", schema, domain=domain)
        done = target.import_rows(datasets[kind], kind, rows, "cinema", header)
        assert done["status"] == "ACTIVE", done
    _, tracking_id = target.tracker(arn, "cinema")
    return SimpleNamespace(group=arn, datasets=datasets, tracking_id=tracking_id)


@pytest.fixture(scope="session")
def picks(target, cinema):
    """A recommender of the videos for a user, which shows metadata."""
    return target.recommender(
        cinema.group, "aws-vod-top-picks", "picks", enableMetadataWithRecommendations=True
    )


@pytest.fixture(scope="session")
def alike(target, cinema):
    """A recommender of the videos like another one."""
    return target.recommender(cinema.group, "aws-vod-more-like-x", "alike")


@pytest.fixture(scope="session")
def version(target, music):
    """A trained version of User-Personalization-v2."""
    return target.version(target.solution(music.group, "aws-user-personalization-v2", "users"))


@pytest.fixture(scope="session")
def campaign(target, version):
    """Its campaign."""
    return target.campaign(version, "users")


@pytest.fixture(scope="session")
def ranking(target, music):
    """A campaign of Personalized-Ranking-v2."""
    solution = target.solution(music.group, "aws-personalized-ranking-v2", "lists")
    return target.campaign(target.version(solution), "lists")


@pytest.fixture(scope="session")
def affinity(target, music):
    """A trained version of Item-Affinity, which segments users."""
    return target.version(target.solution(music.group, "aws-item-affinity", "segments"))


@pytest.fixture(scope="session")
def kept(target, music):
    """A filter with a placeholder."""
    return target.filter(music.group, "INCLUDE ItemID WHERE Items.GENRE IN ($G)", "kept")


@pytest.fixture(scope="session")
def batch(target, version, kept):
    """A batch inference job that is done, with a filter whose values the lines give."""
    lines = [
        {"userId": "u001", "filterValues": {"G": '"g1"'}},
        {"userId": "u002", "filterValues": {"G": '"g2"'}},
        {"userId": "nobody", "filterValues": {"G": '"g3"'}},
    ]
    return target.batch(
        "inference", "batch", lines, solutionVersionArn=version, filterArn=kept, numResults=5
    )


@pytest.fixture(scope="session")
def segments(target, affinity):
    """A batch segment job that is done."""
    lines = [{"itemId": "i1-03"}, {"itemId": "i2-03"}]
    return target.batch("segment", "segment", lines, solutionVersionArn=affinity, numResults=10)


@pytest.fixture(scope="session")
def export(target, music):
    """A BULK export of Users that is done."""
    arn = target.control.create_dataset_export_job(
        jobName=target.name("export"),
        datasetArn=music.datasets["Users"],
        ingestionMode="BULK",
        roleArn=target.role_arn,
        jobOutput={"s3DataDestination": {"path": target.folder("export")}},
    )["datasetExportJobArn"]
    target.made(
        lambda: target.control.describe_dataset_export_job(datasetExportJobArn=arn)[
            "datasetExportJob"
        ]
    )
    return arn


def verified():
    """On which day each test last passed against AWS, by node id."""
    return json.loads(VERIFIED.read_text()) if VERIFIED.exists() else {}


def pytest_sessionfinish(session, exitstatus):
    """Write what was asked for, of a run in which everything passed."""
    ours = [item for item in session.items if HERE in item.path.parents]
    if exitstatus != 0 or not ours:
        return
    if session.config.getoption("--aws"):
        today = dt.datetime.now(dt.UTC).date().isoformat()
        days = verified() | {item.nodeid: today for item in ours}
        VERIFIED.write_text(json.dumps(days, indent=1, sort_keys=True) + "\n")
    page = session.config.getoption("--coverage-page")
    if page:
        Path(page).write_text(coverage_page.render(ours, verified()))
