"""Rows of privacy exports for tests, as Spotify writes them."""

import json
import zipfile
from pathlib import Path
from typing import Any

TRACK = "5SuOikwiRyPMVoIQDJUgSV"
OTHER = "4qPNDBW1i3p13qLCt0Ki3A"
PERSONAL = ("ana.secret.1907", "198.51.100.77", "Mozilla/5.0 (secret agent)")


def extended(ts: str = "2021-03-04T05:06:07Z", **changes: Any) -> dict[str, Any]:
    """A row of the extended format; the track is 230,666 ms long in the sample catalogue."""
    return {
        "ts": ts,
        "username": PERSONAL[0],
        "platform": "Android OS 11 API 30 (x, y)",
        "ms_played": 60_000,
        "conn_country": "PT",
        "ip_addr_decrypted": PERSONAL[1],
        "user_agent_decrypted": PERSONAL[2],
        "master_metadata_track_name": "Comedy",
        "master_metadata_album_artist_name": "Gen Hoshino",
        "master_metadata_album_album_name": "Comedy",
        "spotify_track_uri": f"spotify:track:{TRACK}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "trackdone",
        "reason_end": "endplay",
        "shuffle": False,
        "skipped": None,
        "offline": False,
        "offline_timestamp": None,
        "incognito_mode": False,
        **changes,
    }


def short(end: str = "2021-03-04 05:06", **changes: Any) -> dict[str, Any]:
    """A row of the short format."""
    return {
        "endTime": end,
        "artistName": "Gen Hoshino",
        "trackName": "Comedy",
        "msPlayed": 60_000,
        **changes,
    }


def write(path: Path, rows: Any) -> Path:
    """A JSON file of rows."""
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


def zipped(path: Path, **members: Any) -> Path:
    """An archive of JSON files, the names without their ending."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in members.items():
            archive.writestr(f"MyData/{name}.json", json.dumps(rows))
    return path
