"""Running a notebook by papermill with checked parameters, measured, and keeping what it showed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from traitlets.config import Config

from musicrec.notebooks.declared import check_given
from musicrec.notebooks.document import INJECTED, METADATA, Notebook, of_mapping, read

ENGINE: Final = "musicrec"
"""Name of the papermill engine: `papermill --engine musicrec`."""

_RUN_METADATA: Final = ("papermill", "execution", "widgets")

_PEAK: Final = "__import__('musicrec.notebooks.memory', fromlist=['peak_mb']).peak_mb()"


class NotKeptError(RuntimeError):
    """An executed copy whose outputs do not belong to the notebook as it stands."""


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """papermill's own engine, but parameters are checked first and the run is measured.

    What was measured stands in the executed copy's metadata under `musicrec`: `source_sha256` of
    the code that ran, `outputs` by cell, `seconds`, and `peak_mb`, the kernel's peak memory.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Run the cells; see papermill's `Engine`.

        Raises:
            UnknownParameterError: see `musicrec.notebooks.declared.check_given`.
            ParameterTypeError: the same.
        """
        nb = nb_man.nb
        notebook = of_mapping(nb, Path(kwargs.get("input_path") or "notebook"))
        check_given(notebook, nb.metadata.get("papermill", {}).get("parameters", {}))
        ours = {"env", "input_path", "start_timeout"}
        options = {name: value for name, value in kwargs.items() if name not in ours}
        client = _Measured(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=kwargs.get("start_timeout", 60),
            **options,
        )
        client.execute(**({"env": kwargs["env"]} if "env" in kwargs else {}))
        nb.metadata[METADATA] = _measured(of_mapping(nb, notebook.path), client)


class _Measured(PapermillNotebookClient):  # type: ignore[misc]  # as Engine
    """Runs the cells, then asks the kernel how much memory it came to need.

    Attributes:
        seconds: from the first cell to the last.
        peak_mb: None when the kernel died.
    """

    seconds = 0.0
    peak_mb: int | None = None

    def papermill_execute_cells(self) -> None:
        started = time.perf_counter()
        super().papermill_execute_cells()
        self.seconds = time.perf_counter() - started
        asked = self.kc.execute("", silent=True, user_expressions={"peak": _PEAK})
        answer = self.wait_for_reply(asked)["content"]["user_expressions"]["peak"]
        if answer["status"] == "ok":
            self.peak_mb = int(answer["data"]["text/plain"])


def execute(
    notebook: Path,
    target: Path,
    parameters: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """Run one notebook in its own folder; the executed copy is kept, also of a failing run.

    Args:
        notebook: the notebook.
        target: the executed copy.
        parameters: values for its `parameters` cell.
        environment: variables of the kernel; by default this process's.

    Returns:
        `target`.

    Raises:
        UnknownParameterError: the notebook declares no such parameter; nothing was run.
        ParameterTypeError: a value is not of its declared type; nothing was run.
        papermill.PapermillExecutionError: a cell raised.
    """
    check_given(read(notebook), parameters or {})
    papermill_engines.register(ENGINE, Engine)
    target.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"env": dict(environment)} if environment else {}
    with tempfile.TemporaryDirectory() as private:
        papermill.execute_notebook(
            notebook,
            target,
            parameters=dict(parameters or {}),
            engine_name=ENGINE,
            cwd=notebook.parent,
            kernel_name="python3",
            progress_bar=False,
            config=_kernel(Path(private)),
            extra_arguments=["--log-level=CRITICAL"],  # the kernel's own, not the cells'
            **options,
        )
    return target


def keep(executed: Path, notebook: Path) -> None:
    """Store an executed copy's outputs in the notebook, less what differs from run to run.

    Raises:
        NotKeptError: the notebook was edited since, or run with other than its own parameters.
    """
    result, source = _read(executed), _read(notebook)
    measured = result.metadata[METADATA]
    if measured["source_sha256"] != read(notebook).source_sha256:
        raise NotKeptError(f"{notebook.name} was edited while it ran: run it again")
    if any(INJECTED in cell.metadata.get("tags", ()) for cell in result.cells):
        raise NotKeptError(f"{notebook.name} was run with other parameters: run it with its own")
    result.metadata = {**source.metadata, METADATA: measured}
    for cell in result.cells:
        for name in _RUN_METADATA:
            cell.metadata.pop(name, None)
    for cell in _code(result):
        # Progress bars, which a slow machine shows and a quick one does not.
        cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    _number(result)
    nbformat.write(result, notebook)


def _kernel(folder: Path) -> Config:
    """Talk to the kernel by sockets in a folder that no other run and no other user has.

    Without a connection file the sockets lie in the notebook's folder under names that another run
    there takes at the same moment; a TCP port is free when it is looked for, and taken when used.
    """
    file = folder / "kernel.json"
    return Config({"KernelManager": {"transport": "ipc", "connection_file": str(file)}})


def _measured(notebook: Notebook, client: _Measured) -> dict[str, Any]:
    cells = [cell for cell in notebook.code if INJECTED not in cell.tags]
    return {
        "outputs": [
            sum(output.get("name") != "stderr" for output in cell.outputs) for cell in cells
        ],
        "peak_mb": client.peak_mb,
        "seconds": round(client.seconds, 1),
        "source_sha256": notebook.source_sha256,
    }


def _number(notebook: Any) -> None:
    for count, cell in enumerate(_code(notebook), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def _code(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)
