"""The raw lake's objects, listed day by day: what may be new, and what an archive has swallowed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from msgspec import Struct

from musicrec.processor import encoding, lake

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

PREFIX: Final = "raw/"
NOTICES: Final = "notices/"
"""Where whoever writes to days of long ago says so; see `notify`."""

COLUMNS: Final = encoding.encoded(lake.SCHEMA)
"""Columns of the raw lake as they are read here: repeating texts are dictionaries."""

_PARTITION: Final = "dt="
_ARCHIVES: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes whose objects S3 refuses to read (InvalidObjectState) until they are restored."""


class RawObject(Struct, frozen=True, kw_only=True):
    """One Parquet file of the raw lake.

    Attributes:
        key: in the bucket.
        etag: changes with the content.
        size: bytes.
        archived: whether it cannot be read.
    """

    key: str
    etag: str
    size: int
    archived: bool

    @property
    def name(self) -> str:
        """The key below its day."""
        return self.key.rsplit("/", 1)[1]


class RawObjects:
    """Lists and reads the raw lake of one bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def days(self) -> list[str]:
        """The days that have a partition, ascending; a request for every 1,000 of them."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX, Delimiter="/"
        )
        folders = (row["Prefix"] for page in pages for row in page.get("CommonPrefixes", ()))
        return sorted(filter(None, (day_of(folder) for folder in folders)))

    def of_day(self, day: str) -> list[RawObject]:
        """A day's files by key; a request for every 1,000 of them."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=f"{PREFIX}{_PARTITION}{day}/",
            OptionalObjectAttributes=["RestoreStatus"],
        )
        rows = (row for page in pages for row in page.get("Contents", ()))
        found = [_object(row) for row in rows if row["Key"].endswith(".parquet")]
        return sorted(found, key=lambda one: one.key)

    def read(self, wanted: RawObject) -> pa.Table:
        """A file's rows in the columns `COLUMNS`; a column that it lacks is null."""
        body = self._s3.get_object(Bucket=self._bucket, Key=wanted.key)["Body"].read()
        return encoding.read(body, COLUMNS)

    def notices(self) -> dict[str, list[str]]:
        """The notices that stand, by day."""
        found: dict[str, list[str]] = {}
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=NOTICES
        )
        for page in pages:
            for row in page.get("Contents", ()):
                if day := day_of(row["Key"].rsplit("/", 1)[0] + "/"):
                    found.setdefault(day, []).append(row["Key"])
        return found

    def settle(self, notices: list[str]) -> None:
        """Take down notices whose days have been looked at since."""
        for key in notices:
            self._s3.delete_object(Bucket=self._bucket, Key=key)


def notify(s3: S3Client, bucket: str, key: str) -> None:
    """Say that an object was written under a day of long ago, once it stands.

    The daily build looks at such a day once a week only; after a notice the next build does.

    Args:
        s3: client.
        bucket: the stack's.
        key: of the raw object.
    """
    s3.put_object(Bucket=bucket, Key=f"{NOTICES}{key.removeprefix(PREFIX)}", Body=b"")


def day_of(folder: str) -> str | None:
    """The day of a partition's folder, `.../dt=YYYY-MM-DD/`; None when it is none of ours."""
    name = folder.rstrip("/").rsplit("/", 1)[1]
    day = name.removeprefix(_PARTITION)
    try:
        date.fromisoformat(day)
    except ValueError:
        return None  # e.g. Hive's default partition
    return day if name != day else None


def _object(row: ObjectTypeDef) -> RawObject:
    restored = "RestoreExpiryDate" in row.get("RestoreStatus", {})
    return RawObject(
        key=row["Key"],
        etag=row["ETag"].strip('"'),
        size=row["Size"],
        archived=row.get("StorageClass") in _ARCHIVES and not restored,
    )
