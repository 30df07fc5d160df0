"""Rows as the files of a table: what CREATE TABLE AS, INSERT INTO and UNLOAD leave in S3."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, json

from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.partitions import HIVE_NULL
from musicrec.local.athena.values import texts

if TYPE_CHECKING:
    from musicrec.local.athena.objects import Store

MAX_PARTITIONS: Final = 100
"""Partitions that one statement may write (Athena quota)."""

_PARQUET_CODECS: Final = {"SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "NONE": "none"}
_TEXT_CODECS: Final = {"GZIP": ".gz", "NONE": ""}
_UNESCAPED: Final = " !\"$&'()+,-.;<>@_`|~"


class FileForm(Struct, frozen=True):
    """How files are written.

    Attributes:
        format: `PARQUET`, `TEXTFILE` or `JSON`.
        compression: codec, e.g. `SNAPPY`.
        delimiter: between the fields of a text file.
    """

    format: str
    compression: str
    delimiter: str = "\x01"


class Written(Struct, frozen=True):
    """What was written.

    Attributes:
        rows: how many.
        files: URIs, in order.
        partitions: values, as text, and folder of each partition.
    """

    rows: int
    files: list[str]
    partitions: dict[tuple[str, ...], str]


class _Sink(Protocol):
    """One file that is being written."""

    def write(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


Locate = Callable[[tuple[str, ...]], str]
"""The folder of a partition, by its values as text."""


def hive_folders(location: str, keys: list[str]) -> Locate:
    """Partitions in folders such as `dt=2026-01-01/` below a location."""

    def locate(values: tuple[str, ...]) -> str:
        parts = (f"{k}={quote(v, safe=_UNESCAPED)}/" for k, v in zip(keys, values, strict=True))
        return f"{location}{''.join(parts)}"

    return locate


class Files:
    """Writes the files of one statement.

    Args:
        store: where to.
        folder: for files until they are complete.
        name: what their names start with.
        form: of the files.
    """

    def __init__(self, store: Store, folder: Path, name: str, form: FileForm) -> None:
        self._store = store
        self._folder = folder
        self._name = name
        self._form = _checked(form)

    def write(self, batches: Iterator[pa.RecordBatch], keys: int, locate: Locate) -> Written:
        """Write all rows, a file for each partition.

        Args:
            batches: of the rows; the last `keys` columns are the partition keys.
            keys: how many.
            locate: where a partition lies.

        Raises:
            QueryFailedError: there are too many partitions, or they cannot be written.
        """
        open_files: dict[tuple[str, ...], tuple[IO[bytes], _Sink]] = {}
        rows = 0
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            for batch in batches:
                rows += batch.num_rows
                for values, part in _parts(batch, keys):
                    if values not in open_files:
                        open_files[values] = self._open(folder, len(open_files), part.schema)
                    open_files[values][1].write(part)
            files = [
                self._keep(file, sink, locate(values))
                for values, (file, sink) in open_files.items()
            ]
        partitions = {values: locate(values) for values in open_files} if keys else {}
        return Written(rows, files, partitions)

    def _open(self, folder: str, number: int, schema: pa.Schema) -> tuple[IO[bytes], _Sink]:
        if number >= MAX_PARTITIONS:
            raise QueryFailedError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions/buckets",
            )
        file = (Path(folder) / f"{number:05}").open("w+b")
        return file, _sink(file, schema, self._form)

    def _keep(self, file: IO[bytes], sink: _Sink, folder: str) -> str:
        with file:
            sink.close()
            file.seek(0)
            uri = f"{folder}{self._name}_{Path(file.name).name}{self._suffix}"
            self._store.write(uri, file)
        return uri

    @property
    def _suffix(self) -> str:
        return "" if self._form.format == "PARQUET" else _TEXT_CODECS[self._form.compression]


def _checked(form: FileForm) -> FileForm:
    codecs = _PARQUET_CODECS if form.format == "PARQUET" else _TEXT_CODECS
    if form.format not in {"PARQUET", "TEXTFILE", "JSON"} or form.compression not in codecs:
        raise QueryFailedError(
            "NOT_SUPPORTED",
            f"The embedded Athena does not write {form.format} with {form.compression}; it writes "
            f"PARQUET ({', '.join(_PARQUET_CODECS)}), TEXTFILE and JSON ({', '.join(_TEXT_CODECS)})",
        )
    return form


def _parts(batch: pa.RecordBatch, keys: int) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch]]:
    """The rows of each partition, without the columns that say which."""
    if not keys:
        yield (), batch
        return
    width = batch.num_columns - keys
    columns = [
        [HIVE_NULL if text is None else text for text in texts(column)]
        for column in batch.columns[width:]
    ]
    rows = list(zip(*columns, strict=True))
    data = batch.select(range(width))
    for values in dict.fromkeys(rows):
        chosen = pa.array([index for index, row in enumerate(rows) if row == values])
        yield values, data.take(chosen)


def _sink(file: IO[bytes], schema: pa.Schema, form: FileForm) -> _Sink:
    if form.format == "PARQUET":
        return _ParquetSink(file, schema, form.compression)
    return _TextSink(file, form)


class _ParquetSink:
    """Parquet as Trino writes it: times in 96 bits."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, compression: str) -> None:
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression=_PARQUET_CODECS[compression],
            use_deprecated_int96_timestamps=True,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _TextSink:
    """Lines of text, delimited or JSON."""

    def __init__(self, file: IO[bytes], form: FileForm) -> None:
        self._form = form
        packed = form.compression == "GZIP"
        self._packer = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if packed else None
        self._out: Any = self._packer or file

    def write(self, batch: pa.RecordBatch) -> None:
        if self._form.format == "JSON":
            self._out.writelines(json.encode(row) + b"\n" for row in batch.to_pylist())
            return
        columns = [[r"\N" if t is None else t for t in texts(c)] for c in batch.columns]
        rows = zip(*columns, strict=True)
        self._out.writelines(f"{self._form.delimiter.join(row)}\n".encode() for row in rows)

    def close(self) -> None:
        if self._packer is not None:
            self._packer.close()
