"""JSON records into one Parquet file with a Glue table's columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from musicrec.local.firehose.schema import coerced

_BATCH_ERRORS = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError)


def to_parquet(
    payloads: Sequence[bytes], schema: pa.Schema, compression: str
) -> tuple[bytes | None, dict[int, str]]:
    """Convert records; members that are no column are left out, absent ones become null.

    Args:
        payloads: JSON objects.
        schema: of the file.
        compression: Parquet codec.

    Returns:
        the file, None if no record could be converted, and why the others could not, by index.
    """
    rows, failed = _decode(payloads)
    try:
        table = _table(list(rows.values()), schema)
    except _BATCH_ERRORS:
        rows = _coerce(rows, schema, failed)
        table = _table(list(rows.values()), schema)
    if not rows:
        return None, failed
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=compression)
    return buffer.getvalue(), failed


def _decode(payloads: Sequence[bytes]) -> tuple[dict[int, Any], dict[int, str]]:
    rows: dict[int, Any] = {}
    failed: dict[int, str] = {}
    for index, payload in enumerate(payloads):
        try:
            rows[index] = msgspec.json.decode(payload, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            failed[index] = f"not a JSON object: {error}"
    return rows, failed


def _coerce(rows: dict[int, Any], schema: pa.Schema, failed: dict[int, str]) -> dict[int, Any]:
    """Read each row on its own, leniently; rows that cannot be read are added to `failed`."""
    good: dict[int, Any] = {}
    for index, row in rows.items():
        name = ""
        try:
            fitting = {}
            for field in schema:
                name = field.name
                fitting[name] = coerced(row.get(name), field.type)
        except (ValueError, TypeError, OverflowError) as error:
            failed[index] = f"column {name}: {error}"
        else:
            good[index] = fitting
    return good


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)
