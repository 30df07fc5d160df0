"""How long the daily build's INTERACTIONS take, and how much memory, from 1 to 50 million events.

    python -m benchmarks.builder                      # 1 and 10 million
    python -m benchmarks.builder --millions 1 10 50

A million events a day, invented from a seed: eight files a day, one event in fifty delivered twice,
100,000 listeners a day out of 500,000, 90,000 tracks. The bucket is a folder (`local_s3`), so the
figures are the build's and not a network's. Every size has a process of its own for its peak of
memory, with the settings of memory that the deployed function has. Two stages are timed: `curate`
(raw lake to curated table) and `write` (curated table to INTERACTIONS with all its evidence).

In the same process stands the least that it could be, for one half of the files before the build
and for the other after it, since the machine's pace changes: pyarrow reads the columns that the
build reads, all of the raw lake's, out of the same files, and writes the CSV of the interactions,
for which it takes `listened_ms` as their value; nothing is told apart, sorted, checked, counted or
kept. Beside it stands the same with only those columns read that the CSV is made of: it says what
keeping the other columns costs. Ratios are of processor seconds, which other work on the machine
moves less than the clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks import recorded
from benchmarks.local_s3 import LocalS3
from musicrec import catalog
from musicrec.datasets.checks import Evidence
from musicrec.datasets.engines import LambdaEngine, Work
from musicrec.datasets.interactions import DayToImport
from musicrec.datasets.items import SeenTracks
from musicrec.processor import lake
from musicrec.processor.curated_store import CuratedStore
from musicrec.processor.curation import curate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

REPOSITORY: Final = Path(__file__).parents[1]
OF_MEMORY: Final = ("ARROW_", "MALLOC_")
MILLION: Final = 1_000_000
FILES_A_DAY: Final = 8
LISTENERS: Final = 500_000
LISTENERS_A_DAY: Final = 100_000
TRACKS: Final = 90_000
COPIES: Final = 50
FIRST_DAY: Final = date(2026, 1, 1)
BUCKET: Final = "local"
KINDS: Final = ("play", "complete", "skip", "stop")
BARE_CSV: Final = ["user_id", "track_id", "occurred_at", "event_type", "listened_ms"]
CSV_IS_OF: Final = [*BARE_CSV, "duration_ms"]


def generate(folder: Path, days: int, seed: int) -> None:
    """Write the raw lake of some days, a million events each."""
    texts = _Texts()
    for number in range(days):
        random = np.random.default_rng((seed, number))
        day = FIRST_DAY + timedelta(days=number)
        rows = MILLION // FILES_A_DAY
        below = folder / "raw" / f"dt={day}"
        below.mkdir(parents=True)
        listeners = random.choice(LISTENERS, LISTENERS_A_DAY, replace=False)
        for file in range(FILES_A_DAY):
            table = _events(random, texts, listeners, rows, day)
            again = table.slice(0, rows // COPIES)
            pq.write_table(pa.concat_tables([table, again]), below / f"{file}.parquet")


class _Texts:
    """What texts there are."""

    def __init__(self) -> None:
        self.users = pa.array([f"listener-{number:07}" for number in range(LISTENERS)])
        self.tracks = pa.array([track_id(number) for number in range(TRACKS)])
        self.names = pa.array([f"Song number {number}" for number in range(TRACKS)])
        self.artists = pa.array([f"Artist {number}" for number in range(TRACKS // 9)])


def track_id(number: int) -> str:
    """A valid track id."""
    return f"track{number:017}"


def _events(
    random: np.random.Generator, texts: _Texts, listeners: NDArray[Any], rows: int, day: date
) -> pa.Table:
    midnight = (day - date(1970, 1, 1)).days * 86_400_000
    tracks = (TRACKS * random.random(rows) ** 2).astype(
        np.int64
    )  # some are played more than others
    users = random.choice(listeners, rows)
    lengths = random.integers(120_000, 360_000, rows)
    kinds = random.integers(0, len(KINDS), rows)
    heard = np.minimum(lengths, (lengths * random.random(rows) * 1.2).astype(np.int64))
    artists = texts.artists.take(pa.array(tracks // 9))
    columns = {
        "event_id": _uuids(random, rows),
        "user_id": texts.users.take(pa.array(users)),
        "session_id": texts.users.take(pa.array(users)),
        "track_id": texts.tracks.take(pa.array(tracks)),
        "event_type": pa.array(KINDS).take(pa.array(kinds)),
        "occurred_at": pa.array(midnight + random.integers(0, 86_400_000, rows)),
        "source": pa.repeat("simulated", rows),
        "schema_version": pa.repeat(pa.scalar(1, pa.int32()), rows),
        "listened_ms": pa.array(heard, mask=kinds == 0),
        "duration_ms": pa.array(lengths),
        "device_type": pa.repeat("Computer", rows),
        "track": pa.StructArray.from_arrays(
            [
                texts.names.take(pa.array(tracks)),
                pa.ListArray.from_arrays(pa.array(np.arange(rows + 1), pa.int32()), artists),
                artists,
            ],
            names=["name", "artists", "album"],
        ),
    }
    made = [columns.get(field.name, pa.nulls(rows, field.type)) for field in lake.SCHEMA]
    return pa.Table.from_arrays(made, schema=lake.SCHEMA)


def _uuids(random: np.random.Generator, rows: int) -> pa.Array:
    digits = np.frombuffer(random.bytes(16 * rows).hex().encode(), np.uint8).reshape(rows, 32)
    text = np.full((rows, 36), ord("-"), np.uint8)
    text[:, np.delete(np.arange(36), [8, 13, 18, 23])] = digits
    ends = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * 36)
    return pa.StringArray.from_buffers(rows, ends, pa.py_buffer(text.tobytes()))


def measure(folder: Path) -> dict[str, float]:
    """Build here and now, then do the least that could be done; seconds, rows and peak GB."""
    s3 = LocalS3(folder).as_client()
    store = CuratedStore(s3, BUCKET)
    catalog.write(
        (
            catalog.Track(track_id=track_id(number), name=f"{number}", artists=())
            for number in range(TRACKS)
        ),
        folder / "catalog.sqlite",
    )
    raw = sorted(folder.glob("raw/*/*.parquet"))
    rows: list[int] = []
    before = _bare_both(raw[::2], folder)
    curating = _seconds(lambda: curate(s3, BUCKET, "2026-12-31"))
    with catalog.Catalog(folder / "catalog.sqlite") as tracks:
        writing = _seconds(lambda: rows.append(_write(s3, store, tracks)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    after = _bare_both(raw[1::2], folder)
    bare = {name: before[name] + after[name] for name in before}
    return {
        "interactions": rows[0],
        "seconds": curating[0] + writing[0],
        "curate": curating[1],
        "write": writing[1],
        "peak_gb": peak,
        **bare,
        "share": bare["bare"] / (curating[1] + writing[1]),
        "share_of_clock": bare["bare_seconds"] / (curating[0] + writing[0]),
        "share_of_narrow": bare["narrow"] / (curating[1] + writing[1]),
    }


def _write(s3: Any, store: CuratedStore, tracks: catalog.Catalog) -> int:
    evidence = Evidence(run_date="2026-12-31")
    work = Work(
        days=[DayToImport(standing=one) for one in store.standing().values()],
        key="datasets/interactions.csv",
        evidence=evidence,
        seen=SeenTracks(tracks),
        dropped=Counter(),
    )
    LambdaEngine(s3, BUCKET, store).write(work, None)
    assert evidence.tally.repeat_users
    return evidence.facts["interactions"].rows


def _bare_both(raw: Sequence[Path], folder: Path) -> dict[str, float]:
    bare = _seconds(lambda: _bare(raw, folder, lake.SCHEMA.names))
    narrow = _seconds(lambda: _bare(raw, folder, CSV_IS_OF))
    return {"bare_seconds": bare[0], "bare": bare[1], "narrow": narrow[1]}


def _bare(files: Sequence[Path], folder: Path, columns: Sequence[str]) -> None:
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    kinds = pa.array(KINDS[:3])
    with (folder / "bare.csv").open("wb") as sink:
        for file in files:
            table = pq.ParquetFile(file).read(columns=list(columns))
            kept = table.filter(pc.is_in(table["event_type"], kinds))
            csv.write_csv(kept.select(BARE_CSV), sink, options)


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def memory_settings() -> dict[str, str]:
    """What the deployed function's environment says of memory."""
    stack = json.loads((REPOSITORY / "infra" / "stack.json").read_text(encoding="utf-8"))
    environment = stack["functions"]["dataset_builder"]["environment"]
    return {name: value for name, value in environment.items() if name.startswith(OF_MEMORY)}


