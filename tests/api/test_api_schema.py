"""The API as its document says: a few hundred requests made from it; `make test-api` makes thousands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import api_schema
import pytest

from musicrec.cli import SAMPLE
from musicrec.local.demo import filling, stations
from musicrec.local.running import RunningStack, running

pytestmark = pytest.mark.slow

EXAMPLES: Final = 15
REQUESTS: Final = 300
"""What the boundaries and the examples come to at least."""


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A deployed stack with the shipped catalogue."""
    with running() as stack:
        stack.prepare(SAMPLE)
        yield stack


def test_answers_are_as_declared(stack: RunningStack, tmp_path: Path):
    """No 5xx; status, headers, content type and body are declared; good is taken, bad refused."""
    made = api_schema.run(stack, tmp_path, examples=EXAMPLES)
    assert made.failures == [], made.printed
    assert made.complete
    assert made.requests >= REQUESTS


def test_what_the_schema_takes_the_functions_take(stack: RunningStack):
    """Every event that the API let onto the stream is one to the consumers: none is poison."""
    filling.drain(stack)
    assert (
        stations.records_on_stream(stack.server.aws.client("kinesis"), stack.deployment.stream) > 0
    )
    queue = stack.server.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.deployment.poison_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert queue["Attributes"]["ApproximateNumberOfMessages"] == "0"
