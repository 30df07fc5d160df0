"""Privacy exports of simulated listeners, with the oddities of real ones.

Nobody's real export can be in a repository, and the importer has to be tried on something. These
files have the fields of Spotify's extended and short formats, and what is known to be wrong with
them: podcasts and audiobooks among the music, nulls in old rows, several meanings of
`offline_timestamp`, rows told twice, streams of 0 ms, private sessions, ends dated hours late, and
names in many scripts. The listening in them is invented (see `musicrec.local.listeners`), and so is
every personal value.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.listeners import Simulation
from musicrec.local.listeners.outside import base62_id

USERNAME: Final = "simulated.person.1907"
USER_AGENT: Final = "Simulated/1.0 (nobody; at all)"
ADDRESS: Final = "203.0.113."
"""The beginning of every address; the network is reserved for documentation (RFC 5737)."""

PERSONAL: Final = (USERNAME, USER_AGENT, ADDRESS)
"""What must be found nowhere once a file is read."""

START: Final = datetime(2014, 3, 1, tzinfo=UTC)
ROWS_PER_FILE: Final = 15_000

PODCASTS: Final = 0.03
AUDIOBOOKS: Final = 0.002
PRIVATE: Final = 0.01
NAMELESS: Final = 0.003
SILENT: Final = 0.01
TWICE: Final = 0.004
TWICE_SHORTER: Final = 0.002
LATE_END: Final = 0.3
"""Share of the streams that a closed app ended which are dated at its next start."""

_MS_UNTIL: Final = 2017
_SKIPPED_FROM: Final = 2016
_NAMED_UNTIL: Final = 2019
_AUDIOBOOKS_FROM: Final = 2023
_HOUR_MS: Final = 3_600_000
_STEP_DAYS: Final = 30
_EVENTS_PER_PLAY: Final = 2.2
_ZIP_TIME: Final = (2026, 1, 5, 0, 0, 0)
_CANDIDATES: Final = 8

_REASONS: Final = {
    EventType.COMPLETE: (("trackdone", 1.0),),
    EventType.SKIP: (("fwdbtn", 0.86), ("backbtn", 0.09), ("clickrow", 0.05)),
    EventType.STOP: (
        ("endplay", 0.6), ("logout", 0.15), ("remote", 0.1), ("unexpected-exit-while-paused", 0.1),
        ("trackerror", 0.05),
    ),
}  # fmt: skip
_CLOSED: Final = frozenset({"logout", "unexpected-exit-while-paused"})


class Truth(Struct, kw_only=True):
    """What is really in an export.

    Attributes:
        rows: of all files.
        ends: streams of music that count, by how they really ended.
        others: rows that are no such stream, by what they are.
    """

    rows: int = 0
    ends: Counter[str] = Counter()
    others: Counter[str] = Counter()


class Played(Struct, frozen=True):
    """One play of a simulated listener.

    Attributes:
        start: its `play` event.
        end: its terminal.
    """

    start: ListeningEvent
    end: ListeningEvent


def plays(events: Iterable[ListeningEvent]) -> Iterator[Played]:
    """The plays in one listener's events, which stand in order of time."""
    start: ListeningEvent | None = None
    for event in events:
        if event.event_type is EventType.PLAY:
            start = event
        elif event.is_terminal and start is not None:
            yield Played(start, event)


def one_listener(
    tracks: Sequence[Track], rows: int, seed: int, *, busy: bool = True
) -> list[Played]:
    """At most `rows` plays of one listener from 2014 on.

    Args:
        tracks: the catalogue.
        rows: how many plays.
        seed: of the simulation.
        busy: take the listener of a few who hears most; else the one who hears least, so that the
            same number of plays spans years.
    """
    probe = _simulation(tracks, _STEP_DAYS, seed)
    heard = {person.user_id: len(probe.history(person.user_id)) for person in probe.listeners}
    ordered = sorted(heard, key=lambda user_id: (heard[user_id], user_id))
    chosen = ordered[-1 if busy else 0]
    days = int(_EVENTS_PER_PLAY * _STEP_DAYS * rows / max(1, heard[chosen])) + _STEP_DAYS
    return list(plays(_simulation(tracks, days, seed).history(chosen)))[:rows]


