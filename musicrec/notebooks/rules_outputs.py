"""Rules about what is stored: outputs that this source made, whole, in order and in time."""

from __future__ import annotations

from collections.abc import Iterator

from musicrec.notebooks.document import Notebook
from musicrec.notebooks.recording import RecordError, results
from musicrec.notebooks.violations import Found, Limits, shown

_KEEP = "run `python -m musicrec.notebooks keep` on the notebook (here: `make notebooks`)"


def in_order(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Every code cell was run, from the top down, and none failed."""
    for place, cell in enumerate(notebook.code, start=1):
        if cell.execution_count is None:
            yield cell, f"{shown(cell.source)} was not run", _KEEP
        elif cell.execution_count != place:
            yield cell, f"the cell was run as number {cell.execution_count}, not {place}", _KEEP
        for output in cell.outputs:
            if output.get("output_type") == "error":
                yield (
                    cell,
                    f"{shown(str(output.get('evalue')))} was raised",
                    f"mend it, then {_KEEP}",
                )


def by_this_source(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """The stored outputs were made by the code that stands beside them."""
    stored = notebook.run.get("source_sha256")
    if stored is None:
        yield None, "nothing says which code made the outputs", _KEEP
    elif stored != notebook.source_sha256:
        yield None, "a code cell was changed after the outputs were made", _KEEP


def complete(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Every cell still has as many outputs as its run made, and recorded results are among them."""
    made = notebook.run.get("outputs", [])
    for cell, count in zip(notebook.code, made, strict=False):
        if len(cell.outputs) != count:
            yield cell, f"{len(cell.outputs)} outputs are stored, its run made {count}", _KEEP
    if made and not any(made):
        yield None, "the run made no output at all", "show what was found, then run it again"
    try:
        found = results(notebook)
    except RecordError as error:
        yield None, str(error), _KEEP
    else:
        if not found:
            yield None, "no recorded result is stored", _KEEP


def in_time(notebook: Notebook, limits: Limits) -> Iterator[Found]:
    """The run that made the outputs was measured, and short."""
    seconds, peak = notebook.run.get("seconds"), notebook.run.get("peak_mb")
    if seconds is None or peak is None:
        yield None, "seconds and peak memory of its run are not stored", _KEEP
    elif seconds > limits.seconds:
        yield (
            None,
            f"the run took {seconds:.0f} s, {limits.seconds:.0f} s are allowed",
            "take smaller data by default, or move what is slow to a function that is quicker",
        )
