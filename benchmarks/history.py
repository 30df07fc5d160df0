"""How much memory and time the importer of privacy exports needs, by the number of rows.

    python -m benchmarks.history [ROWS ...]

Each number of rows is written as one JSON file, which is more than Spotify ever puts into one, and
imported in a process of its own. Rows are made up without a simulation, so that two million of them
are written in a minute; every two thousandth stands twice.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import recorded
from musicrec.local.listeners.outside import base62_id
from musicrec.producer.history import Lookup, opened

START = datetime(2008, 12, 1, tzinfo=UTC)
TRACKS = 20_000
HEAD = (
    "| rows | file, MB | events | seconds | processor seconds | peak memory, MB |\n"
    "|---|---|---|---|---|---|"
)
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


def take(path: Path) -> dict[str, float]:
    """Import a file here and now."""
    began, cpu = time.perf_counter(), time.process_time()
    with opened([path], "nobody", Lookup()) as history:
        events = sum(1 for _ in history.events())
    return {
        "rows": history.report.rows,
        "file_mb": path.stat().st_size / 1e6,
        "events": events,
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def take_apart(rows: int) -> dict[str, float]:
    """Write a file of so many rows and import it in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "endsong.json"
        write(path, rows)
        done = subprocess.run(  # noqa: S603 - this very script
            [sys.executable, "-m", "benchmarks.history", "--take", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def line(measured: dict[str, float]) -> str:
    """A row of the table."""
    return (
        f"| {measured['rows']:,} | {measured['file_mb']:,.0f} | {measured['events']:,} "
        f"| {measured['seconds']:.1f} | {measured['processor_seconds']:.1f} "
        f"| {measured['peak_mb']:,.0f} |"
    )


def main() -> None:
    """Measure each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        print(json.dumps(take(asked.take)))  # noqa: T201 - the result
        return
    lines, figures = [HEAD], {}
    print(HEAD)  # noqa: T201 - as above
    for rows in asked.rows:
        figures[str(rows)] = take_apart(rows)
        lines.append(line(figures[str(rows)]))
        print(lines[-1], flush=True)  # noqa: T201 - as above
    if asked.record:
        recorded.keep("history", tables={"import": "\n".join(lines)}, figures=figures)


if __name__ == "__main__":
    main()
