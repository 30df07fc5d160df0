"""A wrong in the package makes a notebook raise, or record another result: no mutant survives.

pytest collects this file only where it is named: `make test-notebooks`. The notebooks run on a small
stack of their own, so what they record is compared with a run there, not with what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
import pytest
from filled_stack import filled
from mutants import HARMLESS, MUTANTS, PARAMETERS, Copy, Mutant

from musicrec.local.demo.notebooks import numbered
from musicrec.notebooks.recording import Result, differences, results
from musicrec.notebooks.running import execute

LISTENERS = 40
NUMBERED = {path.name[:2]: path for path in numbered()}


@pytest.fixture(scope="module")
def small_stack() -> Iterator[dict[str, str]]:
    """The environment of a stack that a fifth of the demo's listeners filled."""
    with filled(LISTENERS) as environment:
        yield environment


@pytest.fixture(scope="module")
def truth(
    small_stack: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Result]]:
    """What every notebook records when nothing is wrong."""
    folder = tmp_path_factory.mktemp("truth")
    return {number: _run(number, folder, small_stack) for number in NUMBERED}


@pytest.mark.timeout(600)
def test_a_copy_that_is_right_is_not_caught(
    truth: dict[str, dict[str, Result]], small_stack: dict[str, str], tmp_path: Path
):
    """What catches mutants is the wrong in them: a copy with another comment passes everywhere."""
    environment = _with_copy(HARMLESS, small_stack, tmp_path)
    numbers = sorted({number for mutant in MUTANTS for number in mutant.notebooks})
    found = {number: _caught(number, truth[number], environment, tmp_path) for number in numbers}
    assert {number: what for number, what in found.items() if what} == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_is_caught(
    mutant: Mutant,
    truth: dict[str, dict[str, Result]],
    small_stack: dict[str, str],
    tmp_path: Path,
    record_property: Any,
):
    """One of the notebooks that should notice it does."""
    environment = _with_copy(mutant, small_stack, tmp_path)
    for number in mutant.notebooks:
        caught = _caught(number, truth[number], environment, tmp_path)
        if caught:
            record_property("mutant", f"{mutant.name}: {NUMBERED[number].name}, {caught}")
            return
    pytest.fail(f"{mutant.name} survives notebooks {', '.join(mutant.notebooks)}")


def _with_copy(mutant: Mutant, environment: dict[str, str], folder: Path) -> dict[str, str]:
    copy = Copy(folder / "copy", mutant).write()
    return {**environment, "PYTHONPATH": f"{copy}:{environment.get('PYTHONPATH', '')}"}


def _caught(
    number: str, truth: dict[str, Result], environment: dict[str, str], folder: Path
) -> str:
    try:
        found = differences(truth, _run(number, folder, environment))
    except papermill.PapermillExecutionError as error:
        return f"raised {error.ename}"
    return found[0] if found else ""


def _run(number: str, folder: Path, environment: dict[str, str]) -> dict[str, Result]:
    given = dict(PARAMETERS.get(number, {}))
    return results(execute(NUMBERED[number], folder / f"{number}.ipynb", given, environment))
