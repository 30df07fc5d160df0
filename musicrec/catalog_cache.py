"""The catalogue artefact in S3, kept on a Lambda's own disk and renewed when it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec.catalog import Catalog
from musicrec.retry import error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_AGE_S: Final = 600.0
"""How long the artefact is taken as current without asking S3, seconds."""

# S3 answers 403 instead of 404 to a role that may not list the bucket.
_ABSENT: Final = frozenset({"403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey"})


class CatalogMissingError(LookupError):
    """There is no catalogue artefact where the settings point."""

    def __init__(self, uri: str, code: str) -> None:
        super().__init__(
            f"no catalogue at {uri}, or no right to read it (S3 says {code}); "
            "publish the Kaggle tracks file with musicrec.datasets.catalogue.publish"
        )


class _Held(Struct, frozen=True):
    catalog: Catalog
    path: Path
    etag: str


class CatalogCache:
    """The catalogue, downloaded once and again only when S3 holds another.

    Args:
        s3: client.
        uri: `s3://bucket/key` of the artefact.
        clock: monotonic seconds.
        directory: where downloads are kept, e.g. `tempfile.gettempdir()`; several processes may
            share it.
    """

    def __init__(
        self, s3: S3Client, uri: str, clock: Callable[[], float], directory: Path | str
    ) -> None:
        parts = urlsplit(uri)
        self._s3, self._uri, self._clock = s3, uri, clock
        self._bucket, self._key = parts.netloc, parts.path.lstrip("/")
        self._directory = Path(directory)
        self._held: _Held | None = None
        self._checked = 0.0

    @property
    def held(self) -> Catalog | None:
        """The catalogue that is here already, however old; None before the first."""
        return self._held.catalog if self._held else None

    def current(self, max_age_s: float = MAX_AGE_S) -> Catalog:
        """The catalogue as it was in S3 at most `max_age_s` seconds ago.

        A catalogue that is held already serves on while S3 cannot be reached. It is closed when a
        newer one takes its place, so ask again for each batch.

        Raises:
            CatalogMissingError: none was ever found.
            ClientError: S3 refuses and none was ever found.
            BotoCoreError: S3 cannot be reached and none was ever found.
        """
        held = self._held
        if held is None or self._clock() - self._checked >= max_age_s:
            try:
                held = self._held = self._renewed(held)
            except (BotoCoreError, ClientError) as error:
                if held is None:
                    raise self._named(error) from error
            self._checked = self._clock()
        return held.catalog

    def _renewed(self, held: _Held | None) -> _Held:
        etag = self._s3.head_object(Bucket=self._bucket, Key=self._key)["ETag"].strip('"')
        if held is not None and held.etag == etag:
            return held
        path = self._directory / f"catalog-{self._fingerprint(etag)}.sqlite"
        if not path.is_file():
            self._download(path, etag)
        fresh = _Held(Catalog(path), path, etag)
        if held is not None:
            held.catalog.close()
            held.path.unlink(missing_ok=True)
        return fresh

    def _download(self, path: Path, etag: str) -> None:
        partial = path.with_name(f"{path.name}.{uuid4().hex}")
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._key, IfMatch=f'"{etag}"')
        try:
            with partial.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(1 << 20):
                    file.write(chunk)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _fingerprint(self, etag: str) -> str:
        return hashlib.sha256(f"{self._uri}\n{etag}".encode()).hexdigest()[:32]

    def _named(self, error: BotoCoreError | ClientError) -> Exception:
        code = error_code(error)
        return CatalogMissingError(self._uri, code) if code in _ABSENT else error
