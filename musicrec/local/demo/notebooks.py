"""The project's notebooks: which there are, and running one on the demo's stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from musicrec.notebooks import running
from musicrec.notebooks.declared import declared
from musicrec.notebooks.document import read

FOLDER: Final = Path(__file__).parents[3] / "notebooks"


def numbered(folder: Path = FOLDER) -> list[Path]:
    """The notebooks in the order in which they build on each other."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def execute(notebook: Path, output: Path, parameters: Mapping[str, Any] | None = None) -> Path:
    """Run one notebook; the executed copy is kept, also of a failing run.

    Args:
        notebook: the notebook.
        output: folder for the executed copy.
        parameters: values for whichever notebooks declare them; others are left out.

    Returns:
        The executed copy.
    """
    known = declared(read(notebook))
    given = {name: value for name, value in (parameters or {}).items() if name in known}
    return running.execute(notebook, output / notebook.name, given)


def pictures(notebook: Path) -> int:
    """How many figures an executed notebook shows."""
    outputs = (output for cell in read(notebook).cells for output in cell.outputs)
    return sum("image/png" in output.get("data", {}) for output in outputs)
