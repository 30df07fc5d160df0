"""The record of one build: what was written where, what was dropped and why, what was imported.

It has no clock in it: a build of the same inputs on the same date has the same manifest, byte for
byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.datasets.checks import Finding
from musicrec.datasets.schemas import DatasetKind

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANIFEST_VERSION: Final = 1


class ManifestNotFoundError(LookupError):
    """No datasets were built for that date."""

    def __init__(self, bucket: str, run_date: str) -> None:
        super().__init__(
            f"s3://{bucket}/{key(run_date)} does not exist: build the datasets of {run_date} with "
            "musicrec.datasets.daily.write first"
        )


class BuiltDataset(Struct, frozen=True, kw_only=True):
    """One CSV.

    Attributes:
        uri: S3 URI.
        rows: without the header.
        size: bytes.
        sha256: hex digest of the file.
        dropped: source rows that gave no row, by reason.
    """

    uri: str
    rows: int
    size: int
    sha256: str
    dropped: dict[str, int]


class Manifest(Struct, frozen=True, kw_only=True):
    """One build.

    Attributes:
        version: of this record's shape.
        stack: the stack's name.
        run_date: `YYYY-MM-DD`.
        datasets: the files, by kind.
        days: interactions by the UTC day on which they happened.
        event_types: interactions by event type.
        listeners: distinct users with interactions.
        tracks_played: distinct items with interactions.
        tracks_added: tracks that this run added to the catalogue since they were merely seen.
        coverage: share of interactions whose user stands in USERS, whose item in ITEMS.
        findings: what the checks found; an error among them means that nothing was imported.
        import_jobs: ARNs by kind; empty before the import.
    """

    version: int = MANIFEST_VERSION
    stack: str
    run_date: str
    datasets: dict[DatasetKind, BuiltDataset]
    days: dict[str, int]
    event_types: dict[str, int]
    listeners: int
    tracks_played: int
    tracks_added: int
    coverage: dict[str, float]
    findings: list[Finding]
    import_jobs: dict[DatasetKind, str] = {}

    @property
    def dropped(self) -> dict[str, int]:
        """Rows dropped from all three datasets, by dataset and reason, without zeros."""
        return {
            f"{kind}: {reason}": count
            for kind, built in self.datasets.items()
            for reason, count in built.dropped.items()
            if count
        }


def folder(run_date: str) -> str:
    """The key prefix of a date's files."""
    return f"datasets/{run_date}/"


def key(run_date: str) -> str:
    """The manifest's key."""
    return f"{folder(run_date)}manifest.json"


def load(s3: S3Client, bucket: str, run_date: str) -> Manifest:
    """The manifest of a date's latest build.

    Raises:
        ManifestNotFoundError: nothing was built for that date.
    """
    try:
        answer = s3.get_object(Bucket=bucket, Key=key(run_date))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise ManifestNotFoundError(bucket, run_date) from error
        raise
    return msgspec.json.decode(answer["Body"].read(), type=Manifest)


def save(manifest: Manifest, s3: S3Client, bucket: str) -> None:
    """Write the manifest beside its files."""
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    s3.put_object(
        Bucket=bucket,
        Key=key(manifest.run_date),
        Body=body,
        ContentType="application/json",
    )
