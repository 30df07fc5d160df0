"""Every notebook survives a second set of parameters on data that are tiny and awkward.

pytest collects this file only where it is named: `make test-notebooks`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import small_world
from small_world import ALONE, LAST_DAY, RUN_DATE

from musicrec.local.demo import filling
from musicrec.local.demo.notebooks import FOLDER, numbered
from musicrec.local.running import RunningStack, running
from musicrec.notebooks.document import read
from musicrec.notebooks.plugin import RUN
from musicrec.notebooks.recording import results
from musicrec.notebooks.running import execute
from musicrec.personalize import teardown

STACK = "tiny-1"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracks file of twenty rows, one of a single row, and a privacy export of five plays."""
    folder = tmp_path_factory.mktemp("tiny")
    small_world.write_tracks(folder / "tracks.csv")
    small_world.write_export(folder / "exporté")
    return folder


@pytest.fixture(scope="module")
def stack(files: Path) -> Iterator[RunningStack]:
    """A stack of another name, with that world in it."""
    with running(name=STACK) as made:
        made.prepare(files / "tracks.csv")
        filling.send(made, small_world.batches())
        filling.drain(made)
        yield made


def parameters(files: Path) -> dict[str, dict[str, Any]]:
    """The second set of each notebook."""
    tracks = str(files / "tracks.csv")
    return {
        "01_explore_items": {"tracks_file": tracks, "rows_shown": 1, "strong_correlation": 1.0},
        "02_design_user_features": {"stack": STACK, "days": 1, "listeners_shown": 1},
        "03_build_datasets": {"stack": STACK, "run_date": RUN_DATE, "sample_rows": 1},
        "04_import_datasets": {"stack": STACK, "run_date": RUN_DATE, "requests_a_month": 0},
        "05_train_and_evaluate": {
            "stack": STACK, "run_date": RUN_DATE, "recipes": ["aws-popularity-count"], "k": 1,
            "test_share": 0.005, "folds": 2, "seed": 0,
        },
        "06_create_campaign": {
            "stack": STACK, "listeners": [ALONE], "num_results": 1, "requests_a_month": 0,
            "other_recipe": "aws-trending-now", "turns": ["演歌", "pop"], "plays": 1,
            "followed_length": 1, "experiment": "Übung · 1", "copies_asked": 2, "history": 1,
        },
        "07_operate": {
            "stack": STACK, "as_of": LAST_DAY, "window_days": 1, "listeners_asked": 1,
            "num_results": 1, "age_limit": 0, "drift_limit": 0.0, "unseen_limit": 0.0,
        },
        "08_analyse_the_lake": {
            "stack": STACK, "days": 1, "gap_minutes": 0, "positions_shown": 1, "genres_shown": 1,
        },
        "09_your_own_history": {
            "export_files": [str(files / "exporté")], "tracks_file": tracks, "num_results": 1,
            "foretold_share": 0.2,
        },
        "90_take_it_down": {"stack": STACK, "interactions": 0, "confirm": True},
    }  # fmt: skip


def first_half(notebook: Path, folder: Path) -> Path:
    """A copy that ends in the middle, as a run does whose kernel is restarted there."""
    document = nbformat.read(notebook, as_version=4)
    document.cells = document.cells[: len(document.cells) // 2]
    copy = folder / f"half of {notebook.name}"
    nbformat.write(document, copy)
    return copy


@pytest.mark.parametrize("notebook", numbered(), ids=lambda path: path.stem)
def test_survives(
    notebook: Path, files: Path, stack: RunningStack, tmp_path: Path, record_property: Any
):
    """After a kernel's end half-way it runs through, and records what it does on its own data."""
    given = parameters(files)[notebook.stem]
    execute(first_half(notebook, tmp_path), tmp_path / "half.ipynb", given)
    executed = execute(notebook, tmp_path / notebook.name, given)
    record_property(RUN, {**read(executed).run, "notebook": f"{notebook.name}, awkward data"})
    assert results(executed).keys() == results(notebook).keys()
    if notebook.stem == "90_take_it_down":
        assert teardown.plan(stack.clients, stack.deployment) == []
        assert results(executed)["deleted"].value == results(executed)["found"].value > 0


def test_every_notebook_has_a_second_set(files: Path):
    """A notebook that is added needs one, too, with a value for each of its parameters."""
    assert parameters(files).keys() == {path.stem for path in FOLDER.glob("*.ipynb")}
