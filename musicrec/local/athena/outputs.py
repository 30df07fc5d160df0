"""Running a statement whose rows go to S3, and what the catalogue hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from msgspec import Struct

from musicrec.local.athena.binding import Binder
from musicrec.local.athena.coercion import as_table, require_same_types
from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.formats import LAZY_SIMPLE, OPENX_JSON, PARQUET
from musicrec.local.athena.names import position
from musicrec.local.athena.objects import folder
from musicrec.local.athena.projection import location_template, projection
from musicrec.local.athena.results import write_metadata
from musicrec.local.athena.tables import table_input
from musicrec.local.athena.types import Column, hive_type
from musicrec.local.athena.writing import FileForm, Files, Written, hive_folders

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Name, Table
    from musicrec.local.athena.engine import Engine, Session
    from musicrec.local.athena.statements import CreateTableAs, Insert, Unload
    from musicrec.local.athena.writing import Locate

_CTAS_PROPERTIES: Final = frozenset(
    {
        "external_location",
        "format",
        "write_compression",
        "parquet_compression",
        "partitioned_by",
        "field_delimiter",
        "is_external",
        "table_type",
    }
)
_UNLOAD_PROPERTIES: Final = frozenset(
    {"format", "compression", "partitioned_by", "field_delimiter"}
)
_USUAL_CODEC: Final = {"PARQUET": "GZIP", "TEXTFILE": "GZIP", "JSON": "GZIP"}

_ROWS_COLUMN: Final = Column("rows", pa.int64())
"""What Athena shows of a statement that wrote rows."""


class Destination(Struct, frozen=True):
    """Where a query's results go.

    Attributes:
        query_id: of the execution.
        location: S3 URI of the folder of results.
        enforced: whether the work group, and not the client, chose it.
    """

    query_id: str
    location: str
    enforced: bool

    def uri(self, suffix: str, within: str = "") -> str:
        """The URI of a file of this query's."""
        return f"{folder(self.location)}{within}{self.query_id}{suffix}"


class Outcome(Struct, frozen=True, kw_only=True):
    """How a statement ended.

    Attributes:
        output: URI of its result.
        columns: of the result.
        manifest: URI of the list of files that it wrote, if it wrote any.
        update_count: rows that it wrote.
        rows: of the result, unless a CSV file has them.
    """

    output: str
    columns: list[Column]
    rows: list[list[str | None]] = []
    manifest: str | None = None
    update_count: int = 0


class Writer:
    """Runs the statements that write.

    Args:
        engine: to run them with.
        session: of the query.
        database: of table names without one.
        destination: of its results.
    """

    def __init__(
        self, engine: Engine, session: Session, database: str | None, destination: Destination
    ) -> None:
        self._engine = engine
        self._session = session
        self._database = database
        self._destination = destination

    def create_table_as(self, statement: CreateTableAs) -> Outcome:
        """Make a table of a query's rows.

        Raises:
            QueryFailedError: the table exists, its place is not empty, or the query fails.
        """
        name = self._name(statement.target)
        _known(statement.properties, _CTAS_PROPERTIES)
        form = _form(statement.properties, "write_compression", "parquet_compression")
        location = self._table_location(statement)
        if self._engine.catalog.describe(name) is not None:
            if statement.if_not_exists:
                return self._outcome(Written(0, [], {}), "tables/")
            raise QueryFailedError(
                "TABLE_ALREADY_EXISTS",
                f"Destination table '{name}' already exists",
                position(statement.target),
            )
        if not self._engine.catalog.has_database(name.database):
            raise QueryFailedError("SCHEMA_NOT_FOUND", f"Schema {name.database} not found")
        self._require_empty(location, name)
        keys = statement.properties.get("partitioned_by", [])
        with self._session.run(statement.query) as rows:
            columns = _storable(rows.columns, keys)
            batches = rows.batches if statement.with_data else iter(())
            written = self._files(form).write(
                _named(batches, columns), len(keys), hive_folders(location, keys)
            )
        described = table_input(name, columns, len(keys), location, form)
        self._engine.catalog.glue.create_table(DatabaseName=name.database, TableInput=described)
        for values, place in written.partitions.items():
            self._engine.catalog.add_partition(name, list(values), place)
        return self._outcome(written, "tables/")

    def insert(self, statement: Insert) -> Outcome:
        """Add a query's rows to a table.

        Raises:
            QueryFailedError: there is no such table, the columns do not fit, or the query fails.
        """
        name = self._name(statement.target)
        table = self._engine.catalog.table(name, position(statement.target))
        if not table.location:
            raise QueryFailedError("NOT_SUPPORTED", "Inserting into views is not supported")
        chosen = statement.columns or table.schema.names
        for column in chosen:
            if column not in table.schema.names:
                raise QueryFailedError(
                    "COLUMN_NOT_FOUND",
                    f"Insert column name does not exist in target table: {column}",
                )
        projected = projection(table, self._engine.clock) is not None
        locate = _locator(table, projected=projected)
        with self._session.run(statement.query) as rows:
            require_same_types(table, chosen, rows)
            batches = as_table(rows.batches, table, chosen)
            files = self._files(_form_of(table))
            written = files.write(batches, len(table.partition_keys), locate)
        if not projected:
            for values, place in written.partitions.items():
                self._engine.catalog.add_partition(name, list(values), place)
        return self._outcome(written)

    def unload(self, statement: Unload) -> Outcome:
        """Write a query's rows to a folder.

        Raises:
            QueryFailedError: the folder is not empty, or the query fails.
        """
        _known(statement.properties, _UNLOAD_PROPERTIES)
        if "format" not in statement.properties:
            raise QueryFailedError("INVALID_TABLE_PROPERTY", "UNLOAD needs the property 'format'")
        form = _form(statement.properties, "compression")
        location = folder(statement.location)
        self._require_empty(location, None)
        keys = statement.properties.get("partitioned_by", [])
        with self._session.run(statement.query) as rows:
            columns = _storable(rows.columns, keys)
            batches = _named(rows.batches, columns)
            written = self._files(form).write(batches, len(keys), hive_folders(location, keys))
        return self._outcome(written)

    def _name(self, target: Any) -> Name:
        return Binder(self._engine.catalog, self._database).name(target)

    def _files(self, form: FileForm) -> Files:
        return Files(self._engine.store, self._engine.folder, self._destination.query_id, form)

    def _table_location(self, statement: CreateTableAs) -> str:
        given = statement.properties.get("external_location")
        if given and self._destination.enforced:
            raise QueryFailedError(
                "INVALID_TABLE_PROPERTY",
                "The Create Table As Select query failed because it was submitted with an "
                "'external_location' property to an Athena Workgroup that enforces a centralized "
                "output location for all queries. Please remove the 'external_location' property "
                "and resubmit the query.",
            )
        return folder(given) if given else self._destination.uri("/", "tables/")

    def _require_empty(self, location: str, name: Name | None) -> None:
        if not self._engine.store.is_empty(location):
            of_table = f" for table '{name}'" if name is not None else ""
            raise QueryFailedError(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory{of_table} already exists: {location}. You may need to manually "
                f"clean the data at location '{location}' before retrying. Athena will not delete "
                "data in your account.",
            )

    def _outcome(self, written: Written, within: str = "") -> Outcome:
        manifest = self._destination.uri("-manifest.csv", within)
        listed = "".join(f"{uri}\n" for uri in written.files)
        self._engine.store.write(manifest, listed.encode())
        write_metadata(
            [_ROWS_COLUMN], self._destination.uri(".metadata", within), self._engine.store
        )
        return Outcome(
            output=self._destination.uri("", within),
            columns=[_ROWS_COLUMN],
            manifest=manifest,
            update_count=written.rows,
        )


