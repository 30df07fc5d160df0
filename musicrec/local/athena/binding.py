"""From a query as parsed to one over scans: views unfolded, tables found, partitions pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlglot
from msgspec import Struct
from sqlglot import exp

from musicrec.local.athena import names
from musicrec.local.athena.catalog import CATALOG, Name
from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.names import PATH

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot.expressions import Expr
    from sqlglot.optimizer.scope import Scope

    from musicrec.local.athena.catalog import Catalog, Table

_VIEWS_DEEP: Final = 32


class Scan(Struct, frozen=True):
    """One reading of a table by a query.

    Attributes:
        name: of the relation that the query reads instead of the table.
        table: from the catalogue.
        conditions: what the query asks of the partition keys, without a table's name in it.
        with_path: whether the query says `"$path"`.
    """

    name: str
    table: Table
    conditions: list[Expr]
    with_path: bool

    @property
    def named(self) -> frozenset[str]:
        """The keys that a condition holds to given values."""
        equal = [c for c in self.conditions if isinstance(c, exp.EQ | exp.In)]
        return frozenset(c.this.name.lower() for c in equal if isinstance(c.this, exp.Column))


class Binder:
    """Binds queries.

    Args:
        catalog: where tables are described.
        database: of names without one; None when the request names none.
    """

    def __init__(self, catalog: Catalog, database: str | None) -> None:
        self._catalog = catalog
        self._database = database
        self._tables: dict[Name, Table] = {}

    def bind(self, query: Expr) -> list[Scan]:
        """Change the query in place to one over scans, and say which.

        Raises:
            QueryFailedError: a table or column does not exist.
        """
        self._unfold_views(query)
        names.check(query, self._schema_of)
        with_path = any(column.name == PATH for column in query.find_all(exp.Column))
        scans: list[Scan] = []
        for scope in names.scopes(query):
            for alias, node in list(names.tables(scope)):
                table = self.table(node)
                conditions = _partition_conditions(scope, alias, table)
                scan = Scan(f"scan_{len(scans) + 1}", table, conditions, with_path)
                _replace(node, alias, scan)
                scans.append(scan)
            _shorten(scope)
            if with_path:
                _hide_path(scope)
        return scans

    def table(self, node: exp.Table) -> Table:
        """The table that a node of a query names.

        Raises:
            QueryFailedError: it does not exist, or no database is named anywhere.
        """
        name = self.name(node)
        if name not in self._tables:
            self._tables[name] = self._catalog.table(name, names.position(node))
        return self._tables[name]

    def name(self, node: exp.Table) -> Name:
        """The full name of a table.

        Raises:
            QueryFailedError: no database is named anywhere, or another catalogue is.
        """
        if node.catalog and node.catalog.lower() != CATALOG:
            raise QueryFailedError(
                "CATALOG_NOT_FOUND",
                f"Catalog '{node.catalog.lower()}' does not exist",
                names.position(node),
            )
        database = node.db or self._database
        if not database:
            raise QueryFailedError(
                "MISSING_SCHEMA_NAME",
                "Schema must be specified when session schema is not set",
                names.position(node),
            )
        return Name(database.lower(), node.name.lower())

    def _schema_of(self, node: exp.Table) -> pa.Schema:
        return self.table(node).schema

    def _unfold_views(self, query: Expr) -> None:
        for _ in range(_VIEWS_DEEP):
            views = [
                (alias, node)
                for scope in names.scopes(query)
                for alias, node in names.tables(scope)
                if self.table(node).view
            ]
            if not views:
                return
            for alias, node in views:
                node.replace(self._view(node).subquery(alias, copy=False))
        raise QueryFailedError("VIEW_IS_RECURSIVE", f"Views are nested over {_VIEWS_DEEP} deep")

    def _view(self, node: exp.Table) -> exp.Query:
        name = self.name(node)
        query = sqlglot.parse_one(self._tables[name].view, read="athena")
        assert isinstance(query, exp.Query)  # it was one when the view was made
        for scope in names.scopes(query):
            for _, inner in names.tables(scope):
                if not inner.db:
                    inner.set("db", exp.to_identifier(name.database))
        return query


def _replace(node: exp.Table, alias: str, scan: Scan) -> None:
    """Let the query read the scan under the name that it gave the table."""
    columns = node.args["alias"].args.get("columns") if node.args.get("alias") else None
    node.set("this", exp.to_identifier(scan.name))
    node.set("db", None)
    node.set("catalog", None)
    quoted = exp.to_identifier(alias, quoted=True)
    node.set("alias", exp.TableAlias(this=quoted, columns=columns))


def _shorten(scope: Scope) -> None:
    """Take databases and catalogues off the columns' names: the scans are in none."""
    for column in scope.find_all(exp.Column):
        if column.args.get("db") and column.table.lower() in scope.selected_sources:
            column.set("db", None)
            column.set("catalog", None)


def _hide_path(scope: Scope) -> None:
    """Keep the hidden column out of `SELECT *`."""
    if not isinstance(scope.expression, exp.Select) or not list(names.tables(scope)):
        return
    for projection in scope.expression.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Star):
            star.set("except_", [exp.to_identifier(PATH, quoted=True)])


def _partition_conditions(scope: Scope, alias: str, table: Table) -> list[Expr]:
    """The parts of WHERE that concern the table's partition keys alone.

    Rows that a part refuses cannot be in the answer, unless an outer join fills in for the table.
    """
    query = scope.expression
    where = query.args.get("where") if isinstance(query, exp.Select) else None
    if where is None or not table.partition_keys or _is_filled_in(query, alias):
        return []
    keys = set(table.partition_keys.names)
    parts = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
    alone = len(scope.selected_sources) == 1
    return [_unqualified(part) for part in parts if _concerns(part, alias, keys, alone=alone)]


def _is_filled_in(query: Expr, alias: str) -> bool:
    """Whether the query has an outer join that can make up rows of nulls for the table."""
    joins = query.args.get("joins") or []
    sides = {join.side.upper() for join in joins if join.side}
    first = query.args["from_"].this.alias_or_name == alias
    return bool(sides - {"LEFT"}) or ("LEFT" in sides and not first)


def _concerns(part: Expr, alias: str, keys: set[str], *, alone: bool) -> bool:
    refused = (exp.Query, exp.AggFunc, exp.Window, exp.Rand, exp.Lambda, exp.Anonymous)
    columns = list(part.find_all(exp.Column))
    if not columns or part.find(*refused) is not None:
        return False
    lowered = alias.lower()
    return all(
        column.name.lower() in keys
        and (column.table.lower() == lowered or (not column.table and alone))
        for column in columns
    )


def _unqualified(part: Expr) -> Expr:
    condition = part.copy()
    for column in condition.find_all(exp.Column):
        for qualifier in ("table", "db", "catalog"):
            column.set(qualifier, None)
    return condition
