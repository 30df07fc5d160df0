"""How much memory and time the importer of privacy exports needs, by the number of rows.

    python -m benchmarks.history [ROWS ...]

Each number of rows is written as one JSON file, which is more than Spotify ever puts into one, and
imported in a process of its own. Rows are made up without a simulation, so that two million of them
are written in a minute; every two thousandth stands twice.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from musicrec.local.listeners.outside import base62_id
from musicrec.producer.history import Lookup, opened

START = datetime(2008, 12, 1, tzinfo=UTC)
TRACKS = 20_000
ENDS = ("trackdone", "trackdone", "fwdbtn", "endplay", "backbtn")


def write(path: Path, rows: int) -> None:
    """One file of made-up streams, a play every four minutes."""
    ids = [base62_id("benchmark", number) for number in range(TRACKS)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = json.dumps(_row(number, ids[number * 7919 % TRACKS]))
            again = number % 2_000 == 0
            file.write(("[" if number == 0 else ",\n") + text + (",\n" + text if again else ""))
        file.write("]")


def _row(number: int, track_id: str) -> dict[str, object]:
    ended = START + timedelta(minutes=4 * number)
    return {
        "ts": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": "nobody",
        "platform": "Android OS 11 API 30 (made, up)",
        "ms_played": 1_000 + number * 13 % 239_000,
        "conn_country": "ZZ",
        "ip_addr_decrypted": "203.0.113.7",
        "user_agent_decrypted": "none",
        "master_metadata_track_name": f"Título {track_id[:6]}",
        "master_metadata_album_artist_name": f"Artist {track_id[:2]}",
        "master_metadata_album_album_name": f"Album {track_id[:3]}",
        "spotify_track_uri": f"spotify:track:{track_id}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "trackdone",
        "reason_end": ENDS[number % len(ENDS)],
        "shuffle": False,
        "skipped": None,
        "offline": False,
        "offline_timestamp": 0,
        "incognito_mode": False,
    }


def take(path: Path) -> None:
    """Import a file and print what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    with opened([path], "nobody", Lookup()) as history:
        events = sum(1 for _ in history.events())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201 - the result
        f"{history.report.rows:>9,} rows  {path.stat().st_size / 1e6:>6,.0f} MB  {events:>9,} events"
        f"  {time.perf_counter() - began:>6.1f} s  {time.process_time() - cpu:>6.1f} s of CPU"
        f"  {peak:>5,.0f} MB of memory at most",
        flush=True,
    )


def main() -> None:
    """Measure each number of rows."""
    if sys.argv[1:2] == ["--take"]:
        take(Path(sys.argv[2]))
        return
    for rows in map(int, sys.argv[1:] or ("20000", "200000", "2000000")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "endsong.json"
            write(path, rows)
            command = [sys.executable, "-m", "benchmarks.history", "--take", str(path)]
            subprocess.run(command, check=True)  # noqa: S603 - this very script


if __name__ == "__main__":
    main()
