"""Reading and writing the files of jobs, with AWS's texts for what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from musicrec.local.personalize.csv_files import CsvFile
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.workers import JobFailedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NO_ACCESS: Final = "Insufficient privileges for accessing data in Amazon S3."
NOTHING_THERE: Final = "Invalid Data location."


GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True)
class Limits:
    """What the input of one job may be at most.

    Attributes:
        size: bytes of all files together.
        files: how many.
    """

    size: int
    files: int | None = None

    def check(self, sizes: list[int]) -> None:
        """Check the sizes of the files.

        Raises:
            JobFailedError: they are too many or too large.
        """
        if self.files is not None and len(sizes) > self.files:
            raise JobFailedError(f"The input has {len(sizes)} files; a job takes {self.files}.")
        if sum(sizes) > self.size:
            raise JobFailedError(f"The input has {sum(sizes)} bytes; a job takes {self.size}.")


def split_location(location: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` location.

    Raises:
        InvalidInputError: it is none.
    """
    scheme, _, path = location.partition("://")
    bucket, _, key = path.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidInputError(f"Invalid Data location. '{location}' must be s3://bucket/key.")
    return bucket, key


def read_csv_files(
    s3: S3Client, location: str, limits: Limits, *, recursive: bool = False
) -> list[CsvFile]:
    """The object at the location; for one that ends in `/`, all CSV objects on that level.

    Args:
        s3: the client.
        location: `s3://bucket/key`.
        limits: of the input, checked before anything is read.
        recursive: also those on the levels below.

    Raises:
        JobFailedError: nothing is there, it is too much, or it cannot be read.
    """
    return read_files(s3, location, ".csv", limits, recursive=recursive)


def read_files(
    s3: S3Client, location: str, ending: str, limits: Limits, *, recursive: bool
) -> list[CsvFile]:
    """The object at the location; for one that ends in `/`, those below it whose names end so.

    Raises:
        JobFailedError: nothing is there, it is too much, or it cannot be read.
    """
    bucket, key = split_location(location)
    try:
        sizes = (
            _sizes(s3, bucket, key, ending, "" if recursive else "/")
            if key.endswith("/") or not key
            else _size(s3, bucket, key)
        )
        limits.check(list(sizes.values()))
        files = [
            CsvFile(name, s3.get_object(Bucket=bucket, Key=name)["Body"].read()) for name in sizes
        ]
    except ClientError as error:
        missing = error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}
        raise JobFailedError(NOTHING_THERE if missing else NO_ACCESS) from error
    except BotoCoreError as error:
        raise JobFailedError(f"{NO_ACCESS} ({error})") from error
    if not files:
        raise JobFailedError(NOTHING_THERE)
    return files


def _size(s3: S3Client, bucket: str, key: str) -> dict[str, int]:
    """The object, if it is there; listed, for a job's role must be able to list its bucket."""
    first = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return {entry["Key"]: entry["Size"] for entry in first if entry["Key"] == key}


def _sizes(s3: S3Client, bucket: str, prefix: str, ending: str, delimiter: str) -> dict[str, int]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter=delimiter
    )
    found = {
        entry["Key"]: entry["Size"] for listed in pages for entry in listed.get("Contents", [])
    }
    return {name: found[name] for name in sorted(found) if name.lower().endswith(ending)}


def write_file(s3: S3Client, location: str, content: bytes) -> None:
    """Write one object.

    Raises:
        JobFailedError: the bucket is not there or refuses.
    """
    bucket, key = split_location(location)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    except (ClientError, BotoCoreError) as error:
        raise JobFailedError(NO_ACCESS) from error
