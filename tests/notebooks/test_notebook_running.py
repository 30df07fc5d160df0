"""Notebooks run with checked parameters, measured, and their outputs kept."""

import json
import os
from pathlib import Path

import papermill
import pytest
from good_notebook import good, write
from papermill.engines import papermill_engines

from musicrec.notebooks import contract
from musicrec.notebooks.__main__ import main
from musicrec.notebooks.declared import ParameterTypeError, UnknownParameterError
from musicrec.notebooks.document import read
from musicrec.notebooks.recording import results
from musicrec.notebooks.running import ENGINE, NotKeptError, execute, keep

HEAVY = "ballast = bytearray(300_000_000)"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook whose stored outputs are no longer those of its source."""
    content = good(HEAVY, "import sys\nprint(f'{1}%|', file=sys.stderr)")
    del content["metadata"]["musicrec"]
    return write(content, tmp_path)


@pytest.mark.slow
class TestExecute:
    def test_is_measured_and_kept(self, notebook: Path, tmp_path: Path):
        """After a run and `keep` the notebook keeps the whole contract again."""
        assert contract.check(notebook)
        executed = execute(notebook, tmp_path / "out" / notebook.name)
        keep(executed, notebook)
        assert contract.check(notebook) == []
        assert results(notebook)["total"].value == 21
        assert read(notebook).run["peak_mb"] > 300
        assert 0 < read(notebook).run["seconds"] < 60
        assert "1%|" not in notebook.read_text()

    def test_runs_in_one_folder_share_nothing(self, tmp_path: Path):
        """The kernel's sockets are not in the notebook's folder, where two runs would share them."""
        (tmp_path / "notebooks").mkdir()
        content = good("import os", "print(sorted(os.listdir()))")
        source = write(content, tmp_path / "notebooks")
        executed = execute(source, tmp_path / "out.ipynb")
        assert f"['{source.name}']" in executed.read_text()

    def test_a_second_keep_changes_only_what_was_measured(self, notebook: Path, tmp_path: Path):
        """Nothing of a run that differs from the next one is stored, so a diff shows findings."""
        texts = []
        for name in ("one", "two"):
            keep(execute(notebook, tmp_path / name / notebook.name), notebook)
            content = json.loads(notebook.read_text())
            content["metadata"]["musicrec"] |= {"seconds": 0, "peak_mb": 0}
            texts.append(json.dumps(content))
        assert texts[0] == texts[1]

    def test_parameters_reach_it_and_are_not_kept(self, notebook: Path, tmp_path: Path):
        """A run with other parameters is never stored as the notebook's own."""
        executed = execute(notebook, tmp_path / "out.ipynb", {"days": 2})
        assert results(executed)["total"].value == 6
        with pytest.raises(NotKeptError, match="with other parameters"):
            keep(executed, notebook)

    def test_an_edit_during_the_run_is_noticed(self, notebook: Path, tmp_path: Path):
        """Outputs are not stored beside code that did not make them."""
        executed = execute(notebook, tmp_path / "out.ipynb")
        notebook.write_text(notebook.read_text().replace("3 * days", "4 * days"))
        with pytest.raises(NotKeptError, match="was edited while it ran"):
            keep(executed, notebook)

    def test_a_failing_run_is_kept_as_a_file(self, tmp_path: Path):
        """The executed copy shows where it failed."""
        path = write(good("raise ValueError('no listeners')"), tmp_path)
        with pytest.raises(papermill.PapermillExecutionError, match="no listeners"):
            execute(path, tmp_path / "out.ipynb")
        assert "no listeners" in (tmp_path / "out.ipynb").read_text()

    def test_a_kernel_of_another_environment(self, tmp_path: Path):
        """The kernel sees the variables that it is given."""
        path = write(good("import os\nprint(os.environ['WHERE'])"), tmp_path)
        environment = {**os.environ, "WHERE": "elsewhere"}
        executed = execute(path, tmp_path / "out.ipynb", environment=environment)
        assert "elsewhere" in executed.read_text()


class TestRefusal:
    def test_an_unknown_parameter_stops_it_before_it_runs(self, notebook: Path, tmp_path: Path):
        """Nothing is executed with a value that nobody reads."""
        with pytest.raises(UnknownParameterError, match="did you mean 'days'"):
            execute(notebook, tmp_path / "out.ipynb", {"day": 3})
        assert not (tmp_path / "out.ipynb").exists()

    def test_papermills_own_entrance_is_guarded_as_well(
        self, notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Under `--engine musicrec`, found by its entry point, papermill's warning is an error."""
        monkeypatch.setattr(papermill_engines, "_engines", {})
        papermill_engines.register_entry_points()
        with pytest.raises(ParameterTypeError, match="days is declared as int"):
            papermill.execute_notebook(
                notebook,
                tmp_path / "out.ipynb",
                {"days": "3"},
                engine_name=ENGINE,
                progress_bar=False,
            )


@pytest.mark.slow
class TestCommand:
    def test_keeps_checks_and_runs(self, notebook: Path, tmp_path: Path, capsys):
        """`python -m musicrec.notebooks` does the same from a shell."""
        assert main(["check", str(notebook)]) == 1
        assert "nothing says which code made the outputs" in capsys.readouterr().out
        assert main(["keep", str(notebook)]) == 0
        assert main(["check", str(notebook)]) == 0
        assert main(["run", str(notebook), str(tmp_path / "out.ipynb"), "-p", "days", "4"]) == 0
        assert results(tmp_path / "out.ipynb")["total"].value == 12
