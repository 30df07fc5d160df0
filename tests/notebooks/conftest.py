"""One filled stack for all notebook tests, and what the tests of mutants report."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from filled_stack import filled

from musicrec.local.demo import notebooks

LISTENERS = 215


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, str]]:
    """The environment in which notebooks find a stack that the demo's listeners filled."""
    with filled(LISTENERS) as environment:
        yield environment


@pytest.fixture(scope="session", params=notebooks.numbered(), ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Path:
    """Each numbered notebook, in order."""
    return request.param


def pytest_terminal_summary(terminalreporter: Any):
    """List the mutants and what caught each."""
    caught = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "mutant" and report.when == "call"
    ]
    if caught:
        terminalreporter.section(f"{len(caught)} mutants, and what caught them")
        for line in caught:
            terminalreporter.write_line(line)
