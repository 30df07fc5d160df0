"""The contract: every rule that a notebook keeps, and all the places where one does not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from musicrec.notebooks import rules_code, rules_cost, rules_outputs, rules_parameters
from musicrec.notebooks.document import read
from musicrec.notebooks.violations import Limits, Rule, Violation

RULES: Final = (
    Rule("question", rules_code.question),
    Rule("python", rules_code.is_python),
    Rule("one-parameters-cell", rules_parameters.one_cell),
    Rule("parameters-literal", rules_parameters.literals),
    Rule("parameters-typed", rules_parameters.typed),
    Rule("parameters-commented", rules_parameters.commented),
    Rule("parameters-stay", rules_parameters.stay),
    Rule("no-secrets", rules_parameters.no_secrets),
    Rule("short-functions", rules_code.short_functions),
    Rule("no-clients", rules_code.no_clients),
    Rule("no-polling", rules_code.no_polling),
    Rule("costs-confirmed", rules_cost.costs_confirmed),
    Rule("deletion-confirmed", rules_cost.deletion_confirmed),
    Rule("closing-record", rules_code.closing_record),
    Rule("run-in-order", rules_outputs.in_order),
    Rule("outputs-by-this-source", rules_outputs.by_this_source),
    Rule("outputs-complete", rules_outputs.complete),
    Rule("run-in-time", rules_outputs.in_time),
)
"""In the order in which they are reported."""

DEFAULT_LIMITS: Final = Limits()


def check(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[Violation]:
    """Every place where a notebook breaks the contract; none for a good one.

    Raises:
        NotANotebookError: the file is no notebook.
    """
    notebook = read(path)
    return [found for rule in RULES for found in rule.violations(notebook, limits)]