def _known(properties: dict[str, Any], allowed: frozenset[str]) -> None:
    for name in properties:
        if name not in allowed:
            raise QueryFailedError(
                "NOT_SUPPORTED",
                f"The embedded Athena does not know the property '{name}'; it knows "
                f"{', '.join(sorted(allowed))}",
            )


def _form(properties: dict[str, Any], *codec_names: str) -> FileForm:
    form = str(properties.get("format", "PARQUET")).upper()
    given = [properties[name] for name in codec_names if name in properties]
    codec = str(given[0]).upper() if given else _USUAL_CODEC.get(form, "NONE")
    return FileForm(form, codec, properties.get("field_delimiter", "\x01"))


def _form_of(table: Table) -> FileForm:
    """How an existing table's files are written."""
    if table.serde == PARQUET:
        codec = table.parameters.get("parquet.compression", "GZIP").upper()
        return FileForm("PARQUET", codec)
    if table.serde == LAZY_SIMPLE:
        return FileForm("TEXTFILE", "GZIP", table.serde_parameters.get("field.delim", "\x01"))
    if table.serde == OPENX_JSON:
        return FileForm("JSON", "GZIP")
    raise QueryFailedError(
        "NOT_SUPPORTED", f"Inserting into tables of {table.serde} is not supported"
    )


def _storable(columns: list[Column], keys: list[str]) -> list[Column]:
    """The columns with names in lower case, if a table can have them.

    Raises:
        QueryFailedError: a name is missing or repeated, a type unknown, or the keys are not last.
    """
    seen: set[str] = set()
    for number, column in enumerate(columns, start=1):
        name = column.name.lower()
        if name == f"_col{number - 1}":
            raise QueryFailedError(
                "MISSING_COLUMN_NAME", f"Column name not specified at position {number}"
            )
        if name in seen:
            raise QueryFailedError(
                "DUPLICATE_COLUMN_NAME", f"Column name '{name}' specified more than once"
            )
        if pa.types.is_null(column.type):
            raise QueryFailedError(
                "COLUMN_TYPE_UNKNOWN", f"Column type is unknown at position {number}"
            )
        hive_type(column.type)
        seen.add(name)
    lowered = [Column(c.name.lower(), c.type, c.is_json) for c in columns]
    if keys and [column.name for column in lowered[-len(keys) :]] != [key.lower() for key in keys]:
        raise QueryFailedError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            f"Partition keys must be the last columns in the table and in the same order as the "
            f"table properties: {keys}",
        )
    return lowered


def _named(batches: Iterator[pa.RecordBatch], columns: list[Column]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(column.name, column.type) for column in columns])
    for batch in batches:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _locator(table: Table, *, projected: bool) -> Locate:
    if not projected:
        return hive_folders(folder(table.location), table.partition_keys.names)
    template = location_template(table)

    def locate(values: tuple[str, ...]) -> str:
        place = template
        for key, value in zip(table.partition_keys.names, values, strict=True):
            place = place.replace(f"${{{key}}}", value)
        return place

    return locate
