"""Timelines of simulated listeners: their listening events, played back on a simulated player."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.spotify.timelines import Cause, Device, Medium, Showing, Song, Timeline

LOADING_MS: Final = 3_000
"""A shorter silence between two plays is the player loading the next track; a longer one closes it."""

_CAUSES: Final = {
    EventType.PLAY: Cause.BEGIN,
    EventType.PAUSE: Cause.PAUSE,
    EventType.RESUME: Cause.RESUME,
    EventType.SEEK: Cause.SEEK,
}


def replay(events: Sequence[ListeningEvent], tracks: Mapping[str, Track]) -> Timeline:
    """What a player shows while these events happen.

    Args:
        events: one listener's, in order of time.
        tracks: the catalogue by id, for the names that events of its tracks do not carry.
    """
    return Timeline(_showings(events, tracks))


def _showings(events: Sequence[ListeningEvent], tracks: Mapping[str, Track]) -> Iterable[Showing]:
    songs: dict[str, Song] = {}
    for event, following in pairwise([*events, None]):
        assert event is not None
        song = songs.setdefault(event.track_id, _song(event, tracks))
        yield _ended(event, song, following) if event.is_terminal else _going_on(event, song)


def _going_on(event: ListeningEvent, song: Song) -> Showing:
    plays = event.event_type is not EventType.PAUSE
    return Showing(
        at=event.occurred_at,
        cause=_CAUSES[event.event_type],
        song=song,
        position_ms=event.position_ms or 0,
        playing=plays,
        moving=plays,
        device=_device(event),
        context_uri=event.context_uri,
    )


def _ended(event: ListeningEvent, song: Song, following: ListeningEvent | None) -> Showing:
    device, at = _device(event), event.occurred_at
    if following is None or following.occurred_at - at > LOADING_MS:
        return Showing(
            at=at,
            cause=Cause.CLOSE,
            medium=Medium.NOTHING,
            playing=False,
            moving=False,
            device=device,
        )
    return Showing(
        at=at,
        cause=Cause.BUFFER,
        song=song,
        position_ms=event.position_ms or 0,
        moving=False,
        device=device,
        context_uri=event.context_uri,
    )


def _device(event: ListeningEvent) -> Device:
    kind = event.device_type or "Unknown"
    return Device(f"device-{kind}", kind, kind)


def _song(event: ListeningEvent, tracks: Mapping[str, Track]) -> Song:
    track = tracks.get(event.track_id)
    length = event.duration_ms or 0
    if track is not None:
        return Song(track.track_id, length, track.name, track.artists, track.album or "")
    assert event.track is not None
    names = event.track
    return Song(event.track_id, length, names.name, tuple(names.artists), names.album or "")
