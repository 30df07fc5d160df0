"""Running the notebooks by papermill, and keeping their outputs in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from traitlets.config import Config

FOLDER: Final = Path(__file__).parents[3] / "notebooks"
_PRIVATE_KERNEL: Final = Config({"KernelManager": {"transport": "ipc"}})
"""Talk to the kernel through sockets in the file system, which other users cannot read."""

_RUN_METADATA: Final = ("papermill", "execution", "widgets")


def numbered(folder: Path = FOLDER) -> list[Path]:
    """The notebooks in the order in which they build on each other."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def execute(notebook: Path, output: Path, parameters: dict[str, Any] | None = None) -> Path:
    """Run one notebook in its own folder; the executed copy is kept, also of a failing run.

    Args:
        notebook: the notebook.
        output: folder for the executed copy.
        parameters: values for its `parameters` cell; those that it does not declare are left out.

    Returns:
        The executed copy.
    """
    output.mkdir(parents=True, exist_ok=True)
    target = output / notebook.name
    declared = papermill.inspect_notebook(notebook)
    given = {name: value for name, value in (parameters or {}).items() if name in declared}
    papermill.execute_notebook(
        notebook,
        target,
        parameters=given,
        cwd=notebook.parent,
        kernel_name="python3",
        progress_bar=False,
        config=_PRIVATE_KERNEL,
        extra_arguments=["--log-level=CRITICAL"],  # the kernel's own, not the cells'
    )
    return target


def pictures(notebook: Path) -> int:
    """How many figures an executed notebook shows."""
    return sum(
        "image/png" in output.get("data", {})
        for cell in _read(notebook).cells
        for output in cell.get("outputs", [])
    )


def keep(executed: Path, notebook: Path) -> None:
    """Store an executed copy's outputs in the notebook, less what differs from run to run."""
    result = _read(executed)
    source = _read(notebook)
    result.metadata = source.metadata
    for cell in _code(result):
        for name in _RUN_METADATA:
            cell.metadata.pop(name, None)
        # Progress bars, which a slow machine shows and a quick one does not.
        cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    _number(result)
    nbformat.write(result, notebook)


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
