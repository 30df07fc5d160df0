"""DuckDB as Athena's engine: a query over scans in, batches of rows out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection, DuckDBPyRelation
from msgspec import Struct

from musicrec.local.athena.binding import Binder
from musicrec.local.athena.catalog import Catalog
from musicrec.local.athena.dialect import UNNAMED, to_duckdb
from musicrec.local.athena.engine_errors import translated
from musicrec.local.athena.errors import QueryCancelledError, QueryFailedError
from musicrec.local.athena.functions import MACROS
from musicrec.local.athena.objects import Bytes, Store
from musicrec.local.athena.partitions import Partitions
from musicrec.local.athena.scanning import register
from musicrec.local.athena.types import Column, result_column

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

BATCH_ROWS: Final = 16_384

_AGAIN_S: Final = 0.05
_STOPPED: Final = "Query was cancelled by the client."
_THREADS: Final = 2
_MEMORY: Final = "1GB"


class Rows(Struct, frozen=True):
    """What a query gives, to be read once.

    Attributes:
        columns: in order; their names may repeat.
        batches: of the rows, their columns of the types that `columns` has.
    """

    columns: list[Column]
    batches: Iterator[pa.RecordBatch]


class Session:
    """One query's use of the engine.

    Args:
        engine: whose database it uses.
        database: of table names without one.
        counted: what the query reads.
    """

    def __init__(self, engine: Engine, database: str | None, counted: Bytes) -> None:
        self._engine = engine
        self._database = database
        self.counted = counted
        self._connection: DuckDBPyConnection | None = None
        self._stopped = False
        self._ended = Event()
        self._lock = Lock()

    def stop(self) -> None:
        """End the query that runs, from any thread."""
        with self._lock:
            self._stopped = True
            runs = self._connection is not None
        if runs:
            Thread(target=self._interrupt, name="athena-stop", daemon=True).start()

    def _interrupt(self) -> None:
        """Interrupt until the query has ended: DuckDB forgets what comes before it begins."""
        while True:
            with self._lock:
                if self._connection is None:
                    return
                self._connection.interrupt()
            self._ended.wait(_AGAIN_S)

    @contextmanager
    def run(self, query: Expr) -> Iterator[Rows]:
        """Run a query.

        Args:
            query: as parsed; it is changed.

        Raises:
            QueryFailedError: it is wrong, or what it reads is.
            QueryCancelledError: it was stopped, or read too much.
        """
        with self._connected() as connection, self._translating():
            binder = Binder(self._engine.catalog, self._database)
            for scan in binder.bind(query):
                register(
                    connection, scan, self._engine.partitions, self._engine.store.s3, self.counted
                )
            relation = connection.sql(to_duckdb(query))
            assert relation is not None  # a query is no statement
            yield _rows(relation)

    @contextmanager
    def _connected(self) -> Iterator[DuckDBPyConnection]:
        with self._engine.cursor() as connection:
            with self._lock:
                if self._stopped:
                    raise QueryCancelledError(_STOPPED)
                self._connection = connection
            try:
                yield connection
            finally:
                with self._lock:
                    self._connection = None
                self._ended.set()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, UnicodeError) as error:
            if self._stopped:
                raise QueryCancelledError(_STOPPED) from error
            if self.counted.exhausted:
                raise QueryCancelledError(
                    "Query cancelled! : Bytes scanned limit was exceeded"
                ) from error
            raise translated(error) from error


class Database:
    """The database that all queries share: no tables, no files, only functions."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="musicrec-athena-")
        self._database = duckdb.connect(
            ":memory:",
            config={
                "enable_external_access": False,
                "python_enable_replacements": False,
                "memory_limit": _MEMORY,
                "temp_directory": self._folder.name,
                "threads": _THREADS,
            },
        )
        self._database.execute("SET GLOBAL TimeZone = 'UTC'")
        self._database.execute("SET GLOBAL integer_division = true")
        for macro in MACROS:
            self._database.execute(f"CREATE MACRO {macro}")
        self._database.execute("SET lock_configuration = true")

    @property
    def folder(self) -> Path:
        """Where results may lie before they are in S3."""
        return Path(self._folder.name)

    @contextmanager
    def cursor(self) -> Iterator[DuckDBPyConnection]:
        """A connection of its own to the shared database."""
        connection = self._database.cursor()
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Give everything back."""
        self._database.close()
        self._folder.cleanup()


class Engine:
    """The database with one caller's view of catalogue and objects.

    Args:
        database: that queries run in.
        glue: boto3 client, of the caller whose rights count.
        s3: boto3 client, likewise.
        clock: epoch seconds.
    """

    def __init__(self, database: Database, glue: Any, s3: Any, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.catalog = Catalog(glue)
        self.store = Store(s3)
        self.partitions = Partitions(self.catalog, self.store, clock)
        self.folder = database.folder
        self.cursor = database.cursor

    def session(self, database: str | None, counted: Bytes) -> Session:
        """A session for one query."""
        return Session(self, database, counted)


def _rows(relation: DuckDBPyRelation) -> Rows:
    columns = [
        result_column(f"_col{index}" if name.startswith(UNNAMED) else name, kind)
        for index, (name, kind) in enumerate(zip(relation.columns, relation.types, strict=True))
    ]
    schema = pa.schema([(f"c{index}", column.type) for index, column in enumerate(columns)])
    return Rows(columns, _batches(relation, schema))


def _batches(relation: DuckDBPyRelation, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    reader = relation.to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        arrays = [
            _fitting(array, field.type) for array, field in zip(batch.columns, schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _fitting(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    try:
        return array.cast(kind)
    except pa.ArrowInvalid as error:
        raise QueryFailedError("NUMERIC_VALUE_OUT_OF_RANGE", str(error)) from error
