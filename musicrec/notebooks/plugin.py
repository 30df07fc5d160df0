"""pytest plugin: a repository names its folder of notebooks, and each must keep the contract.

In `pyproject.toml`, or the same options in another of pytest's configuration files:

    [tool.pytest.ini_options]
    musicrec_notebooks = "notebooks"
    testpaths = ["tests", "notebooks"]

Every rule is then one test of every notebook, e.g. `notebooks/01_explore.ipynb::no-secrets`. After
the tests a table says how long each notebook ran and how much memory it needed; a test that runs a
notebook adds its run to it by `record_property(RUN, read(executed).run)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from musicrec.notebooks.contract import RULES
from musicrec.notebooks.document import Notebook, read
from musicrec.notebooks.violations import COSTLY, DESTRUCTIVE, Limits, Rule, Violation

FOLDER: Final = "musicrec_notebooks"
SECONDS: Final = "musicrec_notebooks_seconds"
LINES: Final = "musicrec_notebooks_function_lines"
MORE_COSTLY: Final = "musicrec_notebooks_costly"
MORE_DESTRUCTIVE: Final = "musicrec_notebooks_destructive"
"""The plugin's options."""

RUN: Final = "musicrec_run"
"""Name of the property by which a test reports a run."""


class ContractError(AssertionError):
    """A notebook breaks a rule; the message has every place."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("\n".join(map(str, violations)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    parser.addini(FOLDER, "folder whose notebooks keep the contract of musicrec.notebooks")
    parser.addini(SECONDS, "longest run of a notebook, seconds", default=str(Limits().seconds))
    parser.addini(LINES, "most lines of a function in a cell", default=str(Limits().function_lines))
    parser.addini(
        MORE_COSTLY, "further functions that cost money: `full.name = what it starts`", "linelist"
    )
    parser.addini(MORE_DESTRUCTIVE, "further functions that delete, by full name", "linelist")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Notebooks in the folder, however deep; Jupyter's checkpoints are not looked at."""
    name = parent.config.getini(FOLDER)
    if not name or file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    folder = parent.config.rootpath / name
    return NotebookFile.from_parent(parent, path=file_path) if folder in file_path.parents else None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how long notebooks ran and how much memory they needed, the slowest first."""
    runs = sorted(set(_runs(terminalreporter.stats)), key=lambda run: (-run[1], run[0]))
    if runs:
        terminalreporter.section("notebooks")
        for name, seconds, peak_mb in runs:
            terminalreporter.write_line(f"{seconds:7.1f} s {peak_mb or 0:6,} MB  {name}")


class NotebookFile(pytest.File):
    """One notebook; its tests are the rules."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test a rule."""
        notebook = read(self.path)
        for rule in RULES:
            yield RuleItem.from_parent(self, name=rule.name, rule=rule, notebook=notebook)


class RuleItem(pytest.Item):
    """One rule asked of one notebook."""

    def __init__(self, *, rule: Rule, notebook: Notebook, **given: Any) -> None:
        super().__init__(**given)
        self._rule, self._notebook = rule, notebook
        if notebook.run:
            self.user_properties.append((RUN, {**notebook.run, "notebook": notebook.path.name}))

    def runtest(self) -> None:
        """Fail with every place where the notebook breaks the rule."""
        violations = self._rule.violations(self._notebook, limits(self.config))
        if violations:
            raise ContractError(violations)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The violations alone: a traceback says nothing about a notebook."""
        if isinstance(excinfo.value, ContractError):
            return f"{self._rule.says}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is."""
        return self.path, 0, f"{self.path.name}: {self.name}"


def limits(config: pytest.Config) -> Limits:
    """What the repository's options say."""
    pairs = (line.partition("=") for line in config.getini(MORE_COSTLY))
    more = {name.strip(): what.strip() or "what costs money" for name, _, what in pairs}
    return Limits(
        function_lines=int(config.getini(LINES)),
        seconds=float(config.getini(SECONDS)),
        costly={**COSTLY, **more},
        destructive=DESTRUCTIVE | frozenset(config.getini(MORE_DESTRUCTIVE)),
    )


def _runs(stats: dict[str, list[Any]]) -> Iterator[tuple[str, float, int | None]]:
    for reports in stats.values():
        for report in reports:
            for name, run in getattr(report, "user_properties", ()):
                if name == RUN and run.get("seconds") is not None:
                    yield run["notebook"], run["seconds"], run.get("peak_mb")