def measure_apart(millions: int, seed: int) -> dict[str, float]:
    """Generate in one fresh process, measure in another."""
    with tempfile.TemporaryDirectory() as folder:
        common = [sys.executable, "-m", "benchmarks.builder", "--folder", folder]
        made = ["--generate", str(millions), "--seed", str(seed)]
        subprocess.run([*common, *made], check=True)  # noqa: S603 - this very module
        done = subprocess.run(  # noqa: S603 - as above
            common, check=True, capture_output=True, text=True, env=os.environ | memory_settings()
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    parser.add_argument("--folder", type=Path, help="build what is there, here, and print JSON")
    parser.add_argument("--generate", type=int, help="only fill the folder, with so many millions")
    asked = parser.parse_args(arguments)
    if asked.generate:
        generate(asked.folder, asked.generate, asked.seed)
    elif asked.folder:
        _say(json.dumps(measure(asked.folder)))
    else:
        runs = {millions: measure_apart(millions, asked.seed) for millions in asked.millions}
        _say(table(runs))
        if asked.record:
            recorded.keep("builder", tables={"build": table(runs)}, figures=runs)


def table(runs: dict[int, dict[str, float]]) -> str:
    """A Markdown table."""
    lines = [
        (
            "| million events | interactions | seconds | processor s: curate | write | peak GB "
            "| bare / ours | by the clock | bare of the CSV's columns / ours |"
        ),
        "|---" * 9 + "|",
    ]
    for millions, run in runs.items():
        shares = (run["share"], run["share_of_clock"], run["share_of_narrow"])
        lines.append(
            f"| {millions} | {run['interactions']:,.0f} | {run['seconds']:.1f} "
            f"| {run['curate']:.1f} | {run['write']:.1f} | {run['peak_gb']:.2f} "
            f"| {' | '.join(f'{share:.2f}' for share in shares)} |"
        )
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
