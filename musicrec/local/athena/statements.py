"""What a statement asks for, told before it becomes an execution."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlglot
from msgspec import Struct
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import TokenType

from musicrec.local.athena import hive
from musicrec.local.athena.errors import InvalidRequestError, MalformedQueryError
from musicrec.local.athena.hive import Ddl

if TYPE_CHECKING:
    from sqlglot.expressions import Expr
    from sqlglot.tokenizer_core import Token

_UNLOAD: Final = re.compile(
    r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*UNLOAD\b", re.IGNORECASE | re.DOTALL
)


class Select(Struct, frozen=True):
    """A query whose rows are the result."""

    query: Any
    kind = "DML"
    subkind = "SELECT"


class CreateTableAs(Struct, frozen=True):
    """A query whose rows become a table.

    Attributes:
        target: the table's name as written.
        query: what to run.
        properties: of WITH, by lower-case name.
        with_data: False for `WITH NO DATA`.
        if_not_exists: whether an existing table is left alone.
    """

    target: Any
    query: Any
    properties: dict[str, Any]
    with_data: bool
    if_not_exists: bool
    kind = "DDL"
    subkind = "CREATE_TABLE_AS_SELECT"


class Insert(Struct, frozen=True):
    """A query whose rows are added to a table.

    Attributes:
        target: the table's name as written.
        columns: that the rows have, in lower case; empty for all.
        query: what to run.
    """

    target: Any
    columns: list[str]
    query: Any
    kind = "DML"
    subkind = "INSERT"


class Unload(Struct, frozen=True):
    """A query whose rows become files.

    Attributes:
        query: what to run.
        location: S3 URI of the folder.
        properties: of WITH, by lower-case name.
    """

    query: Any
    location: str
    properties: dict[str, Any]
    kind = "DML"
    subkind = "UNLOAD"


class CreateView(Struct, frozen=True):
    """A query that is kept under a name.

    Attributes:
        target: the view's name as written.
        query: that it stands for.
        replace: whether an existing view gives way.
    """

    target: Any
    query: Any
    replace: bool
    kind = "DDL"
    subkind = "CREATE_VIEW"


Statement = Select | CreateTableAs | Insert | Unload | CreateView | Ddl


def parse(sql: str, parameters: Sequence[str] = ()) -> Statement:
    """Understand one statement.

    Args:
        sql: as the client sent it.
        parameters: SQL literals for its question marks, in order.

    Raises:
        MalformedQueryError: it is no statement of Athena's SQL.
        InvalidRequestError: it is one that is not emulated, or the parameters do not fit.
    """
    text = sql.rstrip().removesuffix(";")
    if _UNLOAD.match(text):
        return _unload(text, parameters)
    short = hive.read(text)
    if short is not None:
        return short
    return _statement(_parsed(text, parameters))


def _statement(parsed: Expr) -> Statement:
    if isinstance(parsed, exp.Query):
        return Select(parsed)
    if isinstance(parsed, exp.Create):
        return _create(parsed)
    if isinstance(parsed, exp.Insert):
        return _insert(parsed)
    raise InvalidRequestError(
        f"Queries of this type are not supported: {parsed.sql(dialect='athena')[:80]!r}"
    )


def _create(parsed: exp.Create) -> Statement:
    query = parsed.expression
    if parsed.kind == "VIEW" and isinstance(query, exp.Query):
        return CreateView(parsed.find(exp.Table), query.unnest(), bool(parsed.args.get("replace")))
    if parsed.kind != "TABLE":
        raise InvalidRequestError(f"Queries of this type are not supported: CREATE {parsed.kind}")
    if not isinstance(query, exp.Query):
        return hive.create_table(parsed)
    settings = parsed.args.get("properties")
    entries = settings.expressions if settings is not None else []
    empty = any(isinstance(one, exp.WithDataProperty) and one.args.get("no") for one in entries)
    return CreateTableAs(
        target=parsed.find(exp.Table),
        query=query.unnest(),
        properties=_properties(settings),
        with_data=not empty,
        if_not_exists=bool(parsed.args.get("exists")),
    )


def _insert(parsed: exp.Insert) -> Insert:
    target = parsed.this
    columns = [c.name.lower() for c in target.expressions] if isinstance(target, exp.Schema) else []
    query = parsed.expression
    if isinstance(query, exp.Values):
        query = exp.select("*").from_(query)
    return Insert(target.find(exp.Table), columns, query.unnest())


def _unload(text: str, parameters: Sequence[str]) -> Unload:
    """`UNLOAD (query) TO 'uri' WITH (...)`; the query is parsed in its place, for its positions."""
    head = _UNLOAD.match(text)
    assert head is not None  # the caller has looked
    blanked = _blank(text[: head.end()]) + text[head.end() :]
    tokens = _tokens(blanked)
    closing = _closing(tokens)
    inside = blanked[tokens[0].end + 1 : tokens[closing].start]
    query = _parsed(_blank(blanked[: tokens[0].end + 1]) + inside, parameters)
    rest = tokens[closing + 1 :]
    if not isinstance(query, exp.Query):
        raise MalformedQueryError("UNLOAD takes a SELECT query")
    if len(rest) < 2 or rest[0].text.upper() != "TO" or rest[1].token_type != TokenType.STRING:
        raise MalformedQueryError("UNLOAD (query) must be followed by TO 's3://...' WITH (...)")
    options = blanked[rest[1].end + 1 :].strip()
    if not options:
        raise MalformedQueryError("UNLOAD needs WITH (format = ...)")
    created = _parsed(f"CREATE TABLE t {options} AS SELECT 1", ())
    return Unload(query.unnest(), rest[1].text, _properties(created.args.get("properties")))


def _closing(tokens: list[Token]) -> int:
    """The place of the bracket that closes the first one."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0:
            if index == 0:
                break
            return index
    raise MalformedQueryError("UNLOAD must be followed by a query in brackets")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _tokens(text: str) -> list[Token]:
    try:
        return Trino().tokenize(text)
    except TokenError as error:
        raise MalformedQueryError(str(error)) from error


