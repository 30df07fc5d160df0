"""A world that is as small and as awkward as data may be: few tracks, odd names, one listener a day.

Twenty-five listeners, as few as Personalize trains on, play until the day before the last. On the
last day one listener plays alone, whose name is in no ASCII.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from musicrec import events
from musicrec.catalog import KAGGLE_COLUMNS
from musicrec.events import EventType, ListeningEvent, Source, TrackInfo

ALONE = "Zoë 🎧 李"
FIRST_DAY = datetime(2026, 2, 27, tzinfo=UTC)
DAYS = 4
LAST_DAY = (FIRST_DAY + timedelta(days=DAYS)).strftime("%Y-%m-%d")
RUN_DATE = (FIRST_DAY + timedelta(days=DAYS + 1)).strftime("%Y-%m-%d")
LISTENERS = [f"слушатель-{number:02}" for number in range(25)]
PLAYS = 6
"""Of each listener on each day."""

NAMES = [
    "Sigur Rós, Ágætis byrjun", "東京の夜", "مرحبا", "🎷🎷🎷", 'She said "so"', "back\\slash",
    "comma, comma", "tab\there", "Ünïcödé ÿ", "न्यू दिल्ली", "pipe|pipe", "<b>bold</b>", "$5 & _x_",
    "e\u0301 combined", "x" * 300, "'", "   padded   ", "NULL", "nan", "0",
]  # fmt: skip
GENRES = ["sertanejo-ção", "演歌", "r&b|soul", "pop"]
DURATION_MS = 200_000
UNKNOWN = "unKnownTrack0000000000"
"""A track that the catalogue lacks; its events carry its name."""


def track_id(number: int) -> str:
    """The id of a track of the catalogue."""
    return f"{number:02}".ljust(22, "Q")


def write_tracks(path: Path, count: int = len(NAMES)) -> Path:
    """The tracks file, in the Kaggle file's columns."""
    random = Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["", *KAGGLE_COLUMNS])
        for number in range(count):
            numbers = [round(random.random(), 3) for _ in range(9)]
            table.writerow(_row(number, number, numbers, GENRES[number % len(GENRES)]))
            if number == 0:  # a track under two genres
                table.writerow(_row(count, 0, numbers, GENRES[1]))
    return path


def batches() -> Iterator[list[ListeningEvent]]:
    """What the producers post, a request a day."""
    random = Random(11)
    for day in range(DAYS):
        yield [event for user in LISTENERS for event in _plays(user, day, random)]
    yield list(_plays(ALONE, DAYS, random))


def write_export(folder: Path) -> Path:
    """A privacy export of one listener: few plays, a track heard once that was new at the end."""
    began = FIRST_DAY.replace(hour=9)
    rows = [_export_row(n, began + timedelta(hours=n)) for n in (1, 1, 2, 1, 3)]
    folder.mkdir()
    path = folder / "Streaming_History_Audio_2026_0.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return folder


def _row(index: int, number: int, numbers: list[float], genre: str) -> list[object]:
    name, artist = NAMES[number], NAMES[(number + 3) % len(NAMES)]
    danceability, energy, speech, acoustic, instrumental, live, valence, _, _ = numbers
    tempo = 0 if number == 5 else 90 + number
    return [
        index, track_id(number), artist, name, name, 100 - 5 * number, DURATION_MS, number % 2 == 0,
        danceability, energy, 1, -7.5 - number, 1, speech, acoustic, instrumental, live, valence,
        tempo, 4, genre,
    ]  # fmt: skip


def _plays(user: str, day: int, random: Random) -> Iterator[ListeningEvent]:
    start = FIRST_DAY + timedelta(days=day, hours=9)
    for play in range(PLAYS):
        number = random.randrange(len(NAMES))
        track = UNKNOWN if play == PLAYS - 1 else track_id(number)
        info = TrackInfo(name="未知の曲 ⚡", artists=["Ωmega"]) if track == UNKNOWN else None
        began = int((start + timedelta(minutes=5 * play)).timestamp() * 1000)
        yield _event(user, day, track, EventType.PLAY, began, 0, info)
        end = (EventType.COMPLETE, EventType.SKIP, EventType.COMPLETE)[play % 3]
        heard = DURATION_MS if end is EventType.COMPLETE else 9_000
        yield _event(user, day, track, end, began + heard, heard, info)


def _event(  # noqa: PLR0917 - a row of a table
    user: str,
    day: int,
    track: str,
    kind: EventType,
    at: int,
    heard: int,
    info: TrackInfo | None,
) -> ListeningEvent:
    return ListeningEvent(
        event_id=events.new_event_id(user, track, kind, at),
        user_id=user,
        session_id=f"{user} · {day}",
        track_id=track,
        event_type=kind,
        occurred_at=at,
        source=Source.SIMULATED,
        schema_version=1,
        listened_ms=heard,
        duration_ms=DURATION_MS,
        track=info,
    )


def _export_row(number: int, at: datetime) -> dict[str, object]:
    return {
        "ts": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ms_played": DURATION_MS,
        "master_metadata_track_name": NAMES[number],
        "master_metadata_album_artist_name": NAMES[(number + 3) % len(NAMES)],
        "master_metadata_album_album_name": NAMES[number],
        "spotify_track_uri": f"spotify:track:{track_id(number)}",
        "spotify_episode_uri": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": None,
        "incognito_mode": False,
    }
