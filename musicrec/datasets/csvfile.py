r"""Tables as the CSV that Amazon Personalize imports, streamed to S3.

Its rules (developer guide, "Preparing training data"): a header without quotes, UTF-8, one line a
record, an empty cell for null, text in double quotes where it needs them, and a backslash before a
quote or backslash inside. Neither pyarrow's nor pandas's writer offers the backslash. Here each
distinct text is put into its form once, and Arrow gathers the texts of all cells into lines, which
takes half as long as pyarrow's writer.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef
    from numpy.typing import NDArray

PART_BYTES: Final = 16 * 2**20
"""Least size of an uploaded part: 10,000, S3's limit, make 160 GB, more than an import may hold."""

_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)

_LINE_ROWS: Final = 100_000
"""Rows joined at once; keeps a joined string far below Arrow's 2 GB."""


class WrittenFile(Struct, frozen=True, kw_only=True):
    """A file that stands in S3.

    Attributes:
        uri: S3 URI.
        size: bytes.
        sha256: hex digest of its content.
        changed: whether this run wrote it; False when the same content was there.
    """

    uri: str
    size: int
    sha256: str
    changed: bool


def header(names: Sequence[str]) -> bytes:
    """The header line."""
    return f"{','.join(names)}\n".encode()


def lines(table: pa.Table) -> bytes:
    """The rows of a table as CSV lines, without a header; texts may be dictionaries."""
    places = np.empty((table.num_rows, table.num_columns), np.int32)
    pieces, known = [], 0
    for number, column in enumerate(table.columns):
        cells, chosen = _cells(column, "," if number + 1 < table.num_columns else "\n")
        places[:, number] = chosen + known
        pieces.append(cells)
        known += len(cells)
    everything = pa.concat_arrays(pieces)
    starts = range(0, table.num_rows, _LINE_ROWS)
    return b"".join(_joined(everything, places[start : start + _LINE_ROWS]) for start in starts)


def first_cell(line: bytes) -> str:
    """The identifier with which a line begins, as it was before it was quoted."""
    if not line.startswith(b'"'):
        return line.split(b",", 1)[0].decode()
    match = _QUOTED.match(line)
    assert match
    return _ESCAPED.sub(rb"\1", match[1]).decode()


def _is_number(values: pa.Array) -> bool:
    return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))


def _cells(column: pa.ChunkedArray, end: str) -> tuple[pa.Array, NDArray[np.int32]]:
    """What stands in a column, each text once with what follows it, and which of them in each row."""
    is_dictionary = pa.types.is_dictionary(column.type)
    encoded = (column.unify_dictionaries() if is_dictionary else column).combine_chunks()
    encoded = encoded if is_dictionary else encoded.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    if not _is_number(encoded.dictionary):
        texts = _quoted(texts)
    with_empty = pa.concat_arrays([texts, pa.array([""])])
    chosen = pc.fill_null(encoded.indices, len(texts)).to_numpy()
    return pc.binary_join_element_wise(with_empty, end, ""), chosen


def _joined(texts: pa.Array, places: NDArray[np.int32]) -> pa.Buffer:
    """The chosen texts one after the other: as Arrow holds them, they are the lines."""
    chosen = texts.take(pa.array(places.ravel()))
    size = int(np.frombuffer(chosen.buffers()[1], np.int32)[len(chosen)])
    return chosen.buffers()[2].slice(0, size)


def _quoted(texts: pa.Array) -> pa.Array:
    needs_quotes = pc.match_substring_regex(texts, r'[",\\\r\n]|^\s|\s$')
    if not pc.any(needs_quotes).as_py():
        return texts
    escaped = pc.replace_substring_regex(texts, r'(["\\])', r"\\\1")
    quoted = pc.binary_join_element_wise('"', escaped, '"', "")
    return pc.if_else(needs_quotes, quoted, texts)


class S3File:
    """An S3 object written piece by piece, in memory bounded by one part.

    A context manager: leaving it without `finish` takes back what was uploaded.

    Args:
        s3: client.
        bucket: where to.
        key: where to.
        metadata: of the object.
    """

    def __init__(
        self, s3: S3Client, bucket: str, key: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        self._s3, self._bucket, self._key = s3, bucket, key
        self._metadata = metadata or {}
        self._pieces: list[bytes] = []
        self._held = 0
        self._digest = hashlib.sha256()
        self._size = 0
        self._upload: str | None = None
        self._parts: list[CompletedPartTypeDef] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._abort()

    def write(self, data: bytes) -> None:
        """Append `data`; uploads what there is once it makes a part."""
        self._digest.update(data)
        self._size += len(data)
        self._held += len(data)
        self._pieces.append(data)
        if self._held >= PART_BYTES:
            self._upload_part(self._rest())

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def finish(
        self, *, unless_sha256: str | None = None, condition: Mapping[str, Any] | None = None
    ) -> WrittenFile:
        """Make the object visible, or leave the one that is there when it has this content.

        Args:
            unless_sha256: digest of the object that stands there now, if one does.
            condition: `IfMatch` or `IfNoneMatch`, as `PutObject` takes them.
        """
        sha256 = self._digest.hexdigest()
        changed = sha256 != unless_sha256
        if changed:
            self._complete(condition or {})
        else:
            self._abort()
        return WrittenFile(
            uri=f"s3://{self._bucket}/{self._key}", size=self._size, sha256=sha256, changed=changed
        )

    def _upload_part(self, data: bytes) -> None:
        if self._upload is None:
            started = self._s3.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, Metadata=self._metadata
            )
            self._upload = started["UploadId"]
        number = len(self._parts) + 1
        part = self._s3.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload,
            PartNumber=number,
            Body=data,
        )
        self._parts.append({"ETag": part["ETag"], "PartNumber": number})

    def _complete(self, condition: Mapping[str, Any]) -> None:
        if self._upload is None:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=self._rest(),
                Metadata=self._metadata,
                **condition,
            )
            return
        if self._held:
            self._upload_part(self._rest())
        self._s3.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload,
            MultipartUpload={"Parts": self._parts},
            **condition,
        )
        self._upload = None

    def _rest(self) -> bytes:
        """What is not uploaded yet, taken out."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        return data

    def _abort(self) -> None:
        if self._upload is not None:
            self._s3.abort_multipart_upload(
                Bucket=self._bucket, Key=self._key, UploadId=self._upload
            )
            self._upload = None