def _parsed(text: str, parameters: Sequence[str]) -> Expr:
    try:
        statements = [found for found in sqlglot.parse(text, read="athena") if found is not None]
    except ParseError as error:
        raise MalformedQueryError(_said(error)) from error
    except SqlglotError as error:
        raise MalformedQueryError(str(error)) from error
    if len(statements) != 1:
        raise MalformedQueryError(
            "Only one sql statement is allowed" if statements else "The statement is empty"
        )
    return _filled(statements[0], parameters)


def _said(error: ParseError) -> str:
    first = error.errors[0]
    found = first.get("highlight") or "<EOF>"
    column = max(int(first.get("col") or 1) - len(found) + 1, 1)
    return (
        f"line {first.get('line', 1)}:{column}: mismatched input '{found}'. {first['description']}"
    )


def _filled(parsed: Expr, parameters: Sequence[str]) -> Expr:
    """The statement with its question marks replaced."""
    marks = list(parsed.find_all(exp.Placeholder, bfs=False))
    if len(marks) != len(parameters):
        raise InvalidRequestError(
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}"
        )
    for mark, text in zip(marks, parameters, strict=True):
        mark.replace(_parsed(f"SELECT {text}", ()).expressions[0].copy())
    return parsed


def _properties(found: exp.Properties | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for entry in found.expressions if found is not None else []:
        if isinstance(entry, exp.FileFormatProperty):
            values["format"] = entry.this.name
        elif isinstance(entry, exp.PartitionedByProperty):
            values["partitioned_by"] = _literal(entry.this)
        elif isinstance(entry, exp.Property) and type(entry) is exp.Property:
            values[entry.this.name.lower()] = _literal(entry.args["value"])
    return values


def _literal(node: Expr) -> Any:
    if isinstance(node, exp.Array):
        return [_literal(entry) for entry in node.expressions]
    if isinstance(node, exp.Literal) and not node.is_string:
        return int(node.this) if node.this.isdigit() else float(node.this)
    return node.name
