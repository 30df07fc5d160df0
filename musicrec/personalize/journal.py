"""What an experiment did, kept in the bucket while it goes on, so that nobody is asked twice.

Running a comparison again reads what was kept and goes on with what is missing. That makes it cheap
to look at again, and keeps a second run from answering for listeners who have moved on since.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

PREFIX: Final = "operate/experiments/"

Entry = TypeVar("Entry", bound=msgspec.Struct)


@contextmanager
def kept(s3: S3Client, bucket: str, name: str, kind: type[Entry]) -> Iterator[list[Entry]]:
    """The entries so far; what the block appends is kept when it ends, also when it fails.

    Args:
        s3: where to.
        bucket: of the stack.
        name: of the journal, e.g. `first/lists`.
        kind: of the entries.

    Raises:
        msgspec.ValidationError: what was kept under the name is of another kind.
    """
    key = f"{PREFIX}{name}.json"
    entries = _read(s3, bucket, key, kind)
    before = len(entries)
    try:
        yield entries
    finally:
        if len(entries) > before:
            s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=msgspec.json.encode(entries),
                ContentType="application/json",
            )


def _read(s3: S3Client, bucket: str, key: str, kind: type[Entry]) -> list[Entry]:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return []
        raise
    return msgspec.json.decode(body, type=list[kind])  # type: ignore[valid-type]  # known at run time
