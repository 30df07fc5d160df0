"""`musicrec demo` as a user runs it, small.

pytest collects this file only where it is named: `make test-demo`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from musicrec.local.demo.notebooks import numbered

MUSICREC = Path(sys.executable).with_name("musicrec")


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
