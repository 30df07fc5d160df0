"""Notebook 01 on the complete Kaggle file, where that file lies beside the repository.

pytest collects this file only where it is named: `make test-shared`.
"""

import os
from pathlib import Path

import pytest

from musicrec.notebooks.document import read
from musicrec.notebooks.recording import results
from musicrec.notebooks.running import execute

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("MUSICREC_SHARED", REPOSITORY.parent / "shared"))
FILE = SHARED / "data" / "kaggle_spotify_tracks_114k.csv.gz"

COUNTED = {
    "rows": 114_000,
    "distinct_ids": 89_741,
    "genres": 114,
    "empty_cells": 3,
    "dropped": 1,
    "tracks": 89_740,
    "odd_ids": 0,
    "several_popularities": 720,
    "equal_rows": 450,
    "equal_rows_but_for_the_id": 577,
    "tempo_0_rows": 157,
    "time_signature_0_rows": 163,
}
"""Counts made by other means than ours, in the note that lies beside the file."""

SECONDS = 60


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not there (see MUSICREC_SHARED)")
def test_counts_are_those_of_the_file(tmp_path: Path):
    """The notebook finds in 114,000 rows what was counted there, within a minute."""
    notebook = REPOSITORY / "notebooks" / "01_explore_items.ipynb"
    executed = execute(notebook, tmp_path / "01.ipynb", {"tracks_file": str(FILE)})
    found = results(executed)
    assert {name: found[name].value for name in COUNTED} == COUNTED
    assert read(executed).run["seconds"] < SECONDS
