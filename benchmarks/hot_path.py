"""What the hot path costs, beside one PutEvents a record written plainly.

    python -m benchmarks.hot_path

The records are those of the simulated listeners, cut into batches by the settings in
`infra/stack.json`: at the demo's pace, where producers post a day's listening at once, and at live
pace, where each event comes when it happens. Both handlers are whole, and call a server on the
loopback interface with boto3; the CPU time is this process's, threads and sockets included, the
server's not.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import importlib.util
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import boto3

from benchmarks import recorded, start_times
from benchmarks.loopback import loopback_aws
from musicrec import stack
from musicrec.catalog import read_kaggle
from musicrec.deploying import packages
from musicrec.events import ListeningEvent, encode, is_interaction
from musicrec.local.listeners import batches, demo_listeners, with_retries

SAMPLE: Final = Path(__file__).parents[1] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"
RECORDS: Final = 1_000
ROUNDS: Final = 3
RETRIED: Final = 0.05
REQUESTS_PER_S: Final = 25.0
"""How quickly the demo posts: some thousand events a second."""

WINDOWS_S: Final = (10, 60, 300)
"""Batching windows to set beside the stack's; 300 s is Lambda's longest."""


@dataclass(frozen=True)
class Arrival:
    """One record on the stream."""

    at: float
    event: ListeningEvent


Batch = list[ListeningEvent]


def demo_pace(happened: Sequence[ListeningEvent]) -> Iterator[Arrival]:
    """As the demo posts: a listener's day a request, some requests twice."""
    for number, request in enumerate(with_retries(batches(happened), share=RETRIED, seed=1)):
        for event in request:
            yield Arrival(number / REQUESTS_PER_S, event)


def live_pace(happened: Sequence[ListeningEvent]) -> Iterator[Arrival]:
    """Each event when it happens."""
    return (Arrival(event.occurred_at / 1000, event) for event in happened)


def cut(arrivals: Iterable[Arrival], shards: int, size: int, window_s: float) -> list[Batch]:
    """The batches of an event source mapping, in the order in which they are full."""
    made: list[Batch] = []
    filling: dict[int, tuple[float, Batch]] = {}
    for arrival in arrivals:
        shard = _shard(arrival.event.user_id, shards)
        began, batch = filling.get(shard, (arrival.at, []))
        if len(batch) == size or arrival.at > began + window_s:
            made.append(batch)
            began, batch = arrival.at, []
        batch.append(arrival.event)
        filling[shard] = began, batch
    return made + [batch for _, batch in filling.values()]


def _shard(partition_key: str, shards: int) -> int:
    """By the MD5 of the key, as Kinesis does."""
    return int.from_bytes(hashlib.md5(partition_key.encode()).digest()) * shards >> 128  # noqa: S324 # Kinesis's choice


def kinesis_event(batch: Batch) -> dict[str, Any]:
    """The batch as Lambda hands it over."""
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "partitionKey": event.user_id,
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(encode(event)).decode(),
                    "approximateArrivalTimestamp": event.occurred_at / 1000,
                },
            }
            for number, event in enumerate(batch)
        ]
    }


def rival(event: dict[str, Any], _context: Any) -> None:
    """One call a record, written plainly; as here, what is no interaction is passed over."""
    for record in event["Records"]:
        heard = json.loads(base64.b64decode(record["kinesis"]["data"]).decode("utf-8"))
        if heard["event_type"] not in {"play", "complete", "skip"}:
            continue
        _client().put_events(
            trackingId="t",
            userId=heard["user_id"],
            sessionId=heard["session_id"],
            eventList=[
                {
                    "eventId": heard["event_id"],
                    "eventType": heard["event_type"],
                    "itemId": heard["track_id"],
                    "sentAt": heard["occurred_at"] // 1000,
                }
            ],
        )


_CLIENTS: Final[list[Any]] = []


def _client() -> Any:
    if not _CLIENTS:
        _CLIENTS.append(boto3.client("personalize-events"))
    return _CLIENTS[0]


def ours() -> Callable[[dict[str, Any], Any], Any]:
    """The deployed function's handler."""
    path = start_times.REPOSITORY / "lambdas" / "hot_path" / "handler.py"
    spec = importlib.util.spec_from_file_location("hot_path_handler", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[dict[str, Any], Any], Any] = module.lambda_handler
    return handler


