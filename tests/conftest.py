"""Fixtures for tests of any part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from musicrec.catalog import Track, read_kaggle

# For `--hypothesis-profile=long`; most tests set their own number of examples.
settings.register_profile("suite", max_examples=50)
settings.load_profile("suite")
settings.register_profile("long", max_examples=2000, stateful_step_count=60, deadline=None)

SAMPLE = Path(__file__).parents[1] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"


@pytest.fixture(scope="session")
def sample_tracks() -> list[Track]:
    """The tracks of the sample that ships with the notebooks."""
    tracks, _ = read_kaggle(SAMPLE)
    return tracks


@pytest.fixture(scope="session", autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Threads of what is tested take turns in moto, which loses what two of them write at once."""
    lock, inner = RLock(), BotocoreStubber.process_request

    def process_request(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return inner(stubber, request)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BotocoreStubber, "process_request", process_request)
        yield


class Clock:
    """Stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def bucket_s3() -> Iterator[Any]:
    """A client of moto's S3 with the bucket `bucket`."""
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="bucket")
        yield client


def pytest_addoption(parser):
    """The switches of tests further down; pytest takes them from this conftest only."""
    options = parser.getgroup("conformance")
    options.addoption("--aws", action="store_true", help="talk to real AWS; this costs money")
    options.addoption("--aws-role", help="ARN of the role by which Personalize uses the bucket")
    options.addoption("--aws-bucket", help="bucket that Personalize may read and write")
    options.addoption("--aws-region", default="us-east-1", help="region to run in")
    options.addoption("--coverage-page", help="write the coverage page to this path")
    samples = parser.getgroup("samples")
    samples.addoption("--samples", help="checkout of AWS's sample notebooks, which then run")
    samples.addoption("--samples-environment", help="virtual environment of their kernel")
    producer = parser.getgroup("producer")
    producer.addoption("--kills", type=int, default=12, help="SIGKILLs in the kill test")
    chaos = parser.getgroup("chaos")
    chaos.addoption("--seed", type=int, default=1, help="seed of the chaos test")
    chaos.addoption("--events", type=int, default=3_000, help="valid events in the chaos test")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Tell pytest the mark of the conformance suite; only on AWS may tests leave the machine."""
    if config.getoption("--aws"):
        config.option.allow_hosts = None
        config.option.timeout = 0  # a training takes most of an hour
    config.addinivalue_line("markers", "operation(*names): operations that the test is about")
