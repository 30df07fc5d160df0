"""DuckDB's and pyarrow's errors in the words of Athena's engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import duckdb

from musicrec.local.athena.errors import SYSTEM, USER, QueryCancelledError, QueryFailedError
from musicrec.local.athena.names import UNRESOLVED

_Made = Callable[[re.Match[str]], tuple[str, str]]

_TYPES: Final[dict[str, str]] = {
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "bigint",
    "DOUBLE": "double",
    "FLOAT": "real",
    "BOOL": "boolean",
}

_KNOWN: Final[list[tuple[re.Pattern[str], _Made]]] = [
    (
        re.compile(r"reading the stream registered as '\w+' failed: (.*)", re.DOTALL),
        lambda m: ("HIVE_CANNOT_OPEN_SPLIT", m[1]),
    ),
    (
        re.compile(r"Function with name \"?(?:trino_)?(\w+)\"? does not exist"),
        lambda m: ("FUNCTION_NOT_FOUND", f"Function '{m[1].lower()}' not registered"),
    ),
    (
        re.compile(
            r"Referenced column \"([^\"]*)\" not found|does not have a column named \"([^\"]*)\""
        ),
        lambda m: (
            "COLUMN_NOT_FOUND",
            f"Column '{(m[1] or m[2]).lower()}' {UNRESOLVED}",
        ),
    ),
    (
        re.compile(r"Ambiguous reference to column name \"([^\"]*)\""),
        lambda m: ("AMBIGUOUS_NAME", f"Column '{m[1]}' is ambiguous"),
    ),
    (
        re.compile(r"column \"?([^\"]*?)\"? must appear in the GROUP BY clause"),
        lambda m: (
            "EXPRESSION_NOT_AGGREGATE",
            f"'{m[1]}' must be an aggregate expression or appear in GROUP BY clause",
        ),
    ),
    (
        re.compile(r"[Dd]ivision by zero|modulo by zero"),
        lambda _: ("DIVISION_BY_ZERO", "Division by zero"),
    ),
    (
        re.compile(r"Could not convert string '(.*?)' to (\w+)", re.DOTALL),
        lambda m: (
            "INVALID_CAST_ARGUMENT",
            f"Cannot cast '{m[1]}' to {_TYPES.get(m[2], m[2])}",
        ),
    ),
    (
        re.compile(r"Overflow in|out of range"),
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", m.string),
    ),
    (
        re.compile(r"More than one row returned by a subquery"),
        lambda _: ("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
    ),
    (
        re.compile(r"No function matches the given name and argument types '(?:trino_)?(.*?)'\."),
        lambda m: (
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters for function {m[1]}; the engine says: {m.string}",
        ),
    ),
]
_CODES: Final[list[tuple[type[Exception], str]]] = [
    (duckdb.ParserException, "SYNTAX_ERROR"),
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.BinderException, "SYNTAX_ERROR"),
    (duckdb.CatalogException, "SYNTAX_ERROR"),
    (duckdb.OutOfMemoryException, "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    (duckdb.PermissionException, "PERMISSION_DENIED"),
    (duckdb.NotImplementedException, "NOT_SUPPORTED"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
    (duckdb.InternalException, "GENERIC_INTERNAL_ERROR"),
]

_KIND: Final = re.compile(r"^(?:\w+ )+Error: ")


def translated(error: BaseException) -> QueryFailedError | QueryCancelledError:
    """What Athena would say to an error, as near as it can be told."""
    inner = _ours(error)
    if inner is not None:
        return inner
    text = _KIND.sub("", str(error)).split("\n\nLINE ")[0].strip()
    for pattern, made in _KNOWN:
        match = pattern.search(text)
        if match is not None:
            return QueryFailedError(*made(match))
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "HIVE_CURSOR_ERROR")
    category = SYSTEM if code == "GENERIC_INTERNAL_ERROR" else USER
    return QueryFailedError(code, text, category=category)


def _ours(error: BaseException | None) -> QueryFailedError | QueryCancelledError | None:
    """The refusal of ours behind an error that went through foreign code."""
    while error is not None:
        if isinstance(error, QueryFailedError | QueryCancelledError):
            return error
        error = error.__cause__ or error.__context__
    return None
