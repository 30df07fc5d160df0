"""CSV for bulk imports and exports: read, checked against the schema, with AWS's failure texts.

A failure names the column and the first offending row; rows are counted from 1 below the header.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from musicrec.local.personalize.avro import KEYWORDS, MAX_ID, MAX_STRING, MAX_TEXT
from musicrec.local.personalize.workers import JobFailedError

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema, Field

FORGIVEN: Final = 0.01
"""Share of a file's rows whose cell of a metadata column may be empty though the schema has no null,
or of another type; such cells become null. In a recorded run AWS imports 13 such rows of 9,742 (the
sample notebooks "POC in a box", on MovieLens); where it draws the line is not documented."""

_IDS: Final = frozenset({"USER_ID", "ITEM_ID"})

_ARROW: Final = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}

_NUMBERS: Final = {
    "int": r"^[+-]?\d{1,10}$",
    "long": r"^[+-]?\d{1,19}$",
    "float": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    "double": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    "boolean": r"^(?i:true|false)$",
}


@dataclass(frozen=True)
class CsvFile:
    """One file as it was stored."""

    name: str
    content: bytes


def arrow_schema(schema: DatasetSchema) -> pa.Schema:
    """The column types of a checked table."""
    return pa.schema([(field.name, _ARROW[field.type]) for field in schema.fields])


def read(files: list[CsvFile], schema: DatasetSchema) -> pa.Table:
    """Read files of one dataset and check them.

    Returns:
        a table with exactly the schema's columns and types, in the schema's order.

    Raises:
        JobFailedError: header or contents do not fit.
    """
    table = pa.concat_tables([_read_one(file, schema) for file in files])
    headers = {_first_line(file): file.name for file in files}
    if len(headers) > 1:
        raise JobFailedError(
            f"The column headers of {', '.join(sorted(headers.values()))} differ; "
            "all files of a job need the same."
        )
    return table


def write(table: pa.Table) -> bytes:
    """The table as CSV, header first; null as an empty cell."""
    sink = io.BytesIO()
    sink.write((",".join(table.column_names) + "\n").encode())  # arrow would quote the header
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return sink.getvalue()


def _read_one(file: CsvFile, schema: DatasetSchema) -> pa.Table:
    names = _header(file, schema)
    try:
        raw = csv.read_csv(
            io.BytesIO(file.content),
            parse_options=csv.ParseOptions(escape_char="\\"),
            convert_options=csv.ConvertOptions(
                include_columns=names,
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise JobFailedError(f"Input CSV {file.name} cannot be read: {error}.") from error
    spare = 0 if schema.kind == "INTERACTIONS" else int(raw.num_rows * FORGIVEN)
    columns = [
        _column(raw.column(field.name), field, spare=0 if field.name in _IDS else spare)
        for field in schema.fields
    ]
    return pa.table(columns, schema=arrow_schema(schema))


def _first_line(file: CsvFile) -> str:
    end = file.content.find(b"\n")
    line = file.content if end < 0 else file.content[:end]
    return line.decode("utf-8-sig").strip("\r")


def _header(file: CsvFile, schema: DatasetSchema) -> list[str]:
    """The columns to read: the schema's.

    Others are left out, as AWS must do: some of its sample notebooks import what pandas wrote with
    row numbers in a column without a name.
    """
    try:
        names = _first_line(file).split(",")
        file.content.decode()
    except UnicodeDecodeError as error:
        raise JobFailedError(f"Input CSV {file.name} is not UTF-8: {error.reason}.") from error
    wanted = [field.name for field in schema.fields]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise JobFailedError(f"Input CSV is missing the following columns:[{', '.join(missing)}].")
    twice = [name for name in wanted if names.count(name) > 1]
    if twice:
        raise JobFailedError(f"Input CSV has a column twice:[{', '.join(twice)}].")
    return wanted


def _column(raw: pa.ChunkedArray, field: Field, *, spare: int) -> pa.ChunkedArray:
    """The typed column; up to `spare` cells that break a rule are null."""
    if not field.nullable and raw.null_count > spare:
        _refuse(pc.is_null(raw), raw, f"Column {field.name} cannot be null")
    if field.type == "string":
        return _strings(raw, field)
    fits = pc.fill_null(pc.match_substring_regex(raw, _NUMBERS[field.type]), True)
    if len(raw) - pc.sum(fits, min_count=0).as_py() > spare:
        _refuse(pc.invert(fits), raw, f"Column {field.name} must be of type {field.type}")
    fitting = pc.if_else(fits, raw, pa.scalar(None, pa.string()))
    try:
        if field.type == "boolean":
            return pc.utf8_lower(fitting).cast(pa.bool_())
        return fitting.cast(_ARROW[field.type])
    except pa.ArrowInvalid as error:
        raise JobFailedError(
            f"Column {field.name} must be of type {field.type}: {error}."
        ) from error


def _strings(raw: pa.ChunkedArray, field: Field) -> pa.ChunkedArray:
    if field.textual:
        return pc.utf8_slice_codeunits(raw, 0, MAX_TEXT)
    longest = MAX_ID if field.name in _IDS else MAX_STRING
    _refuse(
        pc.greater(pc.utf8_length(raw), longest),
        None,
        f"Length cannot be more than {longest} characters for {field.name}",
    )
    _refuse(
        pc.is_in(raw, value_set=pa.array(sorted(KEYWORDS))),
        raw,
        f"Column {field.name} has a reserved keyword as a value",
    )
    return raw


def _refuse(bad: pa.ChunkedArray, raw: pa.ChunkedArray | None, message: str) -> None:
    """Fail with the first row for which `bad` is true.

    Raises:
        JobFailedError: there is such a row.
    """
    row = pc.index(bad, True).as_py()
    if row < 0:
        return
    value = None if raw is None else raw[row].as_py()
    shown = "" if value is None else f": '{value}'"
    raise JobFailedError(f"{message}. (first at row {row + 1}{shown})")
