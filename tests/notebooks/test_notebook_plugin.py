"""The contract as a pytest plugin in a repository that is not this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from good_notebook import code, good, signed, write

OPTIONS = """
[pytest]
musicrec_notebooks = work
musicrec_notebooks_costly = shop.buy = a purchase
musicrec_notebooks_function_lines = 2
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Another repository with a folder of notebooks."""
    (tmp_path / "pytest.ini").write_text(OPTIONS)
    (tmp_path / "work").mkdir()
    return tmp_path


def run_pytest(repository: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "musicrec.notebooks.plugin", "-p", "no:cacheprovider",
            "--strict-config", *arguments,
        ],
        cwd=repository,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # quicker; `-p` names what it takes
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
class TestPlugin:
    def test_a_good_notebook_passes_and_is_measured(self, repository: Path):
        """Each rule is a test, and the end of the run says seconds and memory."""
        write(good(), repository / "work")
        exit_code, said = run_pytest(repository)
        assert exit_code == 0, said
        assert "18 passed" in said
        assert "1.5 s    120 MB  01_example.ipynb" in said

    def test_a_bad_one_fails_by_name(self, repository: Path):
        """The failure is the violation, without a traceback, and only of the broken rules."""
        write(good("from shop import buy\nbuy(3)", "f = 1\ndef g(x):\n    x += 1\n    return x"),
              repository / "work")  # fmt: skip
        exit_code, said = run_pytest(repository)
        assert exit_code == 1
        assert "work/01_example.ipynb::costs-confirmed" in said
        assert "01_example.ipynb, cell 5: `buy(3)` starts a purchase" in said
        assert "function 'g' has 3 lines, 2 are allowed" in said
        assert "Traceback" not in said
        assert "2 failed, 16 passed" in said

    def test_workers_measure_as_well(self, repository: Path):
        """With pytest-xdist the table is the same."""
        write(good(), repository / "work")
        exit_code, said = run_pytest(repository, "-p", "xdist", "-n", "1")
        assert exit_code == 0, said
        assert "1.5 s    120 MB  01_example.ipynb" in said

    def test_other_folders_and_checkpoints_are_left_alone(self, repository: Path):
        """Only the named folder is looked at."""
        bad = signed({**good(), "cells": [code("1 +")]})
        (repository / "work" / ".ipynb_checkpoints").mkdir()
        write(bad, repository)
        write(bad, repository / "work" / ".ipynb_checkpoints")
        write(good(), repository / "work")
        exit_code, said = run_pytest(repository)
        assert exit_code == 0, said
        assert "18 passed" in said

    def test_without_the_option_nothing_happens(self, tmp_path: Path):
        """A repository that has the package for something else does not notice the plugin."""
        write(signed({**good(), "cells": [code("1 +")]}), tmp_path)
        (tmp_path / "test_one.py").write_text("def test_one(): pass")
        exit_code, said = run_pytest(tmp_path)
        assert exit_code == 0, said
        assert "1 passed" in said
