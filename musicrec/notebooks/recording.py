"""Results written into a notebook so that a program can read them back and hold them.

A printed number can be read by people only, and nobody notices when it becomes another one. What
`record` writes is an output of the cell, kept in the notebook file, with the tolerance within which
a later run has to find it again, to both sides: a result that suddenly is much better is as suspect
as a worse one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from musicrec.notebooks.document import METADATA, Notebook, read

if TYPE_CHECKING:
    from typing_extensions import TypeIs

MIME: Final = "application/vnd.musicrec.result+json"
"""Media type of the machine-readable part of a recorded result."""

DIGITS: Final = 4
"""Significant digits of a recorded fraction; further ones may differ from machine to machine."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

Value = bool | int | float | str | None


class RecordError(ValueError):
    """Something that cannot be recorded, or recorded results that contradict each other."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One recorded result.

    Attributes:
        name: e.g. `ndcg_at_10`.
        value: the result; a fraction has `DIGITS` significant digits. None says that these data
            have none, e.g. no listener whom the question could be asked of.
        within: how far a later run may be away, to either side, in the unit of the value.
    """

    name: str
    value: Value
    within: float = 0.0

    def holds(self, value: object) -> bool:
        """Whether another run's value is the same within the tolerance."""
        if not _is_number(self.value) or not _is_number(value):
            return type(self.value) is type(value) and self.value == value
        return math.isclose(self.value, value, rel_tol=1e-9, abs_tol=self.within)


def record(name: str, value: Any, *, within: float = 0.0) -> None:
    """Write a result into the notebook, for people and for programs.

    Args:
        name: what it is, in lower case with underscores; once in a notebook.
        value: a number, text, truth value or None; NumPy's scalars too. NaN, with which pandas
            says that there is no number, becomes None.
        within: how far another run on the same data may be away, to either side.

    Raises:
        RecordError: the name is not of that form, the value no such scalar or infinite, or the
            tolerance negative.
    """
    from IPython.display import display  # noqa: PLC0415 - the package is read without Jupyter, too

    result = _checked(name, value, within)
    content = {"name": result.name, "value": result.value, "within": result.within}
    display(  # type: ignore[no-untyped-call]  # IPython's is not annotated
        {"text/plain": f"{result.name} = {_text(result.value)}", MIME: content},
        raw=True,
        metadata={METADATA: {"record": result.name}},
    )


def results(notebook: Notebook | Path) -> dict[str, Result]:
    """The results that a notebook's outputs hold, by name, in order.

    Raises:
        RecordError: two results have one name.
    """
    read_in = read(notebook) if isinstance(notebook, Path) else notebook
    found: dict[str, Result] = {}
    for cell in read_in.cells:
        for output in cell.outputs:
            content = output.get("data", {}).get(MIME)
            if content:
                if content["name"] in found:
                    raise RecordError(
                        f"{read_in.path.name} records {content['name']!r} twice: rename one"
                    )
                found[content["name"]] = Result(**content)
    return found


def differences(kept: dict[str, Result], fresh: dict[str, Result]) -> list[str]:
    """Where a run's results differ from the kept ones by more than the tolerance, in words."""
    lines = [f"{name} is not recorded any more" for name in kept.keys() - fresh.keys()]
    lines += [f"{name} is not among the kept results" for name in fresh.keys() - kept.keys()]
    lines += [
        f"{name} is {fresh[name].value}, kept was {result.value} (within {result.within:g})"
        for name, result in kept.items()
        if name in fresh and not result.holds(fresh[name].value)
    ]
    return sorted(lines)


def _checked(name: str, value: Any, within: float) -> Result:
    if not _NAME.fullmatch(name):
        raise RecordError(f"{name!r} is no name of a result: use lower case and underscores")
    if within < 0:
        raise RecordError(f"{name}: a tolerance of {within} is negative: give a distance")
    scalar = value.item() if hasattr(value, "item") else value
    if not isinstance(scalar, bool | int | float | str | None):
        raise RecordError(
            f"{name}: {type(value).__name__} is no number, text or truth value: record its parts"
        )
    if isinstance(scalar, float):
        scalar = _rounded(name, scalar)
    return Result(name=name, value=scalar, within=float(within))


def _rounded(name: str, value: float) -> float | None:
    if math.isinf(value):
        raise RecordError(f"{name} is {value}: record None where there is no number")
    return None if math.isnan(value) else float(f"{value:.{DIGITS}g}")


def _is_number(value: object) -> TypeIs[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
