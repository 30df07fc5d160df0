"""Reads the bodies of Spotify's player routes, in which every field may be missing or null.

The shapes are those of Spotify's OpenAPI file of 2026-05-30 and of recorded answers; only what the
producer uses is declared, everything else is ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from musicrec.producer.auth import UnavailableError
from musicrec.producer.mapping import is_track_id
from musicrec.producer.playback import Item, Kind, PastPlay, Snapshot

_Shape = TypeVar("_Shape")


class _Device(Struct):
    id: str | None = None
    type: str | None = None
    is_private_session: bool = False


class _Named(Struct):
    name: str | None = None


class _Codes(Struct):
    isrc: str | None = None


class _Track(Struct):
    uri: str
    type: str = "track"
    id: str | None = None
    name: str | None = None
    duration_ms: int | None = None
    artists: list[_Named] | None = None
    album: _Named | None = None
    external_ids: _Codes | None = None


class _Context(Struct):
    uri: str | None = None


class _Player(Struct):
    """`GET /me/player`; every field may be missing or null."""

    device: _Device | None = None
    repeat_state: str | None = None
    timestamp: int | None = None
    context: _Context | None = None
    progress_ms: int | None = None
    is_playing: bool = False
    item: _Track | None = None
    currently_playing_type: str | None = None


class _HistoryRow(Struct):
    track: _Track
    played_at: str


class _History(Struct):
    items: list[_HistoryRow] = []


def read_player(body: Any, t: int) -> Snapshot:
    """What the body of `GET /me/player` shows; of a private session nothing but that it is one.

    Args:
        body: parsed JSON.
        t: when it was true, on the producer's axis.

    Raises:
        UnavailableError: the body has another form.
    """
    player = _converted(body, _Player)
    device = player.device or _Device()
    if device.is_private_session:
        return Snapshot(t=t, kind=Kind.PRIVATE)
    kind = _kind(player)
    playing = kind in {Kind.PLAY, Kind.PAUSE}
    return Snapshot(
        t=t,
        kind=kind,
        item=_item(player.item) if playing and player.item else None,
        position_ms=max(0, player.progress_ms or 0),
        device=device.id,
        device_type=device.type,
        repeat=player.repeat_state or "off",
        timestamp=player.timestamp,
        context_uri=player.context.uri if player.context else None,
    )


def read_history(body: Any, offset_ms: int) -> list[PastPlay]:
    """The plays in the body of `GET /me/player/recently-played`.

    Args:
        body: parsed JSON.
        offset_ms: from the producer's axis to epoch milliseconds.

    Raises:
        UnavailableError: the body has another form.
    """
    rows = _converted(body, _History).items
    # The platform stamps a play when it ends.
    return [PastPlay(_item(row.track), _epoch_ms(row.played_at) - offset_ms) for row in rows]


def _kind(player: _Player) -> Kind:
    item = player.item
    if player.currently_playing_type == "ad":
        return Kind.AD
    if player.currently_playing_type == "episode" or (item is not None and item.type != "track"):
        return Kind.EPISODE
    if item is None:
        # Between two tracks a player may name none although it plays: that says nothing.
        return Kind.ERROR if player.is_playing else Kind.IDLE
    if player.progress_ms is None:
        return Kind.ERROR
    return Kind.PLAY if player.is_playing else Kind.PAUSE


def _item(track: _Track) -> Item:
    return Item(
        uri=track.uri,
        duration_ms=max(0, track.duration_ms or 0),
        track_id=track.id if is_track_id(track.id) else None,
        isrc=track.external_ids.isrc if track.external_ids else None,
        name=track.name or "",
        artists=tuple(artist.name for artist in track.artists or [] if artist.name),
        album=track.album.name if track.album else None,
    )


def _converted(body: Any, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise UnavailableError(f"Spotify's answer has an unknown form: {error}") from error


def _epoch_ms(stamp: str) -> int:
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000)
    except ValueError as error:
        raise UnavailableError(f"Spotify's history has an unknown time: {stamp!r}") from error
