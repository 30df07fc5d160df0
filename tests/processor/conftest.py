import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aws_world import World, world
from profile_world import dynamodb, flaky

__all__ = ["aws", "dynamodb", "flaky"]


@pytest.fixture
def aws(monkeypatch) -> World:
    """A fresh AWS with the stack's parts that the daily build needs."""
    with world(monkeypatch) as made:
        yield made
