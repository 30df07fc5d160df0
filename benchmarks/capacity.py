"""What the stack needs, and what AWS would bill for it, at a thousand, a million and a hundred million listeners.

    python -m benchmarks.capacity

Arithmetic on figures that are measured here or kept by other benchmarks: what the simulated
listeners do in a day, how large an event and a profile are, and what `make bench-hot-path` found.
Prices are those of us-east-1 as AWS's pages and several notes on them give them; taxes, free tiers,
logs and discounts are left out. What stands and bills while nobody listens is counted by itself.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

from benchmarks import recorded
from musicrec import events, monitoring, stack
from musicrec.catalog import read_kaggle
from musicrec.local.listeners import demo_listeners
from musicrec.local.listeners.simulation import DEMO_DAYS
from musicrec.personalize import cost
from musicrec.processor import profile_item
from musicrec.processor.profile_item import SEEN_AFTER_PAGING, SEEN_LIMIT, Seen, StoredProfile
from musicrec.profile import Profile, fold, id_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicrec.events import ListeningEvent

SAMPLE: Final = Path(__file__).parents[1] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"
LISTENERS: Final = (1_000, 1_000_000, 100_000_000)
LISTS_A_DAY: Final = 5
"""Requests for recommendations that a listener makes; an assumption."""

EVENTS_A_POST: Final = 1.0
"""At live pace a producer sends what has just happened; more only after it was cut off."""

HOURS: Final = 730
DAYS: Final = 30.4
SECONDS_A_DAY: Final = 86_400

SHARD_RECORDS: Final = 1_000
SHARD_BYTES: Final = 2**20
SHARD_FILLED: Final = 0.7
"""How full a shard may be in the busiest hour, so that minutes above its mean still pass."""

SHARD_HOUR: Final = 0.015
PUT_MILLION: Final = 0.014
"""PutRecords payload units of 25 KB: one an event."""

API_TIERS: Final = ((333e6, 3.50), (667e6, 2.80), (19e9, 2.38), (math.inf, 1.51))
"""REST API, dollars a million requests in a month."""

LAMBDA_MILLION: Final = 0.20
LAMBDA_GB_SECOND: Final = 0.0000166667
MB_A_CPU: Final = 1_769
"""Memory at which a function has one whole CPU; less memory has a share of it."""

WRITE_MILLION: Final = 0.625
READ_MILLION: Final = 0.125
"""DynamoDB on demand: units of 1 KB written, of 4 KB read consistently."""

FIREHOSE_GB: Final = 0.029 + 0.018 + 0.020
"""Ingestion, conversion to Parquet, dynamic partitioning."""

FIREHOSE_RECORD: Final = 5 * 1024
"""Each record is billed as a multiple of it."""

ALARM: Final = 0.10
DASHBOARD: Final = 3.00
"""CloudWatch, a month each."""

PUT_EVENTS_A_SECOND: Final = 1_000
"""Personalize's quota for a dataset group; it can be raised."""


@dataclass(frozen=True)
class Measured:
    """Figures of one listener's day and of one event.

    Attributes:
        events_a_day: of a listener.
        interactions: share of the events that go to Personalize.
        event_bytes: as JSON on the stream.
        peak: events in the busiest hour, as a multiple of the mean hour.
        item_bytes: of a profile, once its list of event ids is as full as it is on average.
        calls: PutEvents calls for an interaction at live pace.
        cpu_s: processor seconds of the hot path for an event in full batches.
    """

    events_a_day: float
    interactions: float
    event_bytes: float
    peak: float
    item_bytes: float
    calls: float
    cpu_s: float


