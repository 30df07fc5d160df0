"""What a rule of the contract is, and what it says when a notebook breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from musicrec.notebooks.document import Cell, Notebook

SHOWN: Final = 100
"""Characters of offending text in a message."""

COSTLY: Final[Mapping[str, str]] = {
    "musicrec.datasets.daily.build": "an import",
    "musicrec.datasets.daily.start_imports": "an import",
    "musicrec.personalize.imports.start": "an import",
    "musicrec.personalize.solutions.train": "a training",
    "musicrec.personalize.campaigns.ensure": "a campaign",
}
"""Functions that cost money on AWS, by full name, and what they start."""

COSTLY_OPERATIONS: Final = frozenset(
    {
        "create_batch_inference_job",
        "create_batch_segment_job",
        "create_campaign",
        "create_data_insights_job",
        "create_dataset_import_job",
        "create_recommender",
        "create_solution_version",
        "start_recommender",
        "update_campaign",
    }
)
"""Operations of Amazon Personalize that start what is billed, by their names in boto3."""

DESTRUCTIVE: Final = frozenset({"musicrec.personalize.teardown.execute"})
"""Functions that delete, by full name."""


@dataclass(frozen=True)
class Limits:
    """What a repository may set for its notebooks.

    Attributes:
        function_lines: most lines of a function in a cell, its `def` counted.
        seconds: longest run whose outputs are kept.
        costly: functions that cost money, by full name, and what they start.
        destructive: functions that delete, by full name.
    """

    function_lines: int = 5
    seconds: float = 60.0
    costly: Mapping[str, str] = field(default_factory=lambda: COSTLY)
    destructive: frozenset[str] = DESTRUCTIVE


@dataclass(frozen=True)
class Violation:
    """One place that breaks a rule.

    Attributes:
        rule: the rule's name.
        notebook: name of the file.
        cell: number of the cell from 1, Markdown counted; None for the whole notebook.
        found: what is there, or what is missing.
        advice: the next step.
    """

    rule: str
    notebook: str
    cell: int | None
    found: str
    advice: str

    def __str__(self) -> str:
        where = self.notebook if self.cell is None else f"{self.notebook}, cell {self.cell}"
        return f"{where}: {self.found}\n    {self.advice} [{self.rule}]"


Found = tuple[Cell | None, str, str]
"""A cell, what is wrong there, and the next step."""

Check = Callable[[Notebook, Limits], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """One rule of the contract.

    Attributes:
        name: what reports call it.
        check: finds the places that break it.
    """

    name: str
    check: Check

    @property
    def says(self) -> str:
        """The rule in a sentence."""
        return (self.check.__doc__ or "").splitlines()[0]

    def violations(self, notebook: Notebook, limits: Limits) -> list[Violation]:
        """Every place where a notebook breaks the rule."""
        return [
            Violation(self.name, notebook.path.name, cell.number if cell else None, found, advice)
            for cell, found, advice in self.check(notebook, limits)
        ]


def shown(node: ast.AST | str) -> str:
    """Code in one line, cut to `SHOWN` characters, in backquotes."""
    text = node if isinstance(node, str) else ast.unparse(node)
    line = " ".join(text.split())
    return f"`{line if len(line) <= SHOWN else line[: SHOWN - 1] + '…'}`"
