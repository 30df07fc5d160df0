"""From a row of an export to what an event needs of it.

A row of the extended format also holds the listener's address, user agent, country and, in old
exports, name. They are not declared here, so they end with the row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from musicrec.events import DAY_MS, MAX_OCCURRED_AT
from musicrec.producer.history.files import Format
from musicrec.producer.history.report import Reason
from musicrec.producer.mapping import is_track_id

FIRST_STREAM_MS: Final = 1_222_819_200_000
"""2008-10-01: Spotify opened that month."""

OFFLINE_IN_MS: Final = 1e11
"""`offline_timestamp` above this is in milliseconds (old exports), below in seconds."""

SILENT_SKIPS: Final = frozenset({"fwdbtn", "backbtn"})
"""Reasons for which a stream of 0 ms is still somebody's decision."""

_MAX_NAME: Final = 1000
_TRACK: Final = "spotify:track:"
_LOCAL: Final = "spotify:local:"


class Stream(Struct, frozen=True, kw_only=True):
    """One stream as the export tells it.

    Attributes:
        kind: of the export.
        ended_at: `ts` or `endTime`, epoch milliseconds; the short format knows the minute only.
        ms_played: audible time.
        track_id: None in the short format.
        name: title.
        artist: the album's first artist.
        album: None in the short format.
        reason_end: why it ended; None when the export does not say.
        skipped: Spotify's own flag; None when the export does not say.
        offline_s: `offline_timestamp` in whole seconds, whatever its vintage, where it can be one:
            the start by the device's clock.
    """

    kind: Format
    ended_at: int
    ms_played: int
    track_id: str | None
    name: str | None
    artist: str | None
    album: str | None = None
    reason_end: str | None = None
    skipped: bool | None = None
    offline_s: int | None = None


class _ExtendedRow(Struct):
    ts: str
    ms_played: int
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    spotify_track_uri: str | None = None
    spotify_episode_uri: str | None = None
    episode_name: str | None = None
    audiobook_uri: str | None = None
    audiobook_chapter_uri: str | None = None
    reason_end: str | None = None
    skipped: bool | None = None
    offline_timestamp: float | None = None
    incognito_mode: bool | None = None


class _ShortRow(Struct, rename="camel"):
    end_time: str
    ms_played: int
    artist_name: str | None = None
    track_name: str | None = None
    episode_name: str | None = None
    podcast_name: str | None = None


def read(kind: Format, row: Any) -> Stream | Reason:
    """The stream that a row tells of, or why it is none for us."""
    try:
        return _extended(row) if kind is Format.EXTENDED else _short(row)
    except msgspec.ValidationError:
        return Reason.UNREADABLE


def ended_at(kind: Format, row: Any) -> int | None:
    """When a row ended, epoch milliseconds, whatever else it is; None when it cannot be read."""
    if not isinstance(row, dict):
        return None
    text = row.get("ts" if kind is Format.EXTENDED else "endTime")
    return _epoch_ms(text) if isinstance(text, str) else None


def _extended(raw: Any) -> Stream | Reason:
    row = msgspec.convert(raw, _ExtendedRow)
    at = _epoch_ms(row.ts)
    if at is None or row.ms_played < 0:
        return Reason.TIME if at is None else Reason.UNREADABLE
    reason = _not_music(row) or _unwanted(row)
    if reason:
        return reason
    uri = row.spotify_track_uri or ""
    return Stream(
        kind=Format.EXTENDED,
        ended_at=at,
        ms_played=min(row.ms_played, DAY_MS),
        track_id=uri.removeprefix(_TRACK),
        name=_text(row.master_metadata_track_name),
        artist=_text(row.master_metadata_album_artist_name),
        album=_text(row.master_metadata_album_album_name),
        reason_end=_text(row.reason_end),
        skipped=row.skipped,
        offline_s=_offline_s(row.offline_timestamp, at),
    )


def _not_music(row: _ExtendedRow) -> Reason | None:
    uri = row.spotify_track_uri or ""
    if uri.startswith(_LOCAL):
        return Reason.LOCAL
    if uri.startswith(_TRACK) and is_track_id(uri.removeprefix(_TRACK)):
        return None
    if row.spotify_episode_uri or row.episode_name:
        return Reason.PODCAST
    if row.audiobook_uri or row.audiobook_chapter_uri:
        return Reason.AUDIOBOOK
    return Reason.NO_TRACK


def _unwanted(row: _ExtendedRow) -> Reason | None:
    if row.incognito_mode:
        return Reason.PRIVATE
    if row.ms_played == 0 and row.reason_end not in SILENT_SKIPS:
        return Reason.SILENT
    return None


def _short(raw: Any) -> Stream | Reason:
    row = msgspec.convert(raw, _ShortRow)
    at = _epoch_ms(row.end_time)
    if at is None or row.ms_played < 0:
        return Reason.TIME if at is None else Reason.UNREADABLE
    if row.podcast_name or row.episode_name:
        return Reason.PODCAST
    name, artist = _text(row.track_name), _text(row.artist_name)
    if name is None or artist is None:
        return Reason.NO_TRACK
    if row.ms_played == 0:
        return Reason.SILENT
    return Stream(
        kind=Format.SHORT,
        ended_at=at,
        ms_played=min(row.ms_played, DAY_MS),
        track_id=None,
        name=name,
        artist=artist,
    )


def _epoch_ms(text: str) -> int | None:
    """`YYYY-MM-DDTHH:MM:SSZ` or `YYYY-MM-DD HH:MM`, both UTC; None for a time that cannot be."""
    try:
        time = datetime.fromisoformat(text)
        at = round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return at if FIRST_STREAM_MS <= at <= MAX_OCCURRED_AT - DAY_MS else None


def _offline_s(value: float | None, at: int) -> int | None:
    """Seconds since the epoch; None for what is no time: 0, 1 and other junk, or far ahead."""
    if value is None:
        return None
    seconds = value / 1000 if value > OFFLINE_IN_MS else value
    return int(seconds) if FIRST_STREAM_MS <= seconds * 1000 <= at + DAY_MS else None


def _text(value: str | None) -> str | None:
    """A name that can be stored and sent: half a surrogate pair cannot."""
    if not value:
        return None
    good = value if value.isascii() else value.encode(errors="replace").decode()
    return good[:_MAX_NAME]
