"""Scans as relations of DuckDB: a table's objects as a data set that reads only what is asked for.

DuckDB hands the columns and the simple conditions that it needs to pyarrow's data set, which opens
the objects that can have such rows and reads those columns of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from duckdb import DuckDBPyConnection, Error

from musicrec.local.athena.dialect import condition_sql
from musicrec.local.athena.formats import file_format, is_json, json_rows
from musicrec.local.athena.names import PATH
from musicrec.local.athena.objects import Bytes, file_system, read_whole

if TYPE_CHECKING:
    from musicrec.local.athena.binding import Scan
    from musicrec.local.athena.catalog import Table
    from musicrec.local.athena.partitions import Partition, Partitions


def register(
    connection: DuckDBPyConnection, scan: Scan, partitions: Partitions, s3: Any, counted: Bytes
) -> None:
    """Give the connection the relation that a scan names.

    Raises:
        QueryFailedError: the table's location, partitions or format cannot be read.
    """
    found = partitions.find(scan.table, _keeper(connection, scan), scan.named)
    connection.register(scan.name, data_set(scan, found, s3, counted))


def data_set(scan: Scan, partitions: list[Partition], s3: Any, counted: Bytes) -> ds.Dataset:
    """The objects of some partitions as one data set.

    Raises:
        QueryFailedError: the table's format is not read.
    """
    schema = scan.table.schema
    if scan.with_path:
        schema = schema.append(pa.field(PATH, pa.string()))
    if is_json(scan.table):
        return _json_set(scan.table, partitions, schema, s3, counted)
    reader = file_format(scan.table)
    sources = [source for partition in partitions for source in partition.sources]
    files = file_system(s3, sources, counted)
    fragments = [
        reader.make_fragment(
            source.path,
            files,
            partition_expression=_known({**partition.values, PATH: source.uri}, schema),
        )
        for partition in partitions
        for source in partition.sources
    ]
    return ds.FileSystemDataset(fragments, schema, reader, files)


def _json_set(
    table: Table, partitions: list[Partition], schema: pa.Schema, s3: Any, counted: Bytes
) -> ds.Dataset:
    """Objects of JSON, read at once: pyarrow's data sets wait for ever on such files of ours."""
    parts = [schema.empty_table()]
    for partition in partitions:
        for source in partition.sources:
            rows = json_rows(table, read_whole(s3, source, counted))
            known = {**partition.values, PATH: source.uri}
            for field in list(schema)[len(table.columns) :]:
                constant = pa.array([known[field.name]] * len(rows), field.type)
                rows = rows.append_column(field, constant)
            parts.append(rows)
    return ds.dataset(pa.concat_tables(parts))


def _known(values: dict[str, Any], schema: pa.Schema) -> ds.Expression:
    """What is true of every row of an object."""
    known = ds.scalar(True)
    for name in [name for name in schema.names if name in values]:
        value, field = values[name], ds.field(name)
        fact = (
            field.is_null() if value is None else field == pa.scalar(value, schema.field(name).type)
        )
        known &= fact
    return known


def _keeper(connection: DuckDBPyConnection, scan: Scan) -> Any:
    """Tells which partitions meet the scan's conditions, by asking DuckDB."""
    keys = scan.table.partition_keys

    def keep(values: list[dict[str, Any]]) -> list[bool]:
        kept = [True] * len(values)
        rows = pa.Table.from_pylist(values, schema=keys)
        connection.register("partition_values", rows)
        for condition in scan.conditions:
            sql = f"SELECT {condition_sql(condition)} FROM partition_values"  # noqa: S608 - parsed
            try:
                answers = connection.execute(sql).fetchall()
            except Error:
                continue  # the query itself will say what is wrong with the condition
            kept = [before and bool(now) for before, (now,) in zip(kept, answers, strict=True)]
        return kept

    return keep
