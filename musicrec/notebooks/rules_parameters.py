"""Rules about parameters: one cell of typed, explained literals, and no secrets among them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from musicrec.notebooks.declared import (
    AnnotationError,
    comment,
    comments_by_line,
    declared,
    fits,
    literal,
)
from musicrec.notebooks.document import INJECTED, PARAMETERS, Cell, Notebook
from musicrec.notebooks.violations import Found, Limits, shown

_SECRET_WORDS: Final = frozenset(
    {"apikey", "credential", "credentials", "passphrase", "passwd", "password", "secret", "token"}
)
_SECRET_PAIRS: Final = frozenset({("access", "key"), ("api", "key"), ("private", "key")})
_SECRET_VALUES: Final = {
    "an AWS access key id": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a code host's token": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{40,})"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z+]*://[^\s/:@]+:[^\s/@]+@"),
}
_LITERAL: Final = (
    "write a literal here and compute in the next cell: papermill's values come after this cell, "
    "and would not reach what it computes"
)
_CHAIN: Final = "take credentials from boto3's own chain (profile, role, variables) and delete it"


def one_cell(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Exactly one cell has the tag `parameters`, and it comes before all other code."""
    cells = notebook.parameter_cells
    if len(cells) != 1:
        numbers = ", ".join(str(cell.number) for cell in cells) or "none"
        yield (
            None,
            f"{len(cells)} cells have the tag {PARAMETERS!r} ({numbers})",
            "tag the one cell that papermill is to override",
        )
    elif notebook.code[:1] != cells:
        yield cells[0], "code stands before the parameters", "move this cell before all other code"


def literals(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """The parameters cell assigns literals and does nothing else."""
    for cell, node in _statements(notebook):
        if not isinstance(node, ast.AnnAssign | ast.Assign):
            yield cell, f"{shown(node)} is no assignment", "move it to the next cell"
        elif not _is_literal(node.value):
            yield (
                cell,
                f"{shown(node)} is computed",
                _LITERAL,
            )


def typed(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Each parameter has a type that its default is of."""
    for cell, node in _statements(notebook):
        if isinstance(node, ast.Assign):
            kind = type(literal(node.value)).__name__
            name = ast.unparse(node.targets[0])
            yield cell, f"{shown(node)} has no type", f"write `{name}: {kind} = ...`"
        elif isinstance(node, ast.AnnAssign) and _is_literal(node.value):
            yield from _ill_typed(cell, node)


def commented(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Each parameter has a comment behind it that says what it is."""
    for cell, node in _statements(notebook):
        said = comment(node, comments_by_line(cell.source))
        if isinstance(node, ast.AnnAssign | ast.Assign) and not said:
            yield (
                cell,
                f"{shown(node)} has no comment",
                "say behind it what it is, with its unit: `...  # days of listening to look at`",
            )


def stay(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """No other cell gives a parameter another value."""
    names = declared(notebook).keys()
    for cell in notebook.parsed:
        if cell.tags.isdisjoint({PARAMETERS, INJECTED}):
            for name in sorted(names & _set_names(cell)):
                yield (
                    cell,
                    f"the parameter {name!r} is set again",
                    "give the new value a name of its own",
                )


def no_secrets(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """No name, value or output looks like a secret."""
    for cell in notebook.parsed:
        for name, value in _assigned(cell):
            if _is_secret_name(name) and isinstance(value, ast.Constant | ast.JoinedStr):
                yield cell, f"{name!r} looks like a secret's name", _CHAIN
    for cell in notebook.cells:
        text = cell.source + json.dumps(cell.outputs, ensure_ascii=False)
        for what, pattern in _SECRET_VALUES.items():
            found = pattern.search(text)
            if found:
                yield cell, f"{found[0][:8]}… looks like {what}", f"revoke it, {_CHAIN}"


def _statements(notebook: Notebook) -> Iterator[tuple[Cell, ast.stmt]]:
    for cell in notebook.parsed:
        if PARAMETERS in cell.tags:
            for node in cell.tree.body:
                yield cell, node


def _is_literal(node: ast.expr | None) -> bool:
    try:
        ast.literal_eval(node or "")
    except (ValueError, SyntaxError):
        return False
    return True


def _ill_typed(cell: Cell, node: ast.AnnAssign) -> Iterator[Found]:
    annotation = ast.unparse(node.annotation)
    try:
        good = fits(annotation, literal(node.value))
    except AnnotationError as error:
        yield (
            cell,
            f"{shown(node)}: {error}",
            "use bool, int, float, str, list[...] or dict[..., ...]",
        )
    else:
        if not good:
            yield (
                cell,
                f"{shown(node)}: the default is no {annotation}",
                f"declare it as {type(literal(node.value)).__name__}, or change the default",
            )


def _set_names(cell: Cell) -> set[str]:
    names = (node for node in ast.walk(cell.tree) if isinstance(node, ast.Name))
    return {node.id for node in names if not isinstance(node.ctx, ast.Load)}


def _assigned(cell: Cell) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value


def _is_secret_name(name: str) -> bool:
    words = name.lower().split("_")
    return bool(_SECRET_WORDS.intersection(words) or _SECRET_PAIRS.intersection(pairwise(words)))
