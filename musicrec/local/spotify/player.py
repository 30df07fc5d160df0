"""One listener's player as the Web API shows it: a timeline, seen through the platform's defects.

Bodies have the fields that an app in development mode gets in late 2026 (no popularity, no markets,
no `linked_from`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from musicrec.local.spotify.defects import TRUTHFUL, Defects, chance
from musicrec.local.spotify.timelines import Device, Medium, Showing, Song, Timeline
from musicrec.local.spotify.truth import TrueEvent, truth
from musicrec.producer.playback import Signal

FORGOTTEN_MS: Final = 600_000
"""A player that pauses for longer is shown as none at all."""

HISTORY_ROWS: Final = 50
"""More of the history does not exist."""

LISTED_MS: Final = 30_000
"""Plays that were left later than this are in the history half of the time, earlier ones seldom."""

LISTED_SHARES: Final = (0.1, 0.5)
_MINUTE_MS: Final = 60_000
_VANISH_MS: Final = (3_000, 20_000)
_ENDED: Final = frozenset({Signal.COMPLETE, Signal.SKIP, Signal.STOP})


class SimulatedPlayer:
    """Answers for one listener.

    Args:
        timeline: what really happens.
        defects: what the platform gets wrong.
        seed: decides where the defects strike.
    """

    def __init__(self, timeline: Timeline, defects: Defects = TRUTHFUL, *, seed: int = 0) -> None:
        self.timeline = timeline
        self._defects = defects
        self._seed = seed
        self._rng = random.Random(seed)  # noqa: S311 - a simulation
        self._rows: list[TrueEvent] | None = None
        self._tracks: dict[str, dict[str, Any]] = {}

    def playback(self, t: int) -> dict[str, Any] | None:
        """The body of `GET /me/player` at `t`, None for a 204.

        Args:
            t: epoch milliseconds.
        """
        place, stood_until = self._known_place(t)
        if place < 0 or self._vanished(t):
            return None
        showing = self.timeline.showings[place]
        if showing.medium is Medium.NOTHING:
            return self._zombie(place, t)
        if not showing.playing and t - showing.at > FORGOTTEN_MS:
            return None
        position = self._position(showing, min(t, stood_until))
        return self._body(showing, position)

    def history(self, t: int) -> list[dict[str, Any]]:
        """The rows of `GET /me/player/recently-played` at `t`, newest first.

        Args:
            t: epoch milliseconds.
        """
        if self._rows is None:
            self._rows = [event for event in truth(self.timeline) if self._is_listed(event)]
        known = t - round(self._defects.history_lag_s * 1000)
        ended = [event for event in self._rows if event.t <= known]
        return [
            {
                "track": self._track(event.song, relinked=self._is_relinked(event.song)),
                "played_at": _iso(event.t),
                "context": None,
            }
            for event in reversed(ended[-HISTORY_ROWS:])
        ]

    def _known_place(self, t: int) -> tuple[int, int]:
        """The change that the server knows of, and until when its position goes on."""
        place, stood_until = self.timeline.place_at(t), t
        while place > 0 and self._is_late(place, t):
            if self._strikes(0.5, "frozen", place):
                stood_until = self.timeline.showings[place].at
            place -= 1
        return place, stood_until

    def _is_late(self, place: int, t: int) -> bool:
        if not self._strikes(self._defects.stale, "stale", place):
            return False
        least, most = self._defects.stale_s
        late_s = least + (most - least) * chance(self._seed, "late", place)
        return t < self.timeline.showings[place].at + late_s * 1000

    def _vanished(self, t: int) -> bool:
        minute, into = divmod(t, _MINUTE_MS)
        if not self._strikes(self._defects.vanish, "vanish", minute):
            return False
        least, most = _VANISH_MS
        return into < least + (most - least) * chance(self._seed, "vanished", minute)

    def _position(self, showing: Showing, t: int) -> int:
        device = showing.device
        if self._defects.zero_progress and device is not None and self._is_mute(device):
            return 0
        position = showing.position_at(t)
        jitter = self._defects.jitter_ms if showing.moving else 0
        length = showing.song.duration_ms if showing.song else position + jitter
        return min(length, max(0, position + self._rng.randint(-jitter, jitter)))

    def _is_mute(self, device: Device) -> bool:
        return self._strikes(1 / 3, "mute", device.device_id)

    def _zombie(self, place: int, t: int) -> dict[str, Any] | None:
        """A closed player: nothing, or the track before as if it had never stopped."""
        closed = self.timeline.showings[place]
        before = self.timeline.showings[place - 1] if place else closed
        if (
            not self._strikes(self._defects.zombie, "zombie", place)
            or t - closed.at > self._defects.zombie_s * 1000
            or before.song is None
            or not before.playing
        ):
            return None
        return self._body(before, before.position_ms + t - before.at)

    def _is_listed(self, event: TrueEvent) -> bool:
        """Whether the history has a play: those heard out, and some of the others."""
        if event.signal not in _ENDED or event.listened_ms is None:
            return False
        if self._strikes(self._defects.lost_history, "lost", event.play):
            return False
        if event.signal is Signal.COMPLETE:
            return True
        share = LISTED_SHARES[event.listened_ms >= LISTED_MS]
        return self._strikes(share, "listed", event.play)

    def _is_relinked(self, song: Song) -> bool:
        return self._strikes(self._defects.relinked, "relinked", song.track_id)

    def _body(self, showing: Showing, position: int) -> dict[str, Any]:
        song = showing.song if showing.medium is Medium.TRACK else None
        context = showing.context_uri
        return {
            "device": _device(showing),
            "shuffle_state": False,
            "smart_shuffle": False,
            "repeat_state": showing.repeat,
            "timestamp": showing.at,
            "context": None if context is None else _context(context),
            "progress_ms": position,
            "is_playing": showing.playing,
            "item": None if song is None else self._track(song),
            "currently_playing_type": str(showing.medium),
            "actions": {"disallows": {"resuming" if showing.playing else "pausing": True}},
        }

    def _track(self, song: Song, *, relinked: bool = False) -> dict[str, Any]:
        key = f"{song.track_id}{'~' if relinked else ''}"
        if key not in self._tracks:
            self._tracks[key] = track_object(relink(song) if relinked else song)
        return self._tracks[key]

    def _strikes(self, share: float, *what: str | int) -> bool:
        """Whether something happens that happens in this share of all cases."""
        return share > 0 and chance(self._seed, *what) < share


def relink(song: Song) -> Song:
    """The same recording under another id, from another album, as the platform names it at times."""
    return Song(
        track_id=song.track_id[::-1],
        duration_ms=song.duration_ms,
        name=f"{song.name} - Remastered",
        artists=song.artists,
        album=f"{song.album} (Deluxe)",
        isrc=None,
    )


def track_object(song: Song) -> dict[str, Any]:
    """A track as the Web API describes it to an app in development mode."""
    artists = [_artist(name) for name in song.artists]
    return {
        "album": {
            "album_type": "album",
            "artists": artists,
            "id": None,
            "images": [],
            "name": song.album,
            "total_tracks": 1,
            "type": "album",
        },
        "artists": artists,
        "disc_number": 1,
        "duration_ms": song.duration_ms,
        "explicit": False,
        "external_ids": {} if song.isrc is None else {"isrc": song.isrc},
        "external_urls": {},
        "href": f"https://api.spotify.com/v1/tracks/{song.track_id}",
        "id": song.track_id,
        "is_local": False,
        "name": song.name,
        "track_number": 1,
        "type": "track",
        "uri": f"spotify:track:{song.track_id}",
    }


def _artist(name: str) -> dict[str, Any]:
    return {"external_urls": {}, "id": None, "name": name, "type": "artist"}


def _context(uri: str) -> dict[str, Any]:
    return {"type": uri.split(":")[1], "href": None, "external_urls": {}, "uri": uri}


def _device(showing: Showing) -> Mapping[str, Any] | None:
    device = showing.device
    if device is None:
        return None
    return {
        "id": device.device_id,
        "is_active": True,
        "is_private_session": showing.private,
        "is_restricted": False,
        "name": device.name,
        "type": device.type,
        "volume_percent": 50,
        "supports_volume": True,
    }


def _iso(t: int) -> str:
    return (
        datetime.fromtimestamp(t / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
