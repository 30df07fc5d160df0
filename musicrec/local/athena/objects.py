"""The objects behind tables, read from S3 by ranges, with every byte counted.

Parquet files are read as Athena reads them: the footer, then the columns that a query needs.
"""

from __future__ import annotations

import io
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pa_fs
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local.athena.errors import QueryCancelledError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE_BELOW: Final = 1 << 20
"""Objects smaller than this are fetched in one request."""

_ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes that Athena passes over; Glacier Instant Retrieval is read as any other."""


class S3Object(Struct, frozen=True):
    """One object of a listing."""

    bucket: str
    key: str
    size: int

    @property
    def path(self) -> str:
        """Bucket and key, as file systems name it."""
        return f"{self.bucket}/{self.key}"

    @property
    def uri(self) -> str:
        """As Athena's `$path` shows it."""
        return f"s3://{self.path}"


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI.

    Raises:
        QueryFailedError: it is none.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme not in {"s3", "s3a", "s3n"} or not parts.netloc:
        raise QueryFailedError("INVALID_TABLE_PROPERTY", f"Invalid S3 location: {uri!r}")
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc, f"{parts.path.removeprefix('/')}{query}"


def folder(uri: str) -> str:
    """The location with the slash at its end that makes it a folder."""
    return f"{uri.rstrip('/')}/"


class Bytes:
    """Counts what a query reads, and stops it at a limit.

    Args:
        cutoff: bytes that the query may read; None for no limit.
    """

    def __init__(self, cutoff: int | None = None) -> None:
        self.scanned = 0
        self._cutoff = cutoff
        self._lock = Lock()

    @property
    def exhausted(self) -> bool:
        """Whether more than the limit was read."""
        return self._cutoff is not None and self.scanned > self._cutoff

    def add(self, count: int) -> None:
        """Count bytes.

        Raises:
            QueryCancelledError: they are too many.
        """
        with self._lock:
            self.scanned += count
        if self.exhausted:
            raise QueryCancelledError("Query cancelled! : Bytes scanned limit was exceeded")


class Store:
    """What queries need of S3.

    Args:
        s3: boto3 client.
    """

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def readable(self, location: str) -> Iterator[S3Object]:
        """The objects under a folder that Athena reads: not empty, not hidden, not archived.

        Raises:
            QueryFailedError: there is no such bucket.
        """
        prefix_length = len(split_uri(location)[1])
        for entry in self._listing(location):
            archived = entry.get("StorageClass") in _ARCHIVED
            if not archived and entry["Size"] and not _is_hidden(entry["Key"][prefix_length:]):
                yield S3Object(split_uri(location)[0], entry["Key"], entry["Size"])

    def is_empty(self, location: str) -> bool:
        """Whether a folder has no object at all."""
        return next(self._listing(folder(location)), None) is None

    def write(self, uri: str, body: Any) -> None:
        """Store bytes, or what a binary file holds.

        Raises:
            QueryFailedError: there is no such bucket.
        """
        bucket, key = split_uri(uri)
        try:
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        except ClientError as error:
            raise _failed(error, uri) from error

    def read(self, uri: str) -> bytes:
        """An object's bytes.

        Raises:
            QueryFailedError: it is not there.
        """
        bucket, key = split_uri(uri)
        try:
            body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _failed(error, uri) from error
        return body

    def _listing(self, location: str) -> Iterator[dict[str, Any]]:
        bucket, prefix = split_uri(location)
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        try:
            for page in pages:
                yield from page.get("Contents", [])
        except ClientError as error:
            raise _failed(error, location) from error


def _failed(error: ClientError, uri: str) -> QueryFailedError:
    described = error.response["Error"]
    return QueryFailedError(
        "PERMISSION_DENIED" if described["Code"] == "AccessDenied" else "HIVE_FILESYSTEM_ERROR",
        f"{described.get('Message', described['Code'])} (Service: Amazon S3; Error Code: "
        f"{described['Code']}; Path: {uri})",
    )


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


class _Ranges(io.RawIOBase):
    """One object as a file that is read by ranges.

    What is counted is at most the object's size: readers of small files ask for the end twice.
    """

    def __init__(self, s3: Any, source: S3Object, counted: Bytes) -> None:
        super().__init__()
        self._s3 = s3
        self._source = source
        self._counted = counted
        self._asked = 0
        self._place = 0
        self._whole: bytes | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._source.size}
        self._place = start[whence] + offset
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._source.size - self._place, 0)
        length = left if size is None or size < 0 else min(size, left)
        if length == 0:
            return b""
        fresh = min(length, self._source.size - self._asked)
        self._asked += fresh
        self._counted.add(fresh)
        data = self._fetch(self._place, length)
        self._place += length
        return data

    def _fetch(self, start: int, length: int) -> bytes:
        if self._source.size >= WHOLE_BELOW:
            return self._get(Range=f"bytes={start}-{start + length - 1}")
        if self._whole is None:
            self._whole = self._get()
        return self._whole[start : start + length]

    def _get(self, **byte_range: str) -> bytes:
        source = self._source
        try:
            answer = self._s3.get_object(Bucket=source.bucket, Key=source.key, **byte_range)
            body: bytes = answer["Body"].read()
        except ClientError as error:
            raise _failed(error, source.uri) from error
        return body


class _Files(pa_fs.FileSystemHandler):  # type: ignore[misc]  # pyarrow has no types
    """A file system of listed objects, for pyarrow's data sets; it only reads."""

    def __init__(self, s3: Any, sources: list[S3Object], counted: Bytes) -> None:
        self._s3 = s3
        self._sources = {source.path: source for source in sources}
        self._counted = counted

    def get_type_name(self) -> str:
        return "athena"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pa_fs.FileInfo]:
        return [
            pa_fs.FileInfo(path, pa_fs.FileType.File, size=self._sources[path].size)
            for path in paths
        ]

    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile(_Ranges(self._s3, self._sources[path], self._counted), mode="r")

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def _refuse(self, *_: object) -> NoReturn:
        raise PermissionError("queries read their tables' files and do nothing else with them")

    get_file_info_selector = _refuse
    create_dir = _refuse
    delete_dir = _refuse
    delete_dir_contents = _refuse
    delete_root_dir_contents = _refuse
    delete_file = _refuse
    move = _refuse
    copy_file = _refuse
    open_output_stream = _refuse
    open_append_stream = _refuse


def read_whole(s3: Any, source: S3Object, counted: Bytes) -> bytes:
    """All bytes of an object."""
    return _Ranges(s3, source, counted).read()


def file_system(s3: Any, sources: list[S3Object], counted: Bytes) -> pa_fs.FileSystem:
    """The objects as pyarrow reads them."""
    return pa_fs.PyFileSystem(_Files(s3, sources, counted))
