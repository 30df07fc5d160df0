"""Statements about the catalogue, carried out on Glue."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from botocore.exceptions import ClientError

from musicrec.local.athena.binding import Binder
from musicrec.local.athena.catalog import Name, view_text
from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.formats import LAZY_SIMPLE, PARQUET
from musicrec.local.athena.hive import Ddl
from musicrec.local.athena.objects import folder, split_uri
from musicrec.local.athena.partitions import HIVE_NULL
from musicrec.local.athena.showing import create_statement, description
from musicrec.local.athena.tables import STORAGE
from musicrec.local.athena.types import Column, full_name, hive_type
from musicrec.local.athena.writing import hive_folders

if TYPE_CHECKING:
    from musicrec.local.athena.engine import Engine, Session
    from musicrec.local.athena.statements import CreateView

Answer = tuple[list[Column], list[list[str]]]

_DDL_TASK: Final = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."


class Changes:
    """Carries out statements.

    Args:
        engine: with the catalogue.
        session: to learn the types of views with.
        database: of names without one.
    """

    def __init__(self, engine: Engine, session: Session, database: str | None) -> None:
        self._engine = engine
        self._session = session
        self._database = database
        self._glue = engine.catalog.glue

    def perform(self, statement: Ddl | CreateView) -> Answer:
        """Carry out a statement; the columns and rows of its answer.

        Raises:
            QueryFailedError: what it names is missing, or there already.
        """
        if not isinstance(statement, Ddl):
            return self._create_view(statement)
        try:
            return _ACTIONS[statement.action](self, statement)
        except ClientError as error:
            raise _failed(error) from error

    def _name(self, ddl: Ddl) -> Name:
        database = ddl.database or self._database
        if not database:
            raise QueryFailedError("FAILED", "SemanticException Database must be specified")
        return Name(database, ddl.table or "")

    def _described(self, ddl: Ddl) -> dict[str, Any]:
        name = self._name(ddl)
        described = self._engine.catalog.describe(name)
        if described is None:
            raise QueryFailedError(
                "FAILED",
                f"SemanticException [Error 10001]: Table not found {name.database}.{name.table}",
            )
        return described

    def create_database(self, ddl: Ddl) -> Answer:
        """CREATE DATABASE."""
        assert ddl.database  # the form has it
        if ddl.lenient and self._engine.catalog.has_database(ddl.database):
            return _nothing()
        place = {"LocationUri": ddl.details["location"]} if ddl.details["location"] else {}
        self._glue.create_database(DatabaseInput={"Name": ddl.database, **place})
        return _nothing()

    def drop_database(self, ddl: Ddl) -> Answer:
        """DROP DATABASE; with CASCADE also when it has tables."""
        assert ddl.database  # the form has it
        if not self._engine.catalog.has_database(ddl.database):
            if ddl.lenient:
                return _nothing()
            raise QueryFailedError(
                "FAILED",
                f"SemanticException [Error 10072]: Database does not exist: {ddl.database}",
            )
        if self._tables(ddl.database) and not ddl.details["cascade"]:
            raise QueryFailedError(
                "FAILED",
                f"{_DDL_TASK} InvalidOperationException(message:Database {ddl.database} is not "
                "empty. One or more tables exist.)",
            )
        self._glue.delete_database(Name=ddl.database)
        return _nothing()

    def create_table(self, ddl: Ddl) -> Answer:
        """CREATE EXTERNAL TABLE."""
        name, details = self._name(ddl), ddl.details
        if ddl.lenient and self._engine.catalog.describe(name) is not None:
            return _nothing()
        read, write, serde = STORAGE.get(details["format"] or "TEXTFILE", STORAGE["TEXTFILE"])
        if details["format"] not in {None, *STORAGE}:
            raise QueryFailedError(
                "NOT_SUPPORTED", f"The embedded Athena knows no STORED AS {details['format']}"
            )
        settings = dict(details["serde_parameters"])
        if details["delimiter"] and serde == LAZY_SIMPLE:
            settings |= {"field.delim": details["delimiter"]}
        self._glue.create_table(
            DatabaseName=name.database,
            TableInput={
                "Name": name.table,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": details["keys"],
                "Parameters": {"EXTERNAL": "TRUE", **details["parameters"]},
                "StorageDescriptor": {
                    "Columns": details["columns"],
                    "Location": details["location"],
                    "InputFormat": read,
                    "OutputFormat": write,
                    "SerdeInfo": {
                        "SerializationLibrary": details["serde"] or serde,
                        "Parameters": settings,
                    },
                },
            },
        )
        return _nothing()

    def drop_table(self, ddl: Ddl) -> Answer:
        """DROP TABLE and DROP VIEW; the objects stay."""
        name = self._name(ddl)
        if ddl.lenient and self._engine.catalog.describe(name) is None:
            return _nothing()
        self._described(ddl)
        self._glue.delete_table(DatabaseName=name.database, Name=name.table)
        return _nothing()

    def add_partition(self, ddl: Ddl) -> Answer:
        """ALTER TABLE ADD PARTITION."""
        name, described = self._name(ddl), self._described(ddl)
        keys = [key["Name"] for key in described["PartitionKeys"]]
        locate = hive_folders(folder(described["StorageDescriptor"]["Location"]), keys)
        known = {tuple(one["Values"]) for one in self._engine.catalog.partitions(name)}
        for given, place in ddl.details["partitions"]:
            values = _values(keys, given)
            if tuple(values) in known and not ddl.lenient:
                raise QueryFailedError(
                    "FAILED",
                    f"{_DDL_TASK} AlreadyExistsException(message:Partition already exists: {values})",
                )
            self._engine.catalog.add_partition(name, values, place or locate(tuple(values)))
        return _nothing()

    def drop_partition(self, ddl: Ddl) -> Answer:
        """ALTER TABLE DROP PARTITION; the objects stay."""
        name, described = self._name(ddl), self._described(ddl)
        keys = [key["Name"] for key in described["PartitionKeys"]]
        for given, _ in ddl.details["partitions"]:
            try:
                self._glue.delete_partition(
                    DatabaseName=name.database,
                    TableName=name.table,
                    PartitionValues=_values(keys, given),
                )
            except ClientError as error:
                missing = error.response["Error"]["Code"] == "EntityNotFoundException"
                if not (missing and ddl.lenient):
                    raise
        return _nothing()

    def repair_table(self, ddl: Ddl) -> Answer:
        """MSCK REPAIR TABLE: register the partitions whose folders have objects."""
        name, described = self._name(ddl), self._described(ddl)
        keys = [key["Name"] for key in described["PartitionKeys"]]
        location = folder(described["StorageDescriptor"]["Location"])
        skipped = len(split_uri(location)[1])
        pattern = re.compile("".join(rf"{re.escape(key)}=([^/]*)/" for key in keys))
        found = {
            match.groups(): match.group()
            for source in self._engine.store.readable(location)
            if (match := pattern.match(source.key[skipped:]))
        }
        known = {tuple(one["Values"]) for one in self._engine.catalog.partitions(name)}
        fresh = {values: path for values, path in found.items() if values not in known}
        for values, path in fresh.items():
            self._engine.catalog.add_partition(name, list(values), f"{location}{path}")
        shown = [f"{name.table}:{path.rstrip('/')}" for path in fresh.values()]
        listed = [["\t".join(["Partitions not in metastore:", *shown])]] if shown else []
        added = [[f"Repair: Added partition to metastore {one}"] for one in shown]
        return [Column("result", pa.string())], listed + added

    def show_databases(self, _: Ddl) -> Answer:
        """SHOW DATABASES."""
        pages = self._glue.get_paginator("get_databases").paginate()
        names = sorted(one["Name"] for page in pages for one in page["DatabaseList"])
        return _column("database_name", names)

    def show_tables(self, ddl: Ddl) -> Answer:
        """SHOW TABLES, views among them."""
        database = self._name(ddl).database
        if not self._engine.catalog.has_database(database):
            raise QueryFailedError(
                "FAILED", f"SemanticException [Error 10072]: Database does not exist: {database}"
            )
        pattern = ddl.details["like"] or "*"
        names = [name for name in self._tables(database) if fnmatchcase(name, pattern)]
        return _column("tab_name", names)

    def show_partitions(self, ddl: Ddl) -> Answer:
        """SHOW PARTITIONS: those that are registered."""
        described = self._described(ddl)
        keys = [key["Name"] for key in described["PartitionKeys"]]
        shown = [
            "/".join(f"{key}={value}" for key, value in zip(keys, one["Values"], strict=True))
            for one in self._engine.catalog.partitions(self._name(ddl))
        ]
        return _column("partition", sorted(shown))

    def show_columns(self, ddl: Ddl) -> Answer:
        """SHOW COLUMNS, partition keys last."""
        described = self._described(ddl)
        columns = described["StorageDescriptor"]["Columns"] + described["PartitionKeys"]
        return _column("field", [f"{column['Name']:<20}" for column in columns])

    def describe_table(self, ddl: Ddl) -> Answer:
        """DESCRIBE."""
        columns = [Column(name, pa.string()) for name in ("col_name", "data_type", "comment")]
        return columns, description(self._described(ddl))

    def show_create_table(self, ddl: Ddl) -> Answer:
        """SHOW CREATE TABLE."""
        return _column("createtab_stmt", create_statement(self._described(ddl)))

    def _tables(self, database: str) -> list[str]:
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted(table["Name"] for page in pages for table in page["TableList"])

    def _create_view(self, statement: CreateView) -> Answer:
        name = Binder(self._engine.catalog, self._database).name(statement.target)
        sql = statement.query.sql(dialect="athena")
        existing = self._engine.catalog.describe(name)
        if existing is not None and not statement.replace:
            raise QueryFailedError("TABLE_ALREADY_EXISTS", f"View already exists: '{name}'")
        with self._session.run(statement.query) as rows:
            columns = rows.columns
        kinds = [{"name": one.name, "type": full_name(one.type)} for one in columns]
        described = {
            "Name": name.table,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "PartitionKeys": [],
            "ViewOriginalText": view_text(sql, "awsdatacatalog", name.database, kinds),
            "ViewExpandedText": "/* Presto View */",
            "StorageDescriptor": {
                "Columns": [
                    {"Name": one.name.lower(), "Type": hive_type(one.type)} for one in columns
                ],
                "Location": "",
                "SerdeInfo": {"SerializationLibrary": PARQUET},
            },
        }
        change = self._glue.update_table if existing is not None else self._glue.create_table
        change(DatabaseName=name.database, TableInput=described)
        return _nothing()


_ACTIONS: Final[dict[str, Callable[[Changes, Ddl], Answer]]] = {
    "add partition": Changes.add_partition,
    "create database": Changes.create_database,
    "create table": Changes.create_table,
    "describe table": Changes.describe_table,
    "drop database": Changes.drop_database,
    "drop partition": Changes.drop_partition,
    "drop table": Changes.drop_table,
    "drop view": Changes.drop_table,
    "repair table": Changes.repair_table,
    "show columns": Changes.show_columns,
    "show create table": Changes.show_create_table,
    "show databases": Changes.show_databases,
    "show partitions": Changes.show_partitions,
    "show tables": Changes.show_tables,
}


def _nothing() -> Answer:
    return [], []


def _column(name: str, values: list[str]) -> Answer:
    return [Column(name, pa.string())], [[value] for value in values]


def _values(keys: list[str], given: dict[str, str]) -> list[str]:
    """The values of a partition in the keys' order."""
    if set(given) != set(keys):
        raise QueryFailedError(
            "FAILED",
            f"SemanticException partition spec {given} doesn't contain all partition columns {keys}",
        )
    return [given[key] or HIVE_NULL for key in keys]


def _failed(error: ClientError) -> QueryFailedError:
    said = error.response["Error"]
    message = said.get("Message", "")
    return QueryFailedError("FAILED", f"{_DDL_TASK} {said['Code']}(message:{message})")
