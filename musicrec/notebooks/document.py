"""A notebook file as the contract looks at it: cells in order, their code parsed, and a digest.

Only the standard library is used, so that the pytest plugin costs a repository nothing at start.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

METADATA: Final = "musicrec"
"""Key of ours in the metadata of a notebook and of an output."""

PARAMETERS: Final = "parameters"
INJECTED: Final = "injected-parameters"
"""Tags that papermill knows: the defaults, and the cell of values that it puts behind them."""

_MAGIC: Final = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


class NotANotebookError(ValueError):
    """A file that is no notebook of format 4."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no notebook of format 4 ({reason}): save it anew in Jupyter")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        number: its place in the notebook, from 1, Markdown counted too.
        kind: `code`, `markdown` or `raw`.
        source: its text.
        tags: of its metadata.
        execution_count: as stored; None for a cell that was not run.
        outputs: as stored.
    """

    number: int
    kind: str
    source: str
    tags: frozenset[str] = frozenset()
    execution_count: int | None = None
    outputs: tuple[dict[str, Any], ...] = ()

    @cached_property
    def tree(self) -> ast.Module:
        """The cell's code; magic and shell lines count as `pass`.

        Raises:
            SyntaxError: it is not Python.
        """
        return ast.parse("" if self.source.startswith("%%") else _MAGIC.sub(r"\1pass", self.source))

    @property
    def shell_lines(self) -> list[str]:
        """Lines that a shell would run."""
        if self.source.startswith(("%%bash", "%%sh", "%%script")):
            return [self.source.splitlines()[0]]
        return [line.strip() for line in self.source.splitlines() if line.lstrip().startswith("!")]


@dataclass(frozen=True)
class Notebook:
    """One notebook.

    Attributes:
        path: the file.
        cells: all of them, in order.
        metadata: of the notebook.
    """

    path: Path
    cells: tuple[Cell, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> list[Cell]:
        """Code cells that are not empty, in order."""
        return [cell for cell in self.cells if cell.kind == "code" and cell.source.strip()]

    @property
    def parsed(self) -> list[Cell]:
        """Code cells that are Python."""
        return [cell for cell in self.code if _parses(cell)]

    @property
    def parameter_cells(self) -> list[Cell]:
        """Code cells with the tag `parameters`; a good notebook has one."""
        return [cell for cell in self.cells if cell.kind == "code" and PARAMETERS in cell.tags]

    @property
    def run(self) -> dict[str, Any]:
        """What the run that made the outputs left: `source_sha256`, `seconds`, `peak_mb`."""
        stored = self.metadata.get(METADATA)
        return stored if isinstance(stored, dict) else {}

    @property
    def source_sha256(self) -> str:
        """Digest of what is run: the source of every code cell, what papermill injects left out.

        Markdown can be edited without running anything again.
        """
        sources = [cell.source for cell in self.code if INJECTED not in cell.tags]
        return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def read(path: Path) -> Notebook:
    """Read a notebook.

    Raises:
        NotANotebookError: the file is not JSON, or is of another format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotANotebookError(path, "not JSON") from error
    if not isinstance(content, dict) or content.get("nbformat") != 4:
        raise NotANotebookError(path, "nbformat is not 4")
    return of_mapping(content, path)


def of_mapping(content: dict[str, Any], path: Path) -> Notebook:
    """A notebook from what its file holds."""
    cells = tuple(_cell(number, one) for number, one in enumerate(content["cells"], start=1))
    return Notebook(path=path, cells=cells, metadata=dict(content.get("metadata", {})))


def _cell(number: int, content: dict[str, Any]) -> Cell:
    return Cell(
        number=number,
        kind=content["cell_type"],
        source=_text(content["source"]),
        tags=frozenset(content.get("metadata", {}).get("tags", ())),
        execution_count=content.get("execution_count"),
        outputs=tuple(content.get("outputs", ())),
    )


def _text(lines: str | list[str]) -> str:
    """Text as the format stores it, in one piece or in lines."""
    return lines if isinstance(lines, str) else "".join(lines)


def _parses(cell: Cell) -> bool:
    try:
        return bool(cell.tree)
    except SyntaxError:
        return False
