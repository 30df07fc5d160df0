"""Fixtures for tests of any part."""

from __future__ import annotations

from pathlib import Path

import pytest

from musicrec.catalog import Track, read_kaggle

SAMPLE = Path(__file__).parents[1] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"


@pytest.fixture(scope="session")
def sample_tracks() -> list[Track]:
    """The tracks of the sample that ships with the notebooks."""
    tracks, _ = read_kaggle(SAMPLE)
    return tracks
