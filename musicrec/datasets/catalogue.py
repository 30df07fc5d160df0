"""The catalogue artefact in the stack's bucket: published from the Kaggle file, refreshed daily."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from musicrec import catalog
from musicrec.catalog import Catalog, CleaningReport, Track
from musicrec.datasets import popular_list

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CATALOG_KEY: Final = "catalog/catalog.sqlite"
"""Where `Deployment.catalog_uri` points."""


class CatalogNotPublishedError(LookupError):
    """The bucket has no catalogue."""

    def __init__(self, bucket: str) -> None:
        super().__init__(
            f"s3://{bucket}/{CATALOG_KEY} does not exist: publish the Kaggle tracks file with "
            "musicrec.datasets.catalogue.publish"
        )


def publish(path: Path | str, s3: S3Client, bucket: str) -> CleaningReport:
    """Read the Kaggle tracks file, and put the artefact where Lambdas and builds look for it.

    Tracks that a daily build added since they were merely seen played stay, where the file lacks
    them. Until a daily build lists what was heard, the list for everybody (`musicrec.popular`) is of
    the tracks that the file calls popular.

    Args:
        path: the Kaggle CSV, plain or gzip.
        s3: client.
        bucket: the stack's.

    Returns:
        What was cleaned.

    Raises:
        CatalogFormatError: the file is not the Kaggle tracks file.
    """
    tracks, report = catalog.read_kaggle(path)
    merged = _seen_before(s3, bucket) | {track.track_id: track for track in tracks}
    upload(merged.values(), s3, bucket)
    _list_popular(merged.values(), s3, bucket)
    return report


@contextmanager
def downloaded(s3: S3Client, bucket: str) -> Iterator[Catalog]:
    """The bucket's catalogue as a local file, for as long as the context lasts.

    Raises:
        CatalogNotPublishedError: there is none.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "catalog.sqlite")
        try:
            s3.download_file(bucket, CATALOG_KEY, str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                raise CatalogNotPublishedError(bucket) from error
            raise
        with Catalog(path) as local:
            yield local


def upload(tracks: Iterable[Track], s3: S3Client, bucket: str) -> int:
    """Replace the bucket's catalogue; whoever has the old one open goes on reading it.

    Returns:
        The number of tracks in it.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "catalog.sqlite")
        count = catalog.write(tracks, path)
        s3.upload_file(str(path), bucket, CATALOG_KEY)
    return count


def _list_popular(tracks: Iterable[Track], s3: S3Client, bucket: str) -> None:
    """Write the list of a first day, unless a build has counted what was really heard."""
    standing = popular_list.standing(s3, bucket)
    if standing and standing.until:
        return
    known = [(-track.popularity, track.track_id, track) for track in tracks if track.popularity]
    filling = heapq.nsmallest(popular_list.CANDIDATES, known)
    made = popular_list.compose({}, {}, (track for _, _, track in filling))
    popular_list.upload(made, s3, bucket)


def _seen_before(s3: S3Client, bucket: str) -> dict[str, Track]:
    """Tracks of the standing catalogue that no Kaggle file gave: those have no genre."""
    try:
        with downloaded(s3, bucket) as standing:
            return {track.track_id: track for track in standing if not track.genres}
    except CatalogNotPublishedError:
        return {}
