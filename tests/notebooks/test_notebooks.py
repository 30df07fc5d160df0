"""The notebooks keep their contract, run headless in order, run again, and still show what is stored."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from musicrec.notebooks import contract
from musicrec.notebooks.document import read
from musicrec.notebooks.plugin import RUN
from musicrec.notebooks.recording import differences, results
from musicrec.notebooks.running import execute

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.mark.notebooks
@pytest.mark.timeout(900)
class TestOnAFilledStack:
    def test_papermill_runs_them_in_order(
        self, notebook: Path, stack: dict[str, str], tmp_path: Path, record_property: Any
    ):
        """Each notebook with its own parameters records what is kept, within its tolerances."""
        executed = execute(notebook, tmp_path / notebook.name, environment=stack)
        record_property(RUN, {**read(executed).run, "notebook": f"{notebook.name}, just run"})
        assert differences(results(notebook), results(executed)) == []

    def test_stored_outputs_hold(self, stack: dict[str, str]):
        """Run once more on what they have made, the notebooks print what is stored in them."""
        pytest_alone = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "--timeout", "300"]
        nbval = ["--nbval", "--nbval-kernel-name", "python3", "-p", "no:cacheprovider"]
        names = sorted(path.name for path in FOLDER.glob("*.ipynb"))
        done = subprocess.run(
            [*pytest_alone, *nbval, *names],
            env=stack,
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


class TestForm:
    def test_keeps_the_contract(self, notebook: Path):
        """No rule of the contract is broken, so the pytest plugin passes for this repository."""
        assert "\n".join(map(str, contract.check(notebook))) == ""

    @pytest.mark.parametrize("phrase", ["ENDPOINT", "127.0.0.1", "localhost", "musicrec.local"])
    def test_does_not_ask_where_it_runs(self, notebook: Path, phrase: str):
        """The same cells run on the embedded AWS and on AWS."""
        assert not [cell.number for cell in read(notebook).code if phrase in cell.source]
