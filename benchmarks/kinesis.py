"""What an append costs on the embedded Kinesis as a stream fills, and what a record takes.

`make bench-kinesis` appends a million events the size of a producer's to a stream of four shards,
as PutRecords does after it has checked a request, and reads them all again. It prints the cost of
the last 100,000 appends beside that of the first: a store that walks its records grows with them.
Then it lets the retention pass and prints what is left.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Iterator
from typing import Final

from rich import print as show

from benchmarks import recorded
from musicrec.local.kinesis.log import INDEX_BYTES
from musicrec.local.kinesis.records import MAX_BYTES_PER_READ, MAX_RECORDS_PER_READ
from musicrec.local.kinesis.stream import Stream

SHARDS: Final = 4
SHARE: Final = 10
"""The appends are timed in this many equal parts."""

DATA_BYTES: Final = 500
"""About the size of a listening event in JSON."""

USERS: Final = 2_000
DAY_MS: Final = 24 * 3_600_000


def main() -> None:
    """Append, read, forget; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=1_000_000, help="how many to append")
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args()
    figures = measure(asked.records)
    text = table(figures)
    show(text)
    if asked.record:
        recorded.keep("kinesis", tables={"appends": text}, figures=figures)


def measure(records: int) -> dict[str, float]:
    """Append so many records, read them again and let them grow old.

    Returns:
        CPU microseconds of an append or a read, bytes of a record.
    """
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/bench"
    stream = Stream(arn, SHARDS, mode="PROVISIONED", now=0, ready_at=0)
    memory = _peak_bytes()
    parts = list(_append(stream, records))
    figures = {
        "records": records,
        "first_us": parts[0] / (records / SHARE) * 1e6,
        "last_us": parts[-1] / (records / SHARE) * 1e6,
        "ratio": parts[-1] / parts[0],
        "payload_bytes": DATA_BYTES + sum(len(f"user-{n}") for n in range(USERS)) / USERS,
        "account_bytes": stream.nbytes / records,
        "process_bytes": (_peak_bytes() - memory) / records,
        "read_us": _read_s(stream) / records * 1e6,
    }
    stream.trim(records // 1_000 + DAY_MS + 1)
    return {**figures, "kept_bytes": stream.nbytes}


def table(figures: dict[str, float]) -> str:
    """A Markdown table."""
    part = figures["records"] / SHARE
    rows = {
        f"append, first {part:,.0f}, CPU µs": f"{figures['first_us']:.2f}",
        f"append, last {part:,.0f} of {figures['records']:,}, CPU µs": f"{figures['last_us']:.2f}",
        "last to first": f"{figures['ratio']:.2f}",
        "read, CPU µs": f"{figures['read_us']:.2f}",
        "data and key of a record, bytes": f"{figures['payload_bytes']:.0f}",
        f"a record by the store's account ({INDEX_BYTES} bytes of index), bytes": (
            f"{figures['account_bytes']:.0f}"
        ),
        "a record by the growth of the process, bytes": f"{figures['process_bytes']:.0f}",
        "kept after the retention of a day, bytes": f"{figures['kept_bytes']:,}",
    }
    return "\n".join(["| what | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])


def _append(stream: Stream, records: int) -> Iterator[float]:
    """Append in equal parts; yields the CPU seconds that each took, which other programs do not change."""
    rng = random.Random(7)  # noqa: S311 - names users, guards nothing
    users = [f"user-{number}".encode() for number in range(USERS)]
    data = rng.randbytes(DATA_BYTES)
    done = 0
    for part in range(1, SHARE + 1):
        keys = rng.choices(users, k=records * part // SHARE - done)
        started = time.process_time()
        for number, key in enumerate(keys, start=done):
            now = number // 1_000  # a thousand records a millisecond
            stream.append(stream.shard_for(key, None), key, data, now)
        yield time.process_time() - started
        done += len(keys)


def _read_s(stream: Stream) -> float:
    """CPU seconds in which every record is read again."""
    started = time.process_time()
    for shard in stream.open_shards:
        position = 0
        while records := shard.log.read(position, MAX_RECORDS_PER_READ, MAX_BYTES_PER_READ):
            position = records[-1].sequence
    return time.process_time() - started


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
