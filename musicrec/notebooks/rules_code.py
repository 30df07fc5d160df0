"""Rules about code in cells: calls and pictures, not programs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from musicrec.notebooks.document import Notebook
from musicrec.notebooks.violations import Found, Limits, shown

_AWS_PACKAGES: Final = frozenset({"aiobotocore", "boto3", "botocore"})
_MAKES_CLIENTS: Final = frozenset({"client", "resource"})


def is_python(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """Every code cell is Python."""
    for cell in notebook.code:
        try:
            ast.dump(cell.tree)
        except SyntaxError as error:
            line = (error.text or "").strip()
            yield cell, f"{shown(line)} is no Python ({error.msg})", "correct the line"


def short_functions(notebook: Notebook, limits: Limits) -> Iterator[Found]:
    """Functions in cells are a few lines long, and classes belong to the package."""
    for cell in notebook.parsed:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.ClassDef):
                yield (
                    cell,
                    f"{shown(f'class {node.name}')} is defined here",
                    "move it to the package",
                )
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > limits.function_lines:
                    name = getattr(node, "name", "lambda")
                    yield (
                        cell,
                        f"function {name!r} has {lines} lines, {limits.function_lines} are allowed",
                        "move it to the package, where it can be tested and used again",
                    )


def no_clients(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """No cell makes an AWS client or calls a shell."""
    advice = "call a function of the package, which takes its clients as arguments"
    for cell in notebook.parsed:
        for line in cell.shell_lines:
            yield cell, f"{shown(line)} runs in a shell", advice
        for node in ast.walk(cell.tree):
            packages = {name.partition(".")[0] for name in _imported(node)}
            if packages & _AWS_PACKAGES or _makes_client(node):
                yield cell, f"{shown(node)} makes an AWS client here", advice


def no_polling(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """No cell waits by itself: no `while` loop and no sleep."""
    advice = "call a waiter of the package, e.g. musicrec.personalize.waiting.wait_until"
    for cell in notebook.parsed:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.While):
                yield (
                    cell,
                    f"{shown(f'while {ast.unparse(node.test)}:')} is a loop that waits",
                    advice,
                )
            elif isinstance(node, ast.Call) and _last_name(node.func) == "sleep":
                yield cell, f"{shown(node)} waits by the clock", advice


def question(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """The first cell is Markdown with a title and the question that the notebook answers."""
    first = notebook.cells[0] if notebook.cells else None
    lines = first.source.splitlines() if first and first.kind == "markdown" else []
    if not lines or not lines[0].startswith("# "):
        yield first, "the notebook has no title", "begin with a Markdown cell, `# 01 · Title`"
    elif not any(line.startswith("**Question") and "?" in line for line in lines):
        yield first, "no question is stated", "write `**Question: what ...?**` below the title"


def closing_record(notebook: Notebook, _limits: Limits) -> Iterator[Found]:
    """The last code cell records results."""
    last = notebook.code[-1] if notebook.code else None
    calls = ast.walk(last.tree) if last in notebook.parsed and last else ()
    if not any(isinstance(node, ast.Call) and _last_name(node.func) == "record" for node in calls):
        yield (
            last,
            "the last code cell records no result",
            'end with `record("ndcg_at_10", value)`, from musicrec.notebooks',
        )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _makes_client(node: ast.AST) -> bool:
    """`session.client("s3")`; a variable called `client` may be used."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _MAKES_CLIENTS
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
