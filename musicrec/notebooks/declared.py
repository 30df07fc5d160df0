"""Parameters that a notebook declares, and values checked against them before anything runs.

papermill only warns of a parameter that the notebook lacks, and takes a value of any type.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from musicrec.notebooks.document import Notebook

_PLAIN: Final[dict[str, type]] = {
    "bool": bool, "dict": dict, "float": float, "int": int, "list": list, "str": str,
    "tuple": tuple,
}  # fmt: skip


class UnknownParameterError(ValueError):
    """A value for a parameter that the notebook does not declare."""

    def __init__(self, notebook: str, name: str, declared: Mapping[str, Declared]) -> None:
        near = difflib.get_close_matches(name.lower(), {n.lower(): n for n in declared}, 1, 0.0)
        nearest = next((one for one in declared if near and one.lower() == near[0]), None)
        advice = f"did you mean {nearest!r}? " if nearest else ""
        super().__init__(
            f"{notebook} has no parameter {name!r}: {advice}"
            f"It declares {', '.join(declared) or 'none'}"
        )


class ParameterTypeError(TypeError):
    """A value that is not of the type which the notebook declares."""

    def __init__(self, notebook: str, parameter: Declared, value: object) -> None:
        super().__init__(
            f"{notebook}: {parameter.name} is declared as {parameter.annotation}, but was given "
            f"{value!r} ({type(value).__name__}): give a value like its default, "
            f"{parameter.default!r}"
        )


class AnnotationError(ValueError):
    """An annotation that values cannot be checked against."""


@dataclass(frozen=True)
class Declared:
    """One parameter.

    Attributes:
        name: of the variable.
        annotation: its type, as written.
        default: its value.
        comment: what it is, as said behind it.
    """

    name: str
    annotation: str
    default: Any
    comment: str


def declared(notebook: Notebook) -> dict[str, Declared]:
    """The parameters of a notebook by name, as far as its cell is well formed."""
    found = {}
    for cell in notebook.parameter_cells[:1]:
        comments = comments_by_line(cell.source)
        for node in cell.tree.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
                found[name] = Declared(
                    name, ast.unparse(node.annotation), literal(node.value), comment(node, comments)
                )
    return found


def check_given(notebook: Notebook, given: Mapping[str, object]) -> None:
    """Check values before a notebook is run with them.

    Raises:
        UnknownParameterError: the notebook declares no such parameter; the nearest one is named.
        ParameterTypeError: a value is not of its declared type.
    """
    known = declared(notebook)
    for name, value in given.items():
        if name not in known:
            raise UnknownParameterError(notebook.path.name, name, known)
        if not fits(known[name].annotation, value):
            raise ParameterTypeError(notebook.path.name, known[name], value)


def fits(annotation: str, value: object) -> bool:
    """Whether a literal is of a type, e.g. `list[str]` or `float | None`.

    A whole number is a `float`, too; `True` is no `int`.

    Raises:
        AnnotationError: the annotation is not made of bool, dict, float, int, list, str, tuple,
            None, Literal, their brackets and `|`.
    """
    return _fits(ast.parse(annotation, mode="eval").body, value)


def literal(node: ast.expr | None) -> Any:
    """The value of a literal; None for what is not one, which a rule reports."""
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def comments_by_line(source: str) -> dict[int, str]:
    """Comments of a cell by line number, from 1."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def comment(node: ast.stmt, comments: Mapping[int, str]) -> str:
    """What is said behind an assignment, on any of its lines."""
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return next((comments[line] for line in lines if comments.get(line)), "")


def _fits(node: ast.expr, value: object) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _fits(node.left, value) or _fits(node.right, value)
    if isinstance(node, ast.Constant) and node.value is None:
        return value is None
    if isinstance(node, ast.Name) and node.id in _PLAIN:
        return _is_plain(_PLAIN[node.id], value)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _fits_brackets(node.value.id, node.slice, value)
    raise AnnotationError(f"{ast.unparse(node)!r} is no type of a literal")


def _is_plain(kind: type, value: object) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _fits_brackets(name: str, inner: ast.expr, value: object) -> bool:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return any(literal(part) == value for part in parts)
    if name == "list":
        return isinstance(value, list) and all(_fits(parts[0], one) for one in value)
    if name == "dict" and len(parts) == 2:
        return isinstance(value, dict) and all(
            _fits(parts[0], key) and _fits(parts[1], one) for key, one in value.items()
        )
    raise AnnotationError(f"{name}[{ast.unparse(inner)}] is no type of a literal")
