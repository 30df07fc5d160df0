"""Rules about what a notebook does to an account: nothing billed or deleted without a yes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from musicrec.notebooks.declared import declared
from musicrec.notebooks.document import Cell, Notebook
from musicrec.notebooks.violations import COSTLY_OPERATIONS, Found, Limits, shown

_ASK: Final = (
    "print the estimate before it and call musicrec.personalize.cost.require_confirmation("
    "step, estimate, confirm=confirm), with `confirm: bool` among the parameters"
)


def costs_confirmed(notebook: Notebook, limits: Limits) -> Iterator[Found]:
    """What costs money on AWS comes after its estimate is printed and a parameter has said yes."""
    seen = _Seen(_switches(notebook), _imports(notebook))
    for cell, call in _calls(notebook):
        name = seen.full_name(call.func)
        starts = limits.costly.get(name) or _operation(call)
        if name.endswith("require_confirmation"):
            yield from _judged(cell, call, seen)
        elif name in {"print", "display"}:
            seen.printed |= {one.id for one in ast.walk(call) if isinstance(one, ast.Name)}
        elif starts and not seen.confirmed and not seen.is_asked(call, "confirm"):
            yield (
                cell,
                f"{shown(call)} starts {starts}, which costs money, without confirmation",
                _ASK,
            )


def deletion_confirmed(notebook: Notebook, limits: Limits) -> Iterator[Found]:
    """What deletes takes a dry run or a yes from a parameter."""
    seen = _Seen(_switches(notebook), _imports(notebook))
    for cell, call in _calls(notebook):
        deletes = seen.full_name(call.func) in limits.destructive
        if deletes and not seen.is_asked(call, "confirm", "dry_run"):
            yield (
                cell,
                f"{shown(call)} deletes whatever the parameters say",
                "pass `dry_run=not confirm`, with `confirm: bool = False` among the parameters",
            )


@dataclass
class _Seen:
    """What was met so far, going down the notebook.

    Attributes:
        switches: boolean parameters.
        imports: full names by the names that cells use.
        printed: names in printed expressions.
        confirmed: whether somebody has been asked.
    """

    switches: frozenset[str]
    imports: dict[str, str]
    printed: set[str] = field(default_factory=set)
    confirmed: bool = False

    def full_name(self, node: ast.expr) -> str:
        """`solutions.train` as `musicrec.personalize.solutions.train`."""
        head, _, rest = ast.unparse(node).partition(".")
        return ".".join(filter(None, (self.imports.get(head, head), rest)))

    def is_asked(self, call: ast.Call, *arguments: str) -> bool:
        """Whether one of the arguments is made from a boolean parameter."""
        given = (word.value for word in call.keywords if word.arg in arguments)
        return any(
            isinstance(node, ast.Name) and node.id in self.switches
            for value in given
            for node in ast.walk(value)
        )


def _judged(cell: Cell, call: ast.Call, seen: _Seen) -> Iterator[Found]:
    """A call of `require_confirmation`: is the answer a parameter, and was the estimate shown?"""
    names = {
        node.id for one in call.args[1:2] for node in ast.walk(one) if isinstance(node, ast.Name)
    }
    if not seen.is_asked(call, "confirm"):
        yield (
            cell,
            f"{shown(call)} is always confirmed",
            "pass `confirm=confirm`, with `confirm: bool` among the parameters",
        )
    elif not names & seen.printed:
        yield cell, f"{shown(call)}: the estimate was not printed", "print it on the line before"
    seen.confirmed = True  # a confirmation that is wrong is reported once, not at each step


def _calls(notebook: Notebook) -> Iterator[tuple[Cell, ast.Call]]:
    """Calls in the order in which they stand."""
    for cell in notebook.parsed:
        calls = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            yield cell, call


def _operation(call: ast.Call) -> str | None:
    named = isinstance(call.func, ast.Attribute) and call.func.attr in COSTLY_OPERATIONS
    return f"{call.func.attr}" if named and isinstance(call.func, ast.Attribute) else None


def _switches(notebook: Notebook) -> frozenset[str]:
    return frozenset(name for name, one in declared(notebook).items() if one.annotation == "bool")


def _imports(notebook: Notebook) -> dict[str, str]:
    found = {}
    for cell in notebook.parsed:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Import):
                found.update({one.asname: one.name for one in node.names if one.asname})
            elif isinstance(node, ast.ImportFrom):
                found.update(
                    {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
                )
    return found
