"""Results of queries where Athena keeps them: a CSV or text file in S3, read back page by page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv

from musicrec.local.athena.values import texts

if TYPE_CHECKING:
    from musicrec.local.athena.engine import Rows
    from musicrec.local.athena.objects import Store
    from musicrec.local.athena.types import Column

Row = Sequence[str | None]

_METADATA: Final = ".metadata"


def write_csv(rows: Rows, uri: str, store: Store, folder: Path) -> int:
    """Write a query's rows as Athena does: every value quoted, a null as nothing at all.

    Args:
        rows: to write.
        uri: of the file; its metadata goes beside it.
        store: where to.
        folder: for the file until it is complete.

    Returns:
        how many rows there were.
    """
    count = 0
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(_line([column.name for column in rows.columns]))
        for batch in rows.batches:
            count += batch.num_rows
            columns = [texts(column) for column in batch.columns]
            file.writelines(map(_line, zip(*columns, strict=True)))
        file.seek(0)
        store.write(uri, file)
    write_metadata(rows.columns, f"{uri}{_METADATA}", store)
    return count


def write_metadata(columns: list[Column], uri: str, store: Store) -> None:
    """Write what the columns are. Athena's own form of this file is not documented."""
    store.write(uri, msgspec.json.encode([column.info() for column in columns]))


def write_text(lines: Iterable[str], columns: list[Column], uri: str, store: Store) -> None:
    """Write the answer of a statement that is no query."""
    store.write(uri, "".join(f"{line}\n" for line in lines).encode())
    write_metadata(columns, f"{uri}{_METADATA}", store)


def read_csv(body: bytes, width: int) -> list[Row]:
    """The rows of a file that `write_csv` wrote, its header among them."""
    names = [f"f{index}" for index in range(width)]
    table = pa_csv.read_csv(
        pa.BufferReader(body),
        read_options=pa_csv.ReadOptions(column_names=names),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def shown(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Rows as `GetQueryResults` shows them."""
    for row in rows:
        yield {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}


def _line(values: Iterable[str | None]) -> bytes:
    return f"{','.join(map(_field, values))}\n".encode()


def _field(value: str | None) -> str:
    if value is None:
        return ""
    doubled = value.replace('"', '""')
    return f'"{doubled}"'
