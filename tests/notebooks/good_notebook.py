"""A notebook that keeps the whole contract, to be spoilt by tests one way at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from musicrec.notebooks.document import of_mapping
from musicrec.notebooks.recording import MIME

QUESTION = "# 01 · Example\n\n**Question: how many?**\n\nIt only counts."
PARAMETERS = "days: int = 7  # days of listening to look at\nconfirm: bool = False  # spend money"
IMPORTS = "from musicrec.notebooks import record"
WORK = "total = 3 * days\nprint(total)"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CLOSING = 'record("total", total)'


def good(*extra: str) -> dict[str, Any]:
    """The notebook's content; `extra` code cells stand between its work and its closing cell."""
    sources = [PARAMETERS, IMPORTS, WORK, *extra, CLOSING]
    cells = [code(source, count) for count, source in enumerate(sources, start=1)]
    cells[0]["metadata"]["tags"] = ["parameters"]
    cells[2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "21\n"}]
    cells[-1]["outputs"] = [recorded("total", 21)]
    return signed(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
            "cells": [
                {"cell_type": "markdown", "id": "question", "metadata": {}, "source": QUESTION},
                *cells,
            ],
        }
    )


def code(source: str, count: int | None = None) -> dict[str, Any]:
    """A code cell."""
    return {
        "cell_type": "code",
        "id": f"cell-{count or 0}",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": [],
    }


def recorded(name: str, value: Any, within: float = 0.0) -> dict[str, Any]:
    """The output that `record` leaves."""
    content = {"name": name, "value": value, "within": within}
    return {
        "output_type": "display_data",
        "metadata": {"musicrec": {"record": name}},
        "data": {"text/plain": f"{name} = {value}", MIME: content},
    }


def signed(content: dict[str, Any]) -> dict[str, Any]:
    """The content as a run leaves it: with the digest of its source and what was measured."""
    notebook = of_mapping(content, Path("example.ipynb"))
    content["metadata"]["musicrec"] = {
        "source_sha256": notebook.source_sha256,
        "outputs": [len(cell.outputs) for cell in notebook.code],
        "seconds": 1.5,
        "peak_mb": 120,
    }
    return content


def write(content: dict[str, Any], folder: Path, name: str = "01_example.ipynb") -> Path:
    """The content as a file."""
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
