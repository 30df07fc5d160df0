"""A folder that answers like the S3 client, as far as the daily build asks.

The embedded S3 keeps its objects in memory, beside which neither 50 million events nor the memory of
the build itself could be measured.
"""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


class LocalS3:
    """One bucket in a folder, its metadata in a file beside each object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[str, io.BufferedWriter] = {}
        self._uploads = itertools.count()

    def as_client(self) -> S3Client:
        """The same under the type that the package asks for."""
        return cast("S3Client", self)

    def put_object(self, *, Key: str, Body: bytes, **more: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Store an object."""
        path = self._path(Key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        if metadata := more.get("Metadata"):
            path.with_name(f"{path.name}.metadata").write_text(json.dumps(metadata))
        return {}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """An object's content."""
        if not self._path(Key).exists():
            raise _missing("NoSuchKey")
        return {"Body": self._path(Key).open("rb")}

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """An object's metadata."""
        path = self._path(Key)
        if not path.exists():
            raise _missing("404")
        metadata = json.loads(path.with_name(f"{path.name}.metadata").read_text())
        row = self._row(path)
        return {"ETag": row["ETag"], "ContentLength": row["Size"], "Metadata": metadata}

    def delete_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """Remove an object."""
        self._path(Key).unlink(missing_ok=True)
        return {}

    def get_paginator(self, _: str) -> LocalS3:
        """Listings come in pages."""
        return self

    def paginate(
        self,
        *,
        Prefix: str,  # noqa: N803 - as above
        Delimiter: str | None = None,  # noqa: N803 - as above
        **_: Any,
    ) -> Iterator[dict[str, Any]]:
        """A listing of a folder in one page."""
        folder = self._path(Prefix)
        if Delimiter:
            names = sorted(path.name for path in folder.glob("*/"))
            yield {"CommonPrefixes": [{"Prefix": f"{Prefix}{name}/"} for name in names]}
            return
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        yield {"Contents": [self._row(path) for path in files if path.suffix != ".metadata"]}

    def create_multipart_upload(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """Begin an object in parts."""
        upload, path = str(next(self._uploads)), self._path(Key)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._parts[upload] = path.open("wb")
        return {"UploadId": upload}

    def upload_part(self, *, UploadId: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """Append a part."""
        self._parts[UploadId].write(Body)
        return {"ETag": "part"}

    def complete_multipart_upload(self, *, UploadId: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """End an object."""
        self._parts.pop(UploadId).close()
        return {}

    def _path(self, key: str) -> Path:
        return self._folder / key

    def _row(self, path: Path) -> dict[str, Any]:
        found = path.stat()
        key = path.relative_to(self._folder).as_posix()
        return {"Key": key, "ETag": f'"{found.st_mtime_ns}"', "Size": found.st_size}


def _missing(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "S3")
