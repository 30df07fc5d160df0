"""What `musicrec demo` does when a step fails."""

import subprocess
import sys
from pathlib import Path

import pytest

MUSICREC = Path(sys.executable).with_name("musicrec")


@pytest.mark.notebooks
def test_a_failing_step_ends_it(tmp_path: Path):
    """A file that is not the tracks file fails its step, is named, and the exit code says so."""
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    command = [str(MUSICREC), "demo", "--catalog", str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "failed after" in done.stdout
    assert done.stderr.startswith(f"{other} lacks the columns")
