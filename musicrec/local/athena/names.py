"""Names in a query: which tables it reads, which columns it may say, and what is unknown.

DuckDB takes more than Trino does, a select list's alias in GROUP BY for one. What would fail on
AWS has to fail here, so names are checked by Trino's rules before DuckDB sees the query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.scope import Scope, traverse_scope, walk_in_scope

from musicrec.local.athena.errors import Position, QueryFailedError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Columns = dict[str, pa.DataType | None]
"""Names in lower case, in order; a type of None is not known."""

PATH: Final = "$path"
"""The hidden column with the URI of the object that a row came from."""

UNRESOLVED: Final = (
    "cannot be resolved or requester is not authorized to access requested resources"
)

SchemaOf = Callable[[exp.Table], pa.Schema]


def position(node: Expr | None) -> Position | None:
    """Where a node starts in the statement; None when the parser does not say."""
    for part in [] if node is None else node.walk():
        meta = part.meta
        if "line" in meta:
            return Position(meta["line"], meta["col"] - (meta["end"] - meta["start"]))
    return None


def scopes(query: Expr) -> list[Scope]:
    """The query's scopes, inner ones first.

    Raises:
        QueryFailedError: two sources have one name, or a form is not known.
    """
    try:
        return traverse_scope(query)
    except OptimizeError as error:
        raise QueryFailedError("SYNTAX_ERROR", str(error)) from error


def tables(scope: Scope) -> Iterator[tuple[str, exp.Table]]:
    """The catalogue's tables in a scope's FROM, by the name that the scope gives them."""
    for name, (_, source) in scope.selected_sources.items():
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            yield name, source


def output_name(projection: Expr) -> str:
    """The name that a column of the select list has by itself or by AS; empty if it has none."""
    named = isinstance(projection, exp.Alias | exp.Column | exp.Dot)
    return projection.alias_or_name if named else ""


def check(query: Expr, schema_of: SchemaOf) -> None:
    """Check that every column of the query is one of its sources'.

    Args:
        query: as parsed.
        schema_of: columns of a catalogue's table.

    Raises:
        QueryFailedError: a column cannot be resolved.
    """
    _Checker(schema_of).check(query)


class _Checker:
    def __init__(self, schema_of: SchemaOf) -> None:
        self._schema_of = schema_of
        self._outputs: dict[int, Columns | None] = {}

    def check(self, query: Expr) -> None:
        for scope in scopes(query):
            sources = self._sources(scope)
            visible = [*self._outer(scope), sources]
            for column in _columns(scope):
                self._resolve(column, visible, scope)
            self._outputs[id(scope.expression)] = self._output(scope, sources)

    def _outer(self, scope: Scope) -> list[dict[str, Columns | None]]:
        """Sources of the scopes around, the outermost first."""
        found: list[dict[str, Columns | None]] = []
        while scope.parent is not None:
            scope = scope.parent
            found.insert(0, self._sources(scope))
        return found

    def _sources(self, scope: Scope) -> dict[str, Columns | None]:
        return {
            name.lower(): self._columns_of(cast("Expr", node), source)
            for name, (node, source) in scope.selected_sources.items()
        }

    def _columns_of(self, node: Expr, source: exp.Table | Scope) -> Columns | None:
        if isinstance(node, exp.Unnest):
            return _aliased(node)
        renamed = [name.lower() for name in node.alias_column_names]
        if isinstance(source, exp.Table):
            if not isinstance(source.this, exp.Identifier):
                return None
            columns: Columns = {field.name: field.type for field in self._schema_of(source)}
            return _renamed(columns, renamed)
        outer = [str(name).lower() for name in source.outer_columns or []]
        return _renamed(self._outputs.get(id(source.expression)), renamed or outer)

    def _resolve(
        self, column: exp.Column, visible: list[dict[str, Columns | None]], scope: Scope
    ) -> None:
        parts = [part.name.lower() for part in column.parts]
        if parts[-1] == PATH:
            return
        for sources in reversed(visible):
            if _is_known(parts, sources):
                return
        if _is_order(column) and parts[0] in _aliases(scope.expression):
            return
        raise QueryFailedError(
            "COLUMN_NOT_FOUND",
            f"Column '{'.'.join(parts)}' {UNRESOLVED}",
            position(column),
        )

    def _output(self, scope: Scope, sources: dict[str, Columns | None]) -> Columns | None:
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            return self._outputs.get(id(expression.left.unnest()))
        if not isinstance(expression, exp.Select):
            return _aliased(expression)
        columns: Columns = {}
        for projection in expression.selects:
            if not projection.is_star:
                columns[output_name(projection).lower()] = _type_of(projection, sources)
                continue
            qualifier = projection.table.lower() if isinstance(projection, exp.Column) else ""
            for name, inner in sources.items():
                if inner is None:
                    return None
                if qualifier in {"", name}:
                    columns.update(inner)
        return columns


def _columns(scope: Scope) -> Iterator[exp.Column]:
    """The columns that a scope itself says, not those of scopes within."""
    for node in walk_in_scope(scope.expression):
        if isinstance(node, exp.Column) and not node.is_star:
            yield node


def _is_known(parts: list[str], sources: dict[str, Columns | None]) -> bool:
    """Whether the parts of a name, qualifiers first, mean something among the sources."""
    for index in range(len(parts)):
        owner = parts[index - 1] if index else None
        owners = sources.values() if owner is None else [sources[owner]] if owner in sources else []
        for columns in owners:
            if columns is None:
                return True
            if parts[index] in columns and _has_fields(columns[parts[index]], parts[index + 1 :]):
                return True
    return False


def _has_fields(kind: pa.DataType | None, fields: list[str]) -> bool:
    for field in fields:
        if kind is None:
            return True
        if not pa.types.is_struct(kind):
            return False
        found = [part for part in kind if part.name.lower() == field]
        if not found:
            return False
        kind = found[0].type
    return True


def _type_of(projection: Expr, sources: dict[str, Columns | None]) -> pa.DataType | None:
    """The type of a projection that is a plain column; of others it is not known."""
    column = projection.unalias()
    if not isinstance(column, exp.Column) or len(column.parts) > 2:
        return None
    for name, columns in sources.items():
        if columns is not None and column.table.lower() in {"", name}:
            found = columns.get(column.name.lower())
            if found is not None:
                return found
    return None


def _renamed(columns: Columns | None, names: list[str]) -> Columns | None:
    if not names:
        return columns
    kinds = list(columns.values()) if columns is not None else []
    kinds += [None] * (len(names) - len(kinds))
    return dict(zip(names, kinds, strict=False))


def _aliased(expression: Expr) -> Columns | None:
    """The columns of UNNEST or VALUES, as its alias names them."""
    names = [name.lower() for name in expression.alias_column_names]
    offset = expression.args.get("offset")
    if isinstance(offset, exp.Identifier):
        names.append(offset.name.lower())
    return dict.fromkeys(names) if names else None


def _is_order(column: exp.Column) -> bool:
    """Whether the column stands in an ORDER BY of the query itself, where aliases may be said."""
    node: Expr | None = column
    while node is not None and not isinstance(node, exp.Query):
        if isinstance(node, exp.Order):
            return isinstance(node.parent, exp.Query)
        node = node.parent
    return False


def _aliases(expression: Expr) -> set[str]:
    return {name.lower() for name in getattr(expression, "named_selects", [])}
