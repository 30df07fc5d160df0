"""Thousands of requests made from the API's document; collected where it is named, by `make test-api`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import api_schema
import pytest

from benchmarks.api import filled
from musicrec.local.demo import stations
from musicrec.local.running import RunningStack, running

BOUNDARIES: Final = 80
"""Requests that the limits of each operation's parameters come to at least."""


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A stack whose campaign is trained, so that lists come from it."""
    with running() as stack:
        filled(stack, listeners=30, days=4)
        yield stack


@pytest.mark.parametrize(
    ("operation", "examples"), [("getRecommendations", 1_400), ("putEvents", 300)]
)
def test_every_answer_is_as_declared(
    stack: RunningStack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    examples: int,
):
    """No 5xx; status, headers, content type and body are declared; good is taken, bad refused."""
    made = api_schema.run(stack, tmp_path, examples=examples, seed=2, operation=operation)
    with capsys.disabled():
        sys.stdout.write(f"\n{operation}: {made.requests:,} requests\n")
    assert made.failures == [], made.printed
    assert made.complete
    assert made.requests >= examples + BOUNDARIES


def test_nothing_of_it_is_poison(stack: RunningStack):
    """Every event that the API let onto the stream is one to the consumers."""
    stack.server.drain(180.0)
    kinesis = stack.server.aws.client("kinesis")
    assert stations.records_on_stream(kinesis, stack.deployment.stream) > 0
    queue = stack.server.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.deployment.poison_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert queue["Attributes"]["ApproximateNumberOfMessages"] == "0"
