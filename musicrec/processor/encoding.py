"""Texts as dictionaries: what repeats is checked, moved and written once for all rows that hold it."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

_TEXTS: Final = frozenset(
    {
        *("user_id", "session_id", "track_id", "event_type", "source"),
        *("device_type", "recommendation_id", "context_uri", "track"),
    }
)
"""Columns that repeat their texts; of `track` all texts inside."""


def encoded(schema: pa.Schema) -> pa.Schema:
    """The columns with dictionaries for texts that repeat."""
    return pa.schema(
        [
            pa.field(field.name, _encoded(field.type)) if field.name in _TEXTS else field
            for field in schema
        ]
    )


def read(body: bytes, schema: pa.Schema) -> pa.Table:
    """A Parquet file's rows in the columns of `schema`; a column that the file lacks is null.

    Args:
        body: the file.
        schema: as from `encoded`.
    """
    source = pa.BufferReader(body)
    metadata = pq.read_metadata(source)
    file = pq.ParquetFile(source, metadata=metadata, read_dictionary=_repeating(metadata.schema))
    present = [name for name in schema.names if name in file.schema_arrow.names]
    groups = [  # one by one: Arrow reads dictionaries inside a struct no other way
        _completed(file.read_row_group(number, present), schema)
        for number in range(file.num_row_groups)
    ]
    return pa.concat_tables(groups).unify_dictionaries() if groups else schema.empty_table()


def _repeating(schema: pq.ParquetSchema) -> list[str]:
    """The columns to read as dictionaries; writers name what is inside a list differently."""
    leaves = map(schema.column, range(len(schema)))
    return [
        leaf.path
        for leaf in leaves
        if leaf.path.split(".")[0] in _TEXTS and leaf.physical_type == "BYTE_ARRAY"
    ]


def _completed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _encoded(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, _encoded(part.type)) for part in kind])
    if pa.types.is_list(kind):
        return pa.list_(_encoded(kind.value_type))
    return pa.dictionary(pa.int32(), kind)
