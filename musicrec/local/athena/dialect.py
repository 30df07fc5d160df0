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


def _moved(node: Expr) -> Expr:
    """A date moved by an interval stays a date in Trino; DuckDB makes it a timestamp."""
    for side, other in ((node.this, node.expression), (node.expression, node.this)):
        if isinstance(side, exp.Interval) and not isinstance(other, exp.Interval):
            return exp.Anonymous(this="cast_to_type", expressions=[node.copy(), other.copy()])
    return node


def _slice(node: Expr) -> Expr:
    return _call("slice", node.this, node.args["start"], node.args["end"])


def _array_position(node: Expr) -> Expr:
    return _call("array_position", node.this, node.expression)


def _split(node: Expr) -> Expr:
    limit = node.args.get("limit")
    return _call("split", node.this, node.expression, limit) if limit is not None else node


def _split_part(node: Expr) -> Expr:
    return _call("split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _sequence(node: Expr) -> Expr:
    first, last, step = node.args["start"], node.args["end"], node.args.get("step")
    if step is None and isinstance(first, exp.Cast) and first.is_type("date"):
        step = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
    if isinstance(step, exp.Interval):
        return _call("sequence_of_times", first, last, step)
    return node if step is not None else _call("sequence", first, last)


def _format(node: Expr) -> Expr:
    return exp.Anonymous(this="printf", expressions=[node.this, *node.expressions])


def _repeat(node: Expr) -> Expr:
    of_lists = exp.Array(expressions=[node.this])
    return exp.Anonymous(this="repeat", expressions=[of_lists, node.args["times"]])


def _json_extract_scalar(node: Expr) -> Expr:
    path = node.expression
    if isinstance(path, exp.JSONPath):
        path = exp.Literal.string(path.sql(dialect="duckdb").strip("'"))
    return _call("json_extract_scalar", node.this, path)


def _reduce(node: Expr) -> Expr:
    """The last argument, which makes the result of the state, is lost in translation."""
    finish = node.args.get("finish")
    node.set("finish", None)
    if finish is None:
        return node
    state = exp.Array(expressions=[node.copy()])
    made = exp.Anonymous(this="list_transform", expressions=[state, finish])
    return exp.Anonymous(this="list_extract", expressions=[made, exp.Literal.number(1)])


def _matches(node: exp.Anonymous, name: str) -> Expr:
    tested = exp.Anonymous(this="list_transform", expressions=list(node.expressions))
    return exp.Anonymous(this=f"{name}_match_of", expressions=[tested])


def _zip_with(node: exp.Anonymous) -> Expr:
    """Both arrays as one of pairs, whose parts the lambda's names stand for."""
    one, other, function = node.expressions
    body = function.this
    for number, name in enumerate(function.expressions, start=1):
        for said in list(body.find_all(exp.Identifier)):
            if said.name == name.name:
                said.replace(_part_of_pair(number))
    pairs = exp.Anonymous(this="list_zip", expressions=[one, other])
    over = exp.Lambda(this=body, expressions=[exp.to_identifier("pair")])
    return exp.Anonymous(this="list_transform", expressions=[pairs, over])


def _part_of_pair(number: int) -> Expr:
    place = exp.Literal.number(number)
    return exp.Anonymous(this="struct_extract", expressions=[exp.to_identifier("pair"), place])


def _unnest(node: exp.Unnest) -> Expr:
    """Several arrays side by side, or one of rows: in DuckDB a SELECT unnests these."""
    alias = node.args.get("alias")
    names = list(alias.columns) if alias is not None else []
    arrays = node.expressions
    offset = node.args.get("offset")
    if len(arrays) < 2 and len(names) < 2:
        return node
    columns: list[Expr] = [exp.Anonymous(this="unnest", expressions=[one]) for one in arrays]
    if len(arrays) == 1:
        depth = exp.PropertyEQ(
            this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2)
        )
        columns[0].append("expressions", depth)
    if isinstance(offset, exp.Identifier):
        longest = [exp.Anonymous(this="len", expressions=[one.copy()]) for one in arrays]
        counted = exp.Anonymous(this="trino_places", expressions=[exp.Array(expressions=longest)])
        columns.append(exp.Anonymous(this="unnest", expressions=[counted]))
        names.append(offset)
    renamed = exp.TableAlias(this=alias.this if alias else None, columns=names)
    return exp.Subquery(this=exp.select(*columns), alias=renamed)


_RENAMED: Final = {
    "TO_MILLISECONDS": "to_milliseconds",
    "TO_BASE": "to_base",
    "URL_ENCODE": "url_encode",
}


def _anonymous(node: exp.Anonymous) -> Expr:
    name = str(node.this).upper()
    if name in _RENAMED:
        return _call(_RENAMED[name], *node.expressions)
    if name in {"ANY_MATCH", "ALL_MATCH"}:
        return _matches(node, name.partition("_")[0].lower())
    if name == "NONE_MATCH":
        return exp.Not(this=_matches(node, "any"))
    return _zip_with(node) if name == "ZIP_WITH" else node


_CHANGES: Final[dict[type[Any], Callable[[Any], Expr]]] = {
    exp.Add: _moved,
    exp.Anonymous: _anonymous,
    exp.ArrayPosition: _array_position,
    exp.ArraySize: _cardinality,
    exp.ArraySlice: _slice,
    exp.DateAdd: _date_add,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _date_trunc,
    exp.Extract: _extract,
    exp.Format: _format,
    exp.GenerateSeries: _sequence,
    exp.JSONExtractScalar: _json_extract_scalar,
    exp.Reduce: _reduce,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.Repeat: _repeat,
    exp.Split: _split,
    exp.SplitPart: _split_part,
    exp.Sub: _moved,
    exp.TimestampTrunc: _date_trunc,
    exp.Unnest: _unnest,
}
