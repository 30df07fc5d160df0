"""`musicrec demo` as a user runs it, small, and what it does when a step fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from musicrec.local.demo.notebooks import numbered

MUSICREC = Path(sys.executable).with_name("musicrec")


@pytest.mark.notebooks
@pytest.mark.timeout(600)
def test_runs_whole(tmp_path: Path):
    """Every step runs, every station agrees, the list moves, and it exits with 0."""
    output = tmp_path / "notebooks"
    command = [str(MUSICREC), "demo", "--listeners", "40", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert done.stdout.count("agrees") == 5
    assert "after five plays of" in done.stdout
    assert len(list(output.glob("*.ipynb"))) == len(numbered())


@pytest.mark.notebooks
def test_a_failing_step_ends_it(tmp_path: Path):
    """A file that is not the tracks file fails its step, is named, and the exit code says so."""
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    command = [str(MUSICREC), "demo", "--catalog", str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "failed after" in done.stdout
    assert "lacks the columns" in done.stderr