def write_extended(
    path: Path, played: Iterable[Played], names: Iterable[Track], seed: int
) -> Truth:
    """Write a zip as "Extended streaming history" comes, a playlist file and a PDF in it.

    Args:
        path: the archive to write.
        played: what the listener heard, in order of time.
        names: the catalogue, for titles of its tracks.
        seed: of the oddities.
    """
    rows = _Extended({track.track_id: track for track in names}, np.random.default_rng(seed))
    folder = "Spotify Extended Streaming History"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, f"{folder}/ReadMeFirst.pdf", "%PDF-1.4")
        _add(archive, f"{folder}/Userdata.json", {"username": USERNAME})
        for number, chunk in enumerate(_chunks(rows.all(played))):
            years = sorted({chunk[0]["ts"][:4], chunk[-1]["ts"][:4]})
            name = f"{folder}/Streaming_History_Audio_{'-'.join(years)}_{number}.json"
            _add(archive, name, chunk)
    return rows.truth


def write_short(path: Path, played: Iterable[Played], names: Iterable[Track]) -> Truth:
    """Write a zip as "Account data" comes: streams by name, to the minute, and podcasts apart.

    Args:
        path: the archive to write.
        played: what the listener heard, in order of time.
        names: the catalogue, for titles of its tracks.
    """
    by_id = {track.track_id: track for track in names}
    rows = [_short_row(play, by_id) for play in played]
    truth = Truth(rows=len(rows) + 1, others=Counter(podcast=1))
    podcast = {"endTime": "2026-01-05 08:00", "podcastName": "P", "episodeName": "E", "msPlayed": 9}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "MyData/Userdata.json", {"username": USERNAME})
        _add(archive, "MyData/StreamingHistory_podcast_0.json", [podcast])
        for number, chunk in enumerate(_chunks(rows)):
            name = f"MyData/StreamingHistory_music_{number}.json"
            _add(archive, name, chunk)
    return truth


