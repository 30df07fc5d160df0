"""The notebooks run headless in order, run again, and still print what is stored in them."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"


def run(command: list[str], stack: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=stack, cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


@pytest.mark.notebooks
@pytest.mark.timeout(900)
class TestOnAFilledStack:
    def test_papermill_runs_them_in_order(
        self, notebook: Path, stack: dict[str, str], tmp_path: Path
    ):
        """Papermill executes each notebook with its default parameters on the embedded AWS."""
        target = tmp_path / notebook.name
        papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", "-k", "python3"]
        run([*papermill, notebook.name, str(target)], stack)
        assert all(
            cell.execution_count
            for cell in nbformat.read(target, as_version=4).cells
            if cell.cell_type == "code"
        )

    def test_stored_outputs_hold(self, stack: dict[str, str]):
        """Run once more on what they have made, the notebooks print what is stored in them."""
        pytest_alone = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "--timeout", "300"]
        nbval = ["--nbval", "--nbval-kernel-name", "python3", "-p", "no:cacheprovider"]
        names = sorted(path.name for path in FOLDER.glob("*.ipynb"))
        run([*pytest_alone, *nbval, *names], stack)


class TestForm:
    def test_has_one_tagged_parameters_cell(self, notebook: Path):
        """Papermill finds exactly one cell to override."""
        tagged = [
            cell
            for cell in nbformat.read(notebook, as_version=4).cells
            if "parameters" in cell.metadata.get("tags", [])
        ]
        assert len(tagged) == 1

    def test_keeps_clear_of_clients_loops_and_branches_on_place(self, notebook: Path):
        """No cell makes an AWS client, waits by itself, or asks whether AWS is embedded."""
        code = "\n".join(
            cell.source
            for cell in nbformat.read(notebook, as_version=4).cells
            if cell.cell_type == "code"
        )
        for phrase in (
            "import boto3",
            "boto3.client",
            "sleep(",
            "while ",
            "ENDPOINT",
            "127.0.0.1",
            "musicrec.local",
        ):
            assert phrase not in code

    def test_stores_outputs(self, notebook: Path):
        """A person who opens the repository sees results, and nbval has something to hold."""
        cells = nbformat.read(notebook, as_version=4).cells
        assert any(cell.get("outputs") for cell in cells)
        assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
