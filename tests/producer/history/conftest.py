"""Fixtures of the importer's tests."""

from pathlib import Path

import pytest

from musicrec.producer.history import Lookup, opened


@pytest.fixture(scope="session")
def lookup(sample_tracks):
    """The sample catalogue as the importer asks it."""
    return Lookup.of(sample_tracks)


@pytest.fixture
def take(lookup):
    """Import files; returns the events and the report."""

    def run(*paths: Path, **more):
        with opened(paths, "acc-1", lookup, **more) as history:
            happened = list(history.events())
        return happened, history.report

    return run
