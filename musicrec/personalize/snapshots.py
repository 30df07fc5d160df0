"""Recommendation lists of a day, kept in the bucket so that a later day has something to compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX: Final = "operate/lists/"


class Snapshot(Struct, frozen=True, kw_only=True):
    """Lists of one day.

    Attributes:
        day: `YYYY-MM-DD`.
        lists: track ids by listener, the best first.
    """

    day: str
    lists: dict[str, list[str]]


def save(s3: S3Client, bucket: str, day: str, lists: Mapping[str, Sequence[str]]) -> Snapshot:
    """Keep the lists of a day; those of an earlier run of the same day are replaced."""
    made = Snapshot(day=day, lists={user: list(tracks) for user, tracks in lists.items()})
    s3.put_object(
        Bucket=bucket,
        Key=f"{PREFIX}{day}.json",
        Body=msgspec.json.encode(made),
        ContentType="application/json",
    )
    return made


def before(s3: S3Client, bucket: str, day: str) -> Snapshot | None:
    """The newest lists of an earlier day, or None."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    keys = [row["Key"] for page in pages for row in page.get("Contents", ())]
    earlier = [key for key in keys if key < f"{PREFIX}{day}.json"]
    if not earlier:
        return None
    body = s3.get_object(Bucket=bucket, Key=max(earlier))["Body"].read()
    return msgspec.json.decode(body, type=Snapshot)
