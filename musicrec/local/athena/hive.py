"""Hive's statements as Athena takes them: they change or show the catalogue.

sqlglot parses CREATE EXTERNAL TABLE; the short ones are read with a pattern each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlglot import exp

from musicrec.local.athena.errors import MalformedQueryError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_NAME: Final = r"[`\"]?(?P<{0}>[A-Za-z0-9_$\-]+)[`\"]?"
_TABLE: Final = rf"(?:{_NAME.format('database')}\.)?{_NAME.format('table')}"
_STRING: Final = r"'((?:[^']|'')*)'"
_PAIR: Final = re.compile(rf"[`\"]?(\w+)[`\"]?\s*=\s*(?:{_STRING}|(-?[\w.]+))")


class Ddl(Struct, frozen=True, kw_only=True):
    """One statement about the catalogue.

    Attributes:
        action: which, e.g. `drop table`.
        database: named, in lower case; None for the session's.
        table: named, in lower case.
        lenient: whether IF EXISTS or IF NOT EXISTS was said.
        details: whatever else the action takes.
        kind: DDL when it changes the catalogue, UTILITY when it shows it.
    """

    action: str
    database: str | None = None
    table: str | None = None
    lenient: bool = False
    details: dict[str, Any] = {}
    kind: str = "DDL"

    @property
    def subkind(self) -> str:
        """The action as `SubstatementType` names it."""
        return self.action.upper().replace(" ", "_")


_Read = Callable[[re.Match[str]], dict[str, Any]]


def _nothing(_: re.Match[str]) -> dict[str, Any]:
    return {}


def _added_partitions(match: re.Match[str]) -> dict[str, Any]:
    pattern = re.compile(
        rf"PARTITION\s*\((.*?)\)(?:\s*LOCATION\s+{_STRING})?", re.IGNORECASE | re.DOTALL
    )
    found = [(_pairs(one[1]), one[2]) for one in pattern.finditer(match["rest"])]
    if not found:
        raise MalformedQueryError(f"no PARTITION (key = 'value') in {match['rest']!r}")
    return {"partitions": found}


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for name, quoted, plain in _PAIR.findall(text):
        found[name.lower()] = plain or quoted.replace("''", "'")
    return found


_FORMS: Final[list[tuple[str, str, str, _Read]]] = [
    (
        "create database",
        (
            rf"CREATE\s+(?:DATABASE|SCHEMA)\s+(?P<lenient>IF\s+NOT\s+EXISTS\s+)?{_NAME.format('database')}"
            rf"(?:\s+COMMENT\s+{_STRING})?(?:\s+LOCATION\s+'(?P<location>[^']*)')?"
        ),
        "DDL",
        lambda match: {"location": match["location"]},
    ),
    (
        "drop database",
        (
            rf"DROP\s+(?:DATABASE|SCHEMA)\s+(?P<lenient>IF\s+EXISTS\s+)?{_NAME.format('database')}"
            r"(?P<cascade>\s+CASCADE|\s+RESTRICT)?"
        ),
        "DDL",
        lambda match: {"cascade": (match["cascade"] or "").strip().upper() == "CASCADE"},
    ),
    ("drop table", rf"DROP\s+TABLE\s+(?P<lenient>IF\s+EXISTS\s+)?{_TABLE}", "DDL", _nothing),
    ("drop view", rf"DROP\s+VIEW\s+(?P<lenient>IF\s+EXISTS\s+)?{_TABLE}", "DDL", _nothing),
    (
        "add partition",
        rf"ALTER\s+TABLE\s+{_TABLE}\s+ADD\s+(?P<lenient>IF\s+NOT\s+EXISTS\s+)?(?P<rest>PARTITION.*)",
        "DDL",
        _added_partitions,
    ),
    (
        "drop partition",
        rf"ALTER\s+TABLE\s+{_TABLE}\s+DROP\s+(?P<lenient>IF\s+EXISTS\s+)?(?P<rest>PARTITION.*)",
        "DDL",
        _added_partitions,
    ),
    ("repair table", rf"MSCK\s+REPAIR\s+TABLE\s+{_TABLE}", "DDL", _nothing),
    ("show databases", r"SHOW\s+(?:DATABASES|SCHEMAS)", "UTILITY", _nothing),
    (
        "show tables",
        rf"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+{_NAME.format('database')})?(?:\s+'(?P<like>[^']*)')?",
        "UTILITY",
        lambda match: {"like": match["like"]},
    ),
    ("show partitions", rf"SHOW\s+PARTITIONS\s+{_TABLE}", "UTILITY", _nothing),
    ("show columns", rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{_TABLE}", "UTILITY", _nothing),
    ("show create table", rf"SHOW\s+CREATE\s+TABLE\s+{_TABLE}", "UTILITY", _nothing),
    (
        "describe table",
        rf"(?:DESCRIBE|DESC)\s+(?:(?:FORMATTED|EXTENDED)\s+)?{_TABLE}",
        "UTILITY",
        _nothing,
    ),
]
_COMPILED: Final = [
    (action, re.compile(rf"\s*{pattern}\s*", re.IGNORECASE | re.DOTALL), kind, details)
    for action, pattern, kind, details in _FORMS
]


def read(text: str) -> Ddl | None:
    """The statement, if it is one of Hive's short ones.

    Raises:
        MalformedQueryError: it is one of them, and wrong.
    """
    for action, pattern, kind, details in _COMPILED:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        return Ddl(
            action=action,
            database=_lower(groups.get("database")),
            table=_lower(groups.get("table")),
            lenient=bool(groups.get("lenient")),
            details=details(match),
            kind=kind,
        )
    return None


def create_table(parsed: exp.Create) -> Ddl:
    """A CREATE EXTERNAL TABLE.

    Raises:
        MalformedQueryError: it has no columns or no location.
    """
    schema = parsed.this
    properties = parsed.args.get("properties")
    entries = list(properties.expressions) if properties is not None else []
    if not isinstance(schema, exp.Schema):
        raise MalformedQueryError("CREATE EXTERNAL TABLE needs its columns")
    location = _of(entries, exp.LocationProperty)
    if location is None:
        raise MalformedQueryError("CREATE EXTERNAL TABLE needs a LOCATION")
    if _of(entries, exp.ExternalProperty) is None:
        raise MalformedQueryError("Only external tables can be created: CREATE EXTERNAL TABLE")
    keys = _of(entries, exp.PartitionedByProperty)
    name = schema.this
    return Ddl(
        action="create table",
        database=_lower(name.db) or None,
        table=name.name.lower(),
        lenient=bool(parsed.args.get("exists")),
        details={
            "columns": _columns(schema),
            "keys": _columns(keys.this) if keys is not None else [],
            "location": location.this.name,
            **_storage(entries),
            "parameters": {
                entry.this.name: entry.args["value"].name
                for entry in entries
                if type(entry) is exp.Property
            },
        },
    )


def _storage(entries: list[Expr]) -> dict[str, Any]:
    """STORED AS, ROW FORMAT and SERDEPROPERTIES as they were said."""
    stored = _of(entries, exp.FileFormatProperty)
    serde = _of(entries, exp.RowFormatSerdeProperty)
    settings = serde.args.get("serde_properties") if serde is not None else None
    delimited = _of(entries, exp.RowFormatDelimitedProperty)
    form = stored.this if stored is not None else None
    return {
        "format": form.name.upper() if form is not None and form.name else None,
        "serde": serde.this.name if serde is not None else None,
        "serde_parameters": {
            entry.this.name: entry.args["value"].name
            for entry in (settings.expressions if settings is not None else [])
        },
        "delimiter": delimited.args["fields"].name
        if delimited is not None and delimited.args.get("fields")
        else None,
    }


def _columns(schema: exp.Schema) -> list[dict[str, str]]:
    return [
        {"Name": column.name.lower(), "Type": _type(column.args["kind"])}
        for column in schema.expressions
        if isinstance(column, exp.ColumnDef)
    ]


def _type(kind: Expr) -> str:
    """A type as Glue keeps it: Hive's words, in lower case, without blanks."""
    return re.sub(r"\s*([,:<>])\s*", r"\1", kind.sql(dialect="hive").lower())


def _of(entries: list[Expr], kind: type[Any]) -> Any:
    return next((entry for entry in entries if isinstance(entry, kind)), None)


def _lower(name: str | None) -> str | None:
    return name.lower() if name else None
