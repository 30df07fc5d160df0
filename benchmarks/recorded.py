"""What a benchmark measured, kept in the repository, so that pages can quote it and a test can check them.

`tests/test_numbers.py` reads these files. A file says on what it was measured, and nothing of where.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS: Final = Path(__file__).parent / "results"


def keep(name: str, *, tables: Mapping[str, str], figures: Mapping[str, Any]) -> Path:
    """Write `results/<name>.json`; an earlier one is replaced.

    Args:
        name: of the file.
        tables: Markdown as printed, by name.
        figures: numbers behind it, nested by name.
    """
    document = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "tables": {title: text.splitlines() for title, text in tables.items()},
        "figures": figures,
    }
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load(name: str) -> dict[str, Any]:
    """The document of `results/<name>.json`."""
    document: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return document