def cpu_s(handler: Callable[[dict[str, Any], Any], Any], events: Sequence[dict[str, Any]]) -> float:
    """CPU seconds of this process while a handler takes the events."""
    context = SimpleNamespace(
        function_name="hot-path",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:hot-path",
        aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        get_remaining_time_in_millis=lambda: 60_000,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.process_time()
        for event in events:
            handler(event, context)
        return time.process_time() - began


def first_records(cuts: Sequence[Batch]) -> list[dict[str, Any]]:
    """Batches from the middle that hold `RECORDS` records together."""
    taken: list[Batch] = []
    left = RECORDS
    for batch in cuts[len(cuts) // 3 :]:
        taken.append(batch[:left])
        left -= len(taken[-1])
        if not left:
            break
    return [kinesis_event(batch) for batch in taken]


def calls(cuts: Iterable[Batch]) -> tuple[int, int]:
    """PutEvents calls: grouped by session and ten, each event once a batch; and one a record."""
    grouped = single = 0
    for batch in cuts:
        sessions: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for event in filter(is_interaction, batch):
            sessions[event.user_id, event.session_id].add(event.event_id)
            single += 1
        grouped += sum(-(-len(ids) // 10) for ids in sessions.values())
    return grouped, single


def least_cpu_s(
    handler: Callable[..., Any], events: Sequence[dict[str, Any]], rounds: int
) -> tuple[float, float]:
    """What the events cost the handler and its rival, in turns, the least of several."""
    best = dict.fromkeys((handler, rival), float("inf"))
    for _ in range(rounds):
        for each in best:
            best[each] = min(best[each], cpu_s(each, events))
    return best[handler], best[rival]


def compare_cpu(cuts: Sequence[Batch], handler: Callable[..., Any]) -> dict[str, float]:
    """What a thousand records cost both handlers, in processor seconds."""
    events = first_records(cuts)
    mine, theirs = least_cpu_s(handler, events, ROUNDS)
    return {
        "batches": len(events),
        "seconds": mine,
        "rival_seconds": theirs,
        "ratio": mine / theirs,
    }


def compare_calls(cuts: Sequence[Batch]) -> dict[str, float]:
    """How many calls both make, for an interaction one each by the rival."""
    grouped, single = calls(cuts)
    return {
        "calls": grouped,
        "interactions": single,
        "ratio": grouped / single,
        "records": sum(map(len, cuts)) / len(cuts),
    }


def calls_table(measured: dict[str, dict[str, float]]) -> str:
    """A Markdown table."""
    lines = [
        "| pace | calls | interactions | calls of one a record | records a batch |",
        f"{'|---' * 5}|",
    ]
    lines += [
        f"| {name} | {row['calls']:,} | {row['interactions']:,} | {row['ratio']:.2f} "
        f"| {row['records']:.0f} |"
        for name, row in measured.items()
    ]
    return "\n".join(lines)


def cpu_table(measured: dict[str, dict[str, float]]) -> str:
    """A Markdown table."""
    lines = ["| pace | batches | CPU, ms | one call a record, ms | ratio |", f"{'|---' * 5}|"]
    lines += [
        f"| {name} | {row['batches']} | {row['seconds'] * 1000:.0f} "
        f"| {row['rival_seconds'] * 1000:,.0f} | {row['ratio']:.2f} |"
        for name, row in measured.items()
    ]
    return "\n".join(lines)


def weight_table(starts: dict[str, float], zips: dict[str, int]) -> str:
    """A Markdown table of how quickly functions start and how large they are."""
    lines = ["| function | import, times that of boto3 | zip, bytes |", f"{'|---' * 3}|"]
    lines += [
        f"| {name} | {f'{starts[name]:.2f}' if name in starts else ''} | {size:,} |"
        for name, size in zips.items()
    ]
    return "\n".join(lines)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args()
    variables = dict.fromkeys(("name", "poison_queue_url", "profile_table", "catalog_uri"), "x")
    deployed = stack.settings(variables)
    shards, mapping = deployed.stream.shards, deployed.event_source_mappings["hot_path"]
    happened = list(demo_listeners(read_kaggle(SAMPLE)[0]).events())
    window_s = mapping.batching_window_seconds
    demo, live = (
        cut(pace(happened), shards, mapping.batch_size, window_s) for pace in (demo_pace, live_pace)
    )
    _tell(f"{len(happened):,} events; {shards} shards, {mapping.batch_size} records a batch")
    made = {f"demo, window {window_s} s": demo, f"live, window {window_s} s": live}
    for longer_s in WINDOWS_S:
        made[f"live, window {longer_s} s"] = cut(
            live_pace(happened), shards, mapping.batch_size, longer_s
        )
    counted = {name: compare_calls(cuts) for name, cuts in made.items()}
    with loopback_aws():
        handler = ours()
        cpu = {"demo": compare_cpu(demo, handler), "live": compare_cpu(live, handler)}
    starts = start_times.ratios(ROUNDS)
    zips = {name: len(packages.function_zip(name)) for name in deployed.functions}
    tables = {
        "calls": calls_table(counted),
        "cpu": cpu_table(cpu),
        "weight": weight_table(starts, zips),
    }
    for table in tables.values():
        _tell(table)
    if asked.record:
        figures = {"calls": counted, "cpu": cpu, "starts": starts, "zips": zips}
        recorded.keep("hot_path", tables=tables, figures=figures)


if __name__ == "__main__":
    main()
