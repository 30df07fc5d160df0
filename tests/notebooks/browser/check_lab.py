"""The notebooks in JupyterLab, in order and by hand, beside a running stack.

pytest collects this file only where it is named: `make test-lab`, which needs Chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filled_stack import filled
from lab import REPOSITORY, Notebook, browser, lab
from selenium.webdriver import Chrome

from musicrec.local.demo.notebooks import numbered

NOTEBOOKS = REPOSITORY / "notebooks"
LISTENERS = 40
RESTARTED = "04"
"""The notebook whose kernel is restarted half-way."""

BEFORE_RESTART = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the notebooks and of their data."""
    return Path(shutil.copytree(NOTEBOOKS, tmp_path_factory.mktemp("lab") / "notebooks"))


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def url(folder: Path, chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab beside a stack that listeners filled."""
    settings = tmp_path_factory.mktemp("settings")
    with filled(LISTENERS) as environment, lab(chrome, folder, environment, settings) as started:
        yield started


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [path.name for path in numbered()])
def test_runs_to_its_end(name: str, url: str, chrome: Chrome, folder: Path):
    """Every cell runs once, in order, without an error, also after a restart half-way."""
    with Notebook(chrome, url, folder / name) as notebook:
        if name.startswith(RESTARTED):
            notebook.run_some(BEFORE_RESTART)
            notebook.restart_and_run_all()
        else:
            notebook.run_all()
        ran = notebook.ended()
    assert ran.errors == []
    assert ran.counts == [*range(1, len(ran.counts) + 1)]
