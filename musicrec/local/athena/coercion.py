"""Whether rows fit a table that they are inserted into, and the rows made to fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.types import full_name

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Table
    from musicrec.local.athena.engine import Rows


def require_same_types(table: Table, chosen: list[str], rows: Rows) -> None:
    """Check that the rows' columns can be those of the table that are chosen.

    Raises:
        QueryFailedError: there are more or fewer, or one is of another type.
    """
    wanted = [table.schema.field(name).type for name in chosen]
    given = [column.type for column in rows.columns]
    same = len(wanted) == len(given) and all(
        pa.types.is_null(have) or _is_coercible(have, want)
        for have, want in zip(given, wanted, strict=True)
    )
    if not same:
        raise QueryFailedError(
            "TYPE_MISMATCH",
            "Insert query has mismatched column types: Table: "
            f"[{', '.join(map(full_name, wanted))}], Query: [{', '.join(map(full_name, given))}]",
        )


def _is_coercible(have: pa.DataType, want: pa.DataType) -> bool:
    """Whether Trino turns the one type into the other by itself, or nearly so."""
    kinds = pa.types
    if kinds.is_struct(have) and kinds.is_struct(want):
        same = have.num_fields == want.num_fields
        return same and all(_is_coercible(a.type, b.type) for a, b in zip(have, want, strict=True))
    if kinds.is_list(have) and kinds.is_list(want):
        return _is_coercible(have.value_type, want.value_type)
    if kinds.is_integer(have) and kinds.is_integer(want):
        return bool(have.bit_width <= want.bit_width)
    rank = _numeric_rank(have)
    if rank is not None and _numeric_rank(want) is not None:
        return rank <= (_numeric_rank(want) or 0)
    return bool(have == want or (kinds.is_date(have) and kinds.is_timestamp(want)))


def _numeric_rank(kind: pa.DataType) -> int | None:
    """Integers go into decimals, decimals into floating numbers; None for what is no number."""
    tests = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating)
    return next((rank for rank, is_kind in enumerate(tests) if is_kind(kind)), None)


def as_table(
    batches: Iterator[pa.RecordBatch], table: Table, chosen: list[str]
) -> Iterator[pa.RecordBatch]:
    """The rows with all of the table's columns, those that were not given null."""
    for batch in batches:
        given = dict(zip(chosen, batch.columns, strict=True))
        arrays = [
            given[field.name].cast(field.type)
            if field.name in given
            else pa.nulls(batch.num_rows, field.type)
            for field in table.schema
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=table.schema)