class _Extended:
    """Rows of the extended format, the oddities among them."""

    def __init__(self, names: dict[str, Track], rng: np.random.Generator) -> None:
        self.truth = Truth(ends=Counter(), others=Counter())
        self._names = names
        self._rng = rng
        self._last = "clickrow"
        self._seen: set[tuple[str, str]] = set()

    def all(self, played: Iterable[Played]) -> Iterator[dict[str, Any]]:
        for play in played:
            row = self._stream(play)
            if (row["ts"], row["spotify_track_uri"]) in self._seen:
                continue  # a second holds one end of a track: real ones cannot be told apart
            self._seen.add((row["ts"], row["spotify_track_uri"]))
            for what, told in self._with_oddities(row, play):
                self.truth.rows += 1
                counts = self.truth.ends if what in tuple(EventType) else self.truth.others
                counts[what] += 1
                yield told

    def _with_oddities(
        self, row: dict[str, Any], play: Played
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        chance = self._rng.random(7)
        yield from self._other_rows(row, chance)
        if chance[3] < PRIVATE:
            yield "private", row | {"incognito_mode": True}
            return
        yield play.end.event_type.value, row
        if chance[5] < TWICE:
            yield "duplicate", dict(row)
        elif chance[5] < TWICE + TWICE_SHORTER and row["ms_played"] > 1:
            yield "duplicate", row | {"ms_played": row["ms_played"] // 2}

    def _other_rows(self, row: dict[str, Any], chance: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        blank = row | dict.fromkeys(
            (name for name in row if name.startswith(("master_", "spotify_track"))), None
        )
        if chance[0] < PODCASTS:
            uri = f"spotify:episode:{base62_id('episode', row['ts'])}"
            yield "podcast", blank | {"episode_name": "Épisode 7", "spotify_episode_uri": uri}
        if chance[1] < AUDIOBOOKS and int(row["ts"][:4]) >= _AUDIOBOOKS_FROM:
            uri = f"spotify:show:{base62_id('book', row['ts'])}"
            yield "audiobook", blank | {"audiobook_uri": uri, "audiobook_title": "A book"}
        if chance[2] < NAMELESS:
            yield "nameless", blank
        if chance[4] < SILENT:
            other = f"spotify:track:{base62_id('silent', row['ts'])}"
            yield (
                "silent",
                row | {"ms_played": 0, "reason_end": "endplay", "spotify_track_uri": other},
            )

    def _stream(self, play: Played) -> dict[str, Any]:
        heard = play.end.listened_ms or 0
        reason = self._reason(play.end.event_type)
        year = play.end.occurred_time.year
        name, artist, album = _names_of(play.start, self._names)
        started_by, self._last = self._last, reason
        row = {
            "ts": _iso(self._dated(play, reason)),
            **({"username": USERNAME} if year <= _NAMED_UNTIL else {}),
            "platform": "Android OS 11 API 30 (simulated)" if year < 2024 else "android",
            "ms_played": heard,
            "conn_country": "ZZ" if self._rng.random() < 0.01 else "PT",
            "ip_addr_decrypted" if year <= _NAMED_UNTIL else "ip_addr": self._address(),
            **({"user_agent_decrypted": USER_AGENT} if year <= _NAMED_UNTIL else {}),
            "master_metadata_track_name": name,
            "master_metadata_album_artist_name": artist,
            "master_metadata_album_album_name": album,
            "spotify_track_uri": f"spotify:track:{play.start.track_id}",
            "episode_name": None,
            "episode_show_name": None,
            "spotify_episode_uri": None,
        }
        if year >= _AUDIOBOOKS_FROM:
            row |= dict.fromkeys(("audiobook_title", "audiobook_uri", "audiobook_chapter_uri"))
        return row | {
            "reason_start": "trackdone" if started_by == "trackdone" else "clickrow",
            "reason_end": reason,
            "shuffle": bool(self._rng.random() < 0.5),
            "skipped": None if year < _SKIPPED_FROM else self._skipped(play, year),
            "offline": False,
            "offline_timestamp": self._offline(play, reason),
            "incognito_mode": False,
        }

    def _reason(self, ended: EventType) -> str:
        reasons, shares = zip(*_REASONS[ended], strict=True)
        return str(self._rng.choice(reasons, p=shares))

    def _dated(self, play: Played, reason: str) -> int:
        """The time that `ts` gives: after a closed app now and then the app's next start."""
        late = reason in _CLOSED and self._rng.random() < LATE_END
        return play.end.occurred_at + (int(self._rng.uniform(7, 40) * _HOUR_MS) if late else 0)

    def _offline(self, play: Played, reason: str) -> int | None:
        year = play.start.occurred_time.year
        if reason not in _CLOSED and self._rng.random() < 0.5:
            return (None, 0, 1)[int(self._rng.integers(3))]
        at = play.start.occurred_at
        return at if year <= _MS_UNTIL else at // 1000

    def _skipped(self, play: Played, year: int) -> bool:
        return play.end.event_type is EventType.SKIP and year > 2022

    def _address(self) -> str:
        return f"{ADDRESS}{int(self._rng.integers(1, 255))}"


def _add(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    """Add a file, JSON unless it is text; the same content gives the same bytes."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    member = zipfile.ZipInfo(name, _ZIP_TIME)
    archive.writestr(member, text, zipfile.ZIP_DEFLATED, 9)


def _simulation(tracks: Sequence[Track], days: int, seed: int) -> Simulation:
    return Simulation(tracks, listeners=_CANDIDATES, start=START, days=days, seed=seed)


def _short_row(play: Played, names: dict[str, Track]) -> dict[str, Any]:
    name, artist, _ = _names_of(play.start, names)
    return {
        "endTime": play.end.occurred_time.strftime("%Y-%m-%d %H:%M"),
        "artistName": artist,
        "trackName": name,
        "msPlayed": play.end.listened_ms or 0,
    }


def _names_of(event: ListeningEvent, names: dict[str, Track]) -> tuple[str, str, str | None]:
    if event.track is not None:
        return event.track.name, event.track.artists[0], event.track.album
    track = names[event.track_id]
    return track.name, track.artists[0], track.album


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS_PER_FILE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
