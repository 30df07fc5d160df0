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
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=1_000_000, help="how many to append")
    records = arguments.parse_args().records
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/bench"
    stream = Stream(arn, SHARDS, mode="PROVISIONED", now=0, ready_at=0)
    memory = _peak_bytes()
    parts = list(_append(stream, records))
    _say_appends(parts, records)
    _say_memory(stream, records, _peak_bytes() - memory)
    _say_reads(stream)
    now = records // 1_000 + DAY_MS + 1
    stream.trim(now)
    show(f"kept after the retention of a day: {stream.nbytes:,} bytes")


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


def _say_appends(parts: list[float], records: int) -> None:
    first, last = parts[0], parts[-1]
    each = records / SHARE
    show(
        f"{records:,} appends in {sum(parts):.1f} CPU seconds, {records / sum(parts):,.0f} a second"
    )
    show(f"first {each:,.0f}: {first / each * 1e6:.2f} microseconds each")
    show(f"last {each:,.0f}: {last / each * 1e6:.2f} microseconds each")
    show(f"ratio last to first: {last / first:.2f}")


def _say_memory(stream: Stream, records: int, grown: int) -> None:
    payload = DATA_BYTES + sum(len(f"user-{number}") for number in range(USERS)) / USERS
    show(
        f"bytes a record: {stream.nbytes / records:.0f} by the store's account "
        f"({payload:.0f} of data and key, {INDEX_BYTES} beside them), "
        f"{grown / records:.0f} by the growth of the process"
    )


def _say_reads(stream: Stream) -> None:
    started, read = time.process_time(), 0
    for shard in stream.open_shards:
        position = 0
        while records := shard.log.read(position, MAX_RECORDS_PER_READ, MAX_BYTES_PER_READ):
            position = records[-1].sequence
            read += len(records)
    seconds = time.process_time() - started
    show(
        f"{read:,} records read again in {seconds:.1f} CPU seconds, {read / seconds:,.0f} a second"
    )


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
