"""The list for everybody: what a listener is answered while Personalize cannot say anything.

The daily build writes it beside the catalogue, small enough to be held in memory, with names and
flags, so that it needs neither the catalogue nor Personalize.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec.catalog import Track

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME: Final = "popular.json"

LENGTH: Final = 1_000
"""Tracks of the list: twice what can be asked for, since explicit ones may have to be left out."""

MAX_AGE_S: Final = 600.0
"""How long the list is taken as current without asking S3, seconds."""

_UNCHANGED: Final = "304"


class PopularTrack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One track of the list.

    Attributes:
        track_id: Spotify's id.
        name: title; None when nobody knows it.
        artists: names, main artist first.
        genres: the catalogue's genres.
        explicit: parental advisory flag; None if unknown.
        heard: on how many days of listeners it was heard to its end; 0 where the place in the list
            is by the catalogue's popularity.
    """

    track_id: str
    name: str | None = None
    artists: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    explicit: bool | None = None
    heard: int = 0


class PopularList(Struct, frozen=True, kw_only=True):
    """The list, the most popular first.

    Attributes:
        until: the last day that was counted, `YYYY-MM-DD`; None when nothing was counted yet.
        days: how many days were counted.
        tracks: at most `LENGTH`.
    """

    until: str | None
    days: int
    tracks: tuple[PopularTrack, ...]


class PopularListError(LookupError):
    """There is no list to fall back on, or what lies there is none."""


def listed(track: Track, heard: int = 0) -> PopularTrack:
    """A track of the catalogue as the list has it."""
    return PopularTrack(
        track_id=track.track_id,
        name=track.name,
        artists=track.artists,
        genres=track.genres,
        explicit=track.explicit,
        heard=heard,
    )


def ranked(tracks: Iterable[PopularTrack]) -> tuple[PopularTrack, ...]:
    """The first `LENGTH` tracks, each song once: albums and samplers repeat it under other ids."""
    return tuple(track for track, _ in zip(_songs(tracks), range(LENGTH), strict=False))


def encode(popular: PopularList) -> bytes:
    """The list as it is stored."""
    return msgspec.json.encode(popular)


def beside(catalog_uri: str) -> str:
    """Where the list lies: beside the catalogue artefact."""
    return f"{catalog_uri.rpartition('/')[0]}/{NAME}"


class PopularCache:
    """The list, read once and again only when S3 holds another.

    Args:
        s3: client.
        uri: `s3://bucket/key` of the list.
        clock: monotonic seconds.

    Attributes:
        held: the list that is here already, however old; None before the first.
    """

    def __init__(self, s3: S3Client, uri: str, clock: Callable[[], float]) -> None:
        parts = urlsplit(uri)
        self._s3, self._uri, self._clock = s3, uri, clock
        self._bucket, self._key = parts.netloc, parts.path.lstrip("/")
        self.held: PopularList | None = None
        self._etag = ""
        self._checked = 0.0

    def current(self, max_age_s: float = MAX_AGE_S) -> PopularList:
        """The list as it was in S3 at most `max_age_s` seconds ago; an older one if S3 fails.

        Raises:
            PopularListError: none could ever be read.
        """
        if self.held is None or self._clock() - self._checked >= max_age_s:
            try:
                self.held = self._read()
            except (BotoCoreError, ClientError, msgspec.MsgspecError) as error:
                if self.held is None:
                    raise PopularListError(
                        f"no list of popular tracks at {self._uri} ({error}); publishing the "
                        "catalogue or the daily build writes it"
                    ) from error
            self._checked = self._clock()
        return self.held

    def _read(self) -> PopularList:
        get = partial(self._s3.get_object, Bucket=self._bucket, Key=self._key)
        try:
            answer = get(IfNoneMatch=self._etag) if self.held else get()
        except ClientError as error:
            if self.held and error.response["Error"]["Code"] == _UNCHANGED:
                return self.held
            raise
        read = msgspec.json.decode(answer["Body"].read(), type=PopularList)
        self._etag = answer["ETag"]
        return read


def _songs(tracks: Iterable[PopularTrack]) -> Iterator[PopularTrack]:
    met: set[tuple[str, ...]] = set()
    for track in tracks:
        song = ((track.name or track.track_id).casefold(), *map(str.casefold, track.artists[:1]))
        if song not in met:
            met.add(song)
            yield track
