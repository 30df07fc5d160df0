import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aws_world import DEPLOYMENT, World, listening, world

from musicrec.datasets import daily
from musicrec.personalize import foundation, imports


@pytest.fixture
def aws(monkeypatch) -> World:
    """A fresh AWS with the stack's parts that the daily build needs."""
    with world(monkeypatch) as made:
        yield made


@pytest.fixture
def imported(aws, tmp_path):
    """The foundation with a week of listening imported, on the second of March 2026."""
    aws.hear(listening(), tmp_path)
    manifest = daily.build(aws.clients, "musicrec", "2026-03-02")
    for arn in manifest.import_jobs.values():
        imports.wait(aws.clients, arn)
    return foundation.load(aws.clients, DEPLOYMENT)
