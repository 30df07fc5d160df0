"""How a table's files are read: its serde in pyarrow's terms."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds
import pyarrow.json as pa_json

from musicrec.local.athena.errors import QueryFailedError

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Table

PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LAZY_SIMPLE: Final = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV: Final = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
OPENX_JSON: Final = "org.openx.data.jsonserde.JsonSerDe"
HIVE_JSON: Final = "org.apache.hive.hcatalog.data.JsonSerDe"

_GZIP: Final = b"\x1f\x8b"
_HIVE_DELIMITER: Final = "\x01"
_HIVE_NULL: Final = r"\N"


def file_format(table: Table) -> ds.FileFormat:
    """The reader of a table's files.

    Raises:
        QueryFailedError: the serde is not emulated.
    """
    if table.serde == PARQUET:
        return ds.ParquetFileFormat(
            read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"),
            default_fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=True),
        )
    if table.serde in {LAZY_SIMPLE, OPEN_CSV}:
        return _csv(table)
    raise QueryFailedError(
        "HIVE_UNSUPPORTED_FORMAT",
        f"The embedded Athena does not read the serde {table.serde!r} of table '{table.name}'; "
        "it reads Parquet, CSV (LazySimpleSerDe, OpenCSVSerde) and JSON",
    )


def is_json(table: Table) -> bool:
    """Whether the files are lines of JSON, which are read whole."""
    return table.serde in {OPENX_JSON, HIVE_JSON}


def json_rows(table: Table, body: bytes) -> pa.Table:
    """The rows of a JSON file, gzipped or not.

    Raises:
        pa.ArrowInvalid: a line is no object, or a member is of another type than its column.
    """
    plain = gzip.decompress(body) if body.startswith(_GZIP) else body
    options = pa_json.ParseOptions(
        explicit_schema=table.columns, unexpected_field_behavior="ignore"
    )
    # One block: the reader splits no object between two.
    reading = pa_json.ReadOptions(use_threads=False, block_size=len(plain) + 1)
    rows = pa_json.read_json(pa.BufferReader(plain), read_options=reading, parse_options=options)
    return rows.select(table.columns.names).cast(table.columns)


def _csv(table: Table) -> ds.FileFormat:
    settings = table.serde_parameters
    quoted = table.serde == OPEN_CSV
    delimiter = (
        settings.get("separatorChar", ",")
        if quoted
        else settings.get("field.delim", settings.get("serialization.format", _HIVE_DELIMITER))
    )
    names = table.columns.names
    skipped = int(table.parameters.get("skip.header.line.count", "0"))
    return ds.CsvFileFormat(
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter if len(delimiter) == 1 else _HIVE_DELIMITER,
            quote_char=settings.get("quoteChar", '"') if quoted else False,
            escape_char=settings.get("escapeChar" if quoted else "escape.delim") or False,
            newlines_in_values=quoted,
        ),
        read_options=pa_csv.ReadOptions(column_names=names, skip_rows=skipped),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict(zip(names, table.columns.types, strict=True)),
            null_values=[] if quoted else [settings.get("serialization.null.format", _HIVE_NULL)],
            strings_can_be_null=not quoted,
            quoted_strings_can_be_null=False,
            timestamp_parsers=["%Y-%m-%d %H:%M:%S", pa_csv.ISO8601],
        ),
    )
