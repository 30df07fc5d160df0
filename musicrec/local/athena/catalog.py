"""Databases and tables, read from Glue by its API each time they are asked for."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.firehose.schema import UnknownColumnTypeError, arrow_type

if TYPE_CHECKING:
    from musicrec.local.athena.errors import Position

CATALOG: Final = "awsdatacatalog"
"""The one data catalogue, as queries spell it."""

_VIEW_PREFIX: Final = "/* Presto View: "
_VIEW_SUFFIX: Final = " */"

_MILLISECONDS: Final = pa.timestamp("ms")


class Name(Struct, frozen=True):
    """A table's name, in lower case as Glue keeps it."""

    database: str
    table: str

    def __str__(self) -> str:
        return f"{CATALOG}.{self.database}.{self.table}"


class Table(Struct, frozen=True):
    """A Glue table.

    Attributes:
        name: with its database.
        columns: of the files, in order.
        partition_keys: columns whose values are in the partitions.
        location: S3 URI of the folder; empty for a view.
        serde: the library that reads the files.
        serde_parameters: its settings.
        parameters: the table's properties, partition projection among them.
        view: the SQL of a view; empty for a table.
    """

    name: Name
    columns: pa.Schema
    partition_keys: pa.Schema
    location: str
    serde: str
    serde_parameters: dict[str, str]
    parameters: dict[str, str]
    view: str

    @property
    def schema(self) -> pa.Schema:
        """All columns as `SELECT *` shows them."""
        return pa.schema([*self.columns, *self.partition_keys])


class Catalog:
    """Reads and changes the catalogue.

    Args:
        glue: boto3 client.
    """

    def __init__(self, glue: Any) -> None:
        self.glue = glue

    def has_database(self, name: str) -> bool:
        """Whether there is a database of that name."""
        return self.database(name) is not None

    def database(self, name: str) -> dict[str, Any] | None:
        """Glue's description of a database, None if there is none."""
        described: dict[str, Any] | None = _found(
            lambda: self.glue.get_database(Name=name.lower())["Database"]
        )
        return described

    def describe(self, name: Name) -> dict[str, Any] | None:
        """Glue's description of a table, None if there is none."""
        described: dict[str, Any] | None = _found(
            lambda: self.glue.get_table(DatabaseName=name.database, Name=name.table)["Table"]
        )
        return described

    def table(self, name: Name, at: Position | None = None) -> Table:
        """A table as queries need it.

        Args:
            name: in lower case.
            at: where the query names it.

        Raises:
            QueryFailedError: there is no such database or table, or a column's type is unknown.
        """
        if not self.has_database(name.database):
            raise QueryFailedError(
                "SCHEMA_NOT_FOUND", f"Schema '{name.database}' does not exist", at
            )
        described = self.describe(name)
        if described is None:
            raise QueryFailedError("TABLE_NOT_FOUND", f"Table '{name}' does not exist", at)
        return _table(name, described)

    def partitions(self, name: Name) -> list[dict[str, Any]]:
        """The registered partitions as Glue describes them."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=name.database, TableName=name.table
        )
        return [partition for page in pages for partition in page["Partitions"]]

    def add_partition(self, name: Name, values: list[str], location: str) -> None:
        """Register a partition with the table's own format; harmless when it is there."""
        described = self.describe(name) or {}
        storage = {**described.get("StorageDescriptor", {}), "Location": location}
        _found(
            lambda: self.glue.create_partition(
                DatabaseName=name.database,
                TableName=name.table,
                PartitionInput={"Values": values, "StorageDescriptor": storage},
            ),
            "AlreadyExistsException",
        )


def _found(ask: Any, missing: str = "EntityNotFoundException") -> Any:
    """The answer, None when Glue says that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        described = error.response["Error"]
        if described["Code"] == "AccessDeniedException":
            raise QueryFailedError(
                "PERMISSION_DENIED",
                f"Insufficient permissions to execute the query. {described['Message']}",
            ) from error
        if described["Code"] != missing:
            raise
        return None


def _table(name: Name, described: dict[str, Any]) -> Table:
    storage = described.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return Table(
        name=name,
        columns=_schema(storage.get("Columns", [])),
        partition_keys=_schema(described.get("PartitionKeys", [])),
        location=storage.get("Location", ""),
        serde=serde.get("SerializationLibrary", ""),
        serde_parameters=serde.get("Parameters", {}),
        parameters=described.get("Parameters", {}),
        view=_view_sql(described),
    )


def _schema(columns: list[dict[str, Any]]) -> pa.Schema:
    try:
        return pa.schema(
            [(c["Name"].lower(), _in_microseconds(arrow_type(c["Type"]))) for c in columns]
        )
    except UnknownColumnTypeError as error:
        raise QueryFailedError("HIVE_INVALID_METADATA", str(error)) from error


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    """The type with DuckDB's plain timestamps, which its functions take."""
    if kind == _MILLISECONDS:
        return pa.timestamp("us")
    if pa.types.is_struct(kind):
        return pa.struct([(part.name, _in_microseconds(part.type)) for part in kind])
    if pa.types.is_list(kind):
        return pa.list_(_in_microseconds(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_in_microseconds(kind.key_type), _in_microseconds(kind.item_type))
    return kind


def _view_sql(described: dict[str, Any]) -> str:
    if described.get("TableType") != "VIRTUAL_VIEW":
        return ""
    text = described.get("ViewOriginalText", "")
    encoded = text.removeprefix(_VIEW_PREFIX).removesuffix(_VIEW_SUFFIX)
    sql: str = json.loads(base64.b64decode(encoded))["originalSql"]
    return sql


def view_text(sql: str, catalog: str, database: str, columns: list[dict[str, str]]) -> str:
    """A view's definition as Athena keeps it in Glue."""
    document = {
        "originalSql": sql,
        "catalog": catalog,
        "schema": database,
        "columns": columns,
    }
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    return f"{_VIEW_PREFIX}{encoded}{_VIEW_SUFFIX}"