def measure() -> Measured:
    """From the simulated listeners, and what the hot path's benchmark kept."""
    tracks, _ = read_kaggle(SAMPLE)
    known = {track.track_id: track for track in tracks}
    histories: dict[str, list[ListeningEvent]] = defaultdict(list)
    for event in demo_listeners(tracks).events():
        histories[event.user_id].append(event)
    happened = [event for history in histories.values() for event in history]
    hours = Counter(event.occurred_at // 3_600_000 for event in happened)
    hot_path = recorded.load("hot_path")["figures"]
    return Measured(
        events_a_day=len(happened) / len(histories) / DEMO_DAYS,
        interactions=mean(events.is_interaction(event) for event in happened),
        event_bytes=mean(len(events.encode(event)) for event in happened),
        peak=max(hours.values()) / (len(happened) / (24 * DEMO_DAYS)),
        item_bytes=mean(_item_bytes(history, known) for history in histories.values()),
        calls=hot_path["calls"]["live, window 1 s"]["ratio"],
        cpu_s=hot_path["cpu"]["demo"]["seconds"] / 1_000,
    )


def _item_bytes(history: Sequence[ListeningEvent], tracks: Mapping[str, Any]) -> int:
    profile = fold(
        Profile(user_id=history[0].user_id),
        ((event, tracks.get(event.track_id)) for event in history),
    )
    newest = history[-(SEEN_LIMIT + SEEN_AFTER_PAGING) // 2 :]
    seen = Seen(times={id_bytes(event): event.occurred_at for event in newest})
    return _size(profile_item.to_item(StoredProfile(profile=profile, seen=seen, version=1)))


def _size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them, near enough."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_size(v) for name, v in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_size(v) for v in content)
    return len(content if kind == "B" else str(content).encode())


def needs(measured: Measured, listeners: int) -> dict[str, float]:
    """What so many listeners a day need.

    Returns:
        rates are of the busiest hour, a second; concurrency is how many invocations run at once.
    """
    settings = _settings()
    day = measured.events_a_day * listeners
    peak = day / SECONDS_A_DAY * measured.peak
    per_shard = min(SHARD_RECORDS, SHARD_BYTES / measured.event_bytes) * SHARD_FILLED
    cpus = settings.functions["hot_path"].memory_mb / MB_A_CPU
    return {
        "events_a_day": day,
        "peak_events_s": peak,
        "shards": max(settings.stream.shards, math.ceil(peak / per_shard)),
        "hot_path_at_once": peak * measured.cpu_s / cpus,
        "put_events_s": peak * measured.interactions * measured.calls,
        "writes_s": peak,
        "write_units_s": peak * math.ceil(measured.item_bytes / 1024),
        "lists_s": LISTS_A_DAY * listeners / SECONDS_A_DAY * measured.peak,
    }


def dollars(measured: Measured, listeners: int) -> dict[str, float]:
    """US dollars a month, by what is billed."""
    needed = needs(measured, listeners)
    month = needed["events_a_day"] * DAYS
    lists = LISTS_A_DAY * listeners * DAYS
    units = math.ceil(measured.item_bytes / 1024), math.ceil(measured.item_bytes / 4096)
    return {
        "API Gateway": _tiered(month / EVENTS_A_POST + lists),
        "Kinesis": needed["shards"] * HOURS * SHARD_HOUR + month / 1e6 * PUT_MILLION,
        "Lambda": _functions(measured, needed, month),
        "DynamoDB": month / 1e6 * (units[0] * WRITE_MILLION + units[1] * READ_MILLION),
        "Firehose": month * FIREHOSE_RECORD / 2**30 * FIREHOSE_GB,
        "Personalize, events": month
        * measured.interactions
        * measured.event_bytes
        / 1e9
        * cost.INGESTION_PER_GB,
        "Personalize, lists": lists / 1_000 * cost.V2_PER_1000_REQUESTS,
    }


def idle() -> dict[str, float]:
    """US dollars a month of a stack that nobody uses, by what is billed, without Personalize.

    API Gateway, DynamoDB on demand, Firehose, SQS and three of the functions bill by use alone; the
    daily build finds nothing new, and the bucket holds little.
    """
    settings = _settings()
    names = stack.StackNames("x", "us-east-1", "123456789012")
    watched = monitoring.variables(names, settings.api.stage)
    return {
        "Kinesis, shards": settings.stream.shards * HOURS * SHARD_HOUR,
        "CloudWatch, alarms": len(monitoring.alarms(watched)) * ALARM,
        "CloudWatch, dashboard": DASHBOARD,
    }


def idle_table() -> str:
    """A Markdown table of the idle stack's bill, then what a campaign may add to it."""
    standing = idle()
    campaign = cost.of_campaign(0)
    rows = standing | {
        "together": sum(standing.values()),
        "a campaign on top, if its minimum throughput is billed": campaign.monthly_with_floor,
    }
    lines = ["| what stands | dollars a month |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {price:,.2f} |" for name, price in rows.items())])


def _settings() -> stack.StackSettings:
    names = ("name", "poison_queue_url", "profile_table", "catalog_uri")
    return stack.settings(dict.fromkeys(names, "x"))


def _functions(measured: Measured, needed: Mapping[str, float], month: float) -> float:
    """Both consumers, taken to need as much as the hot path: a batch a second on each shard."""
    most = needed["shards"] * SECONDS_A_DAY * DAYS
    invocations = 2 * min(month, most)
    gb_seconds = 2 * month * measured.cpu_s * MB_A_CPU / 1024
    return invocations / 1e6 * LAMBDA_MILLION + gb_seconds * LAMBDA_GB_SECOND


def _tiered(requests: float) -> float:
    total = 0.0
    for size, price in API_TIERS:
        taken = min(requests, size)
        total += taken / 1e6 * price
        requests -= taken
    return total


def needs_table(measured: Measured) -> str:
    """A Markdown table of what is needed."""
    rows = {
        "events a day": "events_a_day",
        "events a second in the busiest hour": "peak_events_s",
        "shards": "shards",
        "hot-path invocations at once": "hot_path_at_once",
        "`PutEvents` calls a second": "put_events_s",
        "profile writes a second": "writes_s",
        "DynamoDB write units a second": "write_units_s",
        "recommendation lists a second": "lists_s",
    }
    columns = [needs(measured, listeners) for listeners in LISTENERS]
    return _table(
        {
            title: [
                f"{column[key]:,.4g}" if column[key] < 10 else f"{column[key]:,.0f}"
                for column in columns
            ]
            for title, key in rows.items()
        }
    )


def dollars_table(measured: Measured) -> str:
    """A Markdown table of the bill."""
    columns = [dollars(measured, listeners) for listeners in LISTENERS]
    rows = {name: [f"{column[name]:,.0f}" for column in columns] for name in columns[0]}
    rows["together"] = [f"{sum(column.values()):,.0f}" for column in columns]
    rows["for each listener"] = [
        f"{sum(column.values()) / listeners:.3f}"
        for column, listeners in zip(columns, LISTENERS, strict=True)
    ]
    return _table(rows)


def _table(rows: Mapping[str, Sequence[str]]) -> str:
    head = " | ".join(f"{listeners:,}" for listeners in LISTENERS)
    lines = [f"| listeners a day | {head} |", "|---" * (len(LISTENERS) + 1) + "|"]
    return "\n".join(
        [*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())]
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args()
    measured = measure()
    tables = {
        "needs": needs_table(measured),
        "dollars": dollars_table(measured),
        "idle": idle_table(),
    }
    sys.stdout.write("\n\n".join([str(measured), *tables.values(), ""]))
    if asked.record:
        recorded.keep("capacity", tables=tables, figures=vars(measured))


if __name__ == "__main__":
    main()
