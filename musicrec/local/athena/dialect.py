"""Trino's SQL in DuckDB's words: what sqlglot translates, and what it leaves or gets wrong.

A function whose meaning differs becomes a call of a macro of the same name behind `trino_`
(see `functions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from musicrec.local.athena.names import output_name

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

UNNAMED: Final = "__column_"
"""How the columns that a query gives no name are called until their place is known."""

_GROUP: Final = re.compile(r"\$(\d)")


def to_duckdb(query: Expr) -> str:
    """The query, bound to scans, as DuckDB runs it."""
    query = query.copy()
    _name_unnamed(query)
    for node in list(query.walk()):
        change = _CHANGES.get(type(node))
        if change is not None:
            replacement = change(node)
            if replacement is not node:
                node.replace(replacement)
    return query.sql(dialect="duckdb")


def condition_sql(condition: Expr) -> str:
    """A condition on partition keys as DuckDB runs it."""
    return to_duckdb(exp.select("1").where(condition)).partition(" WHERE ")[2]


def _name_unnamed(query: Expr) -> None:
    """Name what has no name, so that its `_col` number can be told from its place."""
    first = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if not isinstance(first, exp.Select):
        return
    for number, projection in enumerate(list(first.expressions)):
        if not output_name(projection) and not projection.is_star:
            name = exp.to_identifier(f"{UNNAMED}{number}", quoted=True)
            projection.replace(exp.alias_(projection.copy(), name, copy=False))


def _call(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=f"trino_{name}", expressions=[a for a in arguments if a is not None])


def _date_diff(node: Expr) -> Expr:
    # Trino counts whole units, which DuckDB's date_sub does; its date_diff counts crossed borders.
    unit = exp.Literal.string(node.text("unit").lower())
    return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])


def _date_add(node: Expr) -> Expr:
    unit = exp.Literal.string(node.text("unit").lower())
    return _call("date_add", unit, node.expression, node.this)


def _date_trunc(node: Expr) -> Expr:
    unit = exp.Literal.string(node.text("unit").lower())
    return _call("date_trunc", unit, node.this)


def _extract(node: Expr) -> Expr:
    if node.name.upper() in {"DOW", "DAY_OF_WEEK", "DAYOFWEEK"}:
        node.set("this", exp.var("isodow"))
    return node


def _cardinality(node: Expr) -> Expr:
    return exp.Anonymous(this="cardinality", expressions=[node.this])


def _regexp_extract(node: Expr) -> Expr:
    return _call("regexp_extract", node.this, node.expression, node.args.get("group"))


def _regexp_replace(node: Expr) -> Expr:
    replacement = node.args.get("replacement") or exp.Literal.string("")
    if isinstance(replacement, exp.Literal):
        replacement = exp.Literal.string(_GROUP.sub(r"\\\1", replacement.this))
    node.set("replacement", replacement)
    return node


_CHANGES: Final[dict[type[Any], Callable[[Any], Expr]]] = {
    exp.ArraySize: _cardinality,
    exp.DateAdd: _date_add,
    exp.DateDiff: _date_diff,
    exp.Extract: _extract,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.TimestampTrunc: _date_trunc,
}
