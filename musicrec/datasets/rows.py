"""Rows made one at a time, handed on as tables of bounded size."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from musicrec.datasets.schemas import DatasetSchema

TABLE_ROWS: Final = 20_000


def tables(
    schema: DatasetSchema, rows: Iterable[Mapping[str, Any]], size: int = TABLE_ROWS
) -> Iterator[pa.Table]:
    """The rows in their order, `size` to a table; an absent column is null."""
    remaining = iter(rows)
    arrow = schema.arrow
    while chunk := list(islice(remaining, size)):
        yield pa.Table.from_pylist(chunk, schema=arrow)
