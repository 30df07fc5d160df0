"""The record of one build: what was written where, what was dropped and why, how it was imported.

It has no clock in it: a build of the same inputs on the same date has the same manifest, byte for
byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.datasets.checks import Finding
from musicrec.datasets.schemas import DatasetKind

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANIFEST_VERSION: Final = 2
"""Builds of version 1 knew FULL imports only, and no curated days."""

ImportMode = Literal["FULL", "INCREMENTAL", "NONE"]


_FOLDER: Final = "datasets/"


class ManifestNotFoundError(LookupError):
    """No datasets were built for that date."""

    def __init__(self, bucket: str, run_date: str) -> None:
        super().__init__(
            f"s3://{bucket}/{key(run_date)} does not exist: build the datasets of {run_date} with "
            "musicrec.datasets.daily.write first"
        )


class Plan(Struct, frozen=True, kw_only=True):
    """How one dataset gets into Personalize; see `musicrec.datasets.plans`.

    Attributes:
        mode: the import's mode; `NONE` when nothing is to be imported.
        why: the reason, as a sentence without a full stop.
        base: run date of the build that an increment stands on; None for a FULL import.
        full_on: run date of the FULL import under everything.
    """

    mode: ImportMode = "FULL"
    why: str = ""
    base: str | None = None
    full_on: str = ""


class WholeFile(Struct, frozen=True, kw_only=True):
    """A CSV of all rows: S3 URI, bytes, hex digest."""

    uri: str
    size: int
    sha256: str


class BuiltDataset(Struct, frozen=True, kw_only=True):
    """One dataset: the CSV that the import takes, and how.

    Attributes:
        uri: S3 URI.
        rows: without the header.
        size: bytes.
        sha256: hex digest of the file.
        dropped: source rows that gave no row, by reason; for an increment those since its base.
        plan: the import's mode, and why.
        schema: fingerprint of the columns.
        whole: the file of all rows, with which a later build compares; None for INTERACTIONS.
    """

    uri: str
    rows: int
    size: int
    sha256: str
    dropped: dict[str, int]
    plan: Plan = Plan()
    schema: str = ""
    whole: WholeFile | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """One build.

    Attributes:
        version: of this record's shape.
        stack: the stack's name.
        run_date: `YYYY-MM-DD`.
        engine: which engine read the curated interactions.
        datasets: the files, by kind.
        days: all interactions by the UTC day on which they happened, those of earlier imports too.
        generations: how often each curated day had been written; what came in later is news to the
            next build.
        event_types: interactions of the file by event type.
        listeners: distinct users with interactions in the file.
        tracks_played: distinct items with interactions in the file.
        tracks_added: tracks that this run added to the catalogue since they were merely seen.
        coverage: share of the file's interactions whose user stands in USERS, whose item in ITEMS.
        findings: what the checks found; an error among them means that nothing was imported.
        import_jobs: ARNs by kind, of an earlier build's job where nothing was to be imported; empty
            before the import.
    """

    version: int = MANIFEST_VERSION
    stack: str
    run_date: str
    engine: str = "lambda"
    datasets: dict[DatasetKind, BuiltDataset]
    days: dict[str, int]
    generations: dict[str, int] = {}
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
    return f"{_FOLDER}{run_date}/"


def key(run_date: str) -> str:
    """The manifest's key."""
    return f"{folder(run_date)}manifest.json"


def dates(s3: S3Client, bucket: str) -> list[str]:
    """The dates that have files of a build; a request for every 1,000 of them."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=_FOLDER, Delimiter="/"
    )
    folders = (row["Prefix"] for page in pages for row in page.get("CommonPrefixes", ()))
    return [folder.removeprefix(_FOLDER).rstrip("/") for folder in folders]


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
