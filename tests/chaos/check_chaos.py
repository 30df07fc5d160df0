"""The whole path while everything fails: at the end each valid event counts once, everywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import chaos_stations as stations
import pytest
import requests
from chaos_faults import Faults
from chaos_input import Plan, Poison, Request, plan
from chaos_stations import PoisonCollector, Station

from musicrec.catalog import Track
from musicrec.cli import SAMPLE
from musicrec.datasets import daily
from musicrec.local.demo import filling
from musicrec.local.running import RunningStack, running
from musicrec.producer.ingest import IngestionApi

pytestmark = pytest.mark.timeout(7200)

SENDERS: Final = 4
LONGEST_WAIT_S: Final = 1.0
RECORDS_A_PUT: Final = 20
DRAIN_S: Final = 3600.0
BUILDS: Final = (datetime(2026, 1, 12, 3, tzinfo=UTC), datetime(2026, 1, 13, 3, tzinfo=UTC))
LAST_BUILD: Final = "2026-01-14"

FUNCTION_TIMEOUT_S: Final = 10
"""Shorter than in operation, so that a function that hangs does not take up the test's time."""

MUST_HAPPEN: Final = (
    "PutEvents: refused",
    "PutRecords: part of the records refused",
    "hot-path: killed",
    "profile-builder: killed",
)


def test_every_valid_event_counts_once(
    request: pytest.FixtureRequest,
    sample_tracks: list[Track],
    capsys: pytest.CaptureFixture[str],
):
    """Nothing is lost, doubled or invented, and all poison is in its queue with its reason."""
    seed, events = request.config.getoption("--seed"), request.config.getoption("--events")
    sent = plan(sample_tracks, events=events, seed=seed)
    faults = Faults(seed)
    started = time.monotonic()
    found = run(sent, faults, {track.track_id: track for track in sample_tracks})
    with capsys.disabled():
        sys.stdout.write(report(sent, faults, found, seconds=time.monotonic() - started))
    assert [station for station in found if not station.right] == []
    assert [fault for fault in MUST_HAPPEN if not faults.met[fault]] == []


def run(sent: Plan, faults: Faults, tracks: dict[str, Track]) -> list[Station]:
    """Send everything through a stack that fails, and count what its stations hold."""
    with running(middleware=faults) as stack:
        stack.prepare(SAMPLE)
        shorten_timeouts(stack)
        sqs = stack.server.aws.client("sqs")
        collector = PoisonCollector(sqs, stack.deployment.poison_queue_url)
        collector.start()
        faults.on = True
        with ThreadPoolExecutor(2) as others:
            spoiled = others.submit(spoil, stack, sent.poison)
            refused = others.submit(offer, stack, sent.refused)
            send(stack, sent.requests)
            assert refused.result() == []
            spoiled.result()
        stack.server.drain(DRAIN_S)
        filling.fire_daily_rule(stack, BUILDS[0])
        send(stack, sent.late)
        stack.server.drain(DRAIN_S)
        filling.fire_daily_rule(stack, BUILDS[1])
        faults.on = False
        whole = daily.write(stack.clients, stack.deployment, LAST_BUILD, full=True)
        messages = collector.finish()
        return [
            stations.in_lake(stack, sent),
            stations.in_profiles(stack, sent, tracks),
            stations.in_curated(stack, sent),
            stations.in_dataset(stack, sent, whole.datasets["interactions"].uri),
            stations.in_personalize(stack, sent, "exports/chaos"),
            stations.in_poison_queue(sent, messages),
        ]


def shorten_timeouts(stack: RunningStack) -> None:
    """Let the stream's functions time out sooner than in operation."""
    client = stack.server.aws.client("lambda")
    for name in ("hot-path", "profile-builder"):
        client.update_function_configuration(
            FunctionName=f"{stack.deployment.name}-{name}", Timeout=FUNCTION_TIMEOUT_S
        )


def send(stack: RunningStack, batches: Sequence[Request]) -> None:
    """POST as several producers do side by side, each batch until all of its events are taken."""

    def sender(mine: Sequence[Request]) -> list[str]:
        with requests.Session() as session:
            api = IngestionApi(
                stack.deployment.api_url,
                stack.api_key,
                session=session,
                attempts=200,
                sleep=lambda seconds: time.sleep(min(seconds, LONGEST_WAIT_S)),
            )
            return [reason for each in mine for reason in api.send(each).failed.values()]

    with ThreadPoolExecutor(SENDERS) as pool:
        failed = list(pool.map(sender, [batches[place::SENDERS] for place in range(SENDERS)]))
    assert not any(failed), failed


def spoil(stack: RunningStack, poison: Sequence[Poison]) -> None:
    """Put poison on the stream, past the API, each record until the stream has taken it."""
    kinesis = stack.server.aws.client("kinesis")
    for start in range(0, len(poison), RECORDS_A_PUT):
        left = list(poison[start : start + RECORDS_A_PUT])
        while left:
            left = _put(kinesis, stack.deployment.stream, left)


def _put(kinesis, stream: str, poison: Sequence[Poison]) -> list[Poison]:
    """Returns what the stream did not take."""
    records = [{"Data": each.data, "PartitionKey": each.kind} for each in poison]
    try:
        answer = kinesis.put_records(StreamName=stream, Records=records)
    except kinesis.exceptions.ClientError:
        return list(poison)
    results = zip(poison, answer["Records"], strict=True)
    return [each for each, result in results if "ErrorCode" in result]


def offer(stack: RunningStack, bodies: Sequence[bytes]) -> list[str]:
    """Post bodies that are no events; returns those that were not refused as the sender's fault."""
    headers = {"x-api-key": stack.api_key, "content-type": "application/json"}
    taken = []
    for body in bodies:
        answer = requests.post(
            f"{stack.deployment.api_url}/events", data=body, headers=headers, timeout=60
        )
        if not 400 <= answer.status_code < 500:
            taken.append(f"{answer.status_code} for {body[:80]!r}")
    return taken


def report(sent: Plan, faults: Faults, found: Sequence[Station], *, seconds: float) -> str:
    """What was sent, what went wrong, and what every station holds."""
    listeners = len({event.user_id for event in sent.events})
    late = len({event.event_id for batch in sent.late for event in batch})
    lines = [
        f"\n{len(sent.events):,} valid events of {listeners:,} listeners, {late:,} of them days late",
        f"{sent.copies:,} copies, {len(sent.requests) + len(sent.late):,} requests",
        f"{len(sent.poison):,} poison records, {len(sent.refused):,} bodies for the API to refuse",
        f"{seconds:.0f} s in all, during which these calls failed or were cut short:",
        *(f"  {count:7,}  {fault}" for fault, count in sorted(faults.met.items())),
    ]
    for station in found:
        verdict = "right" if station.right else "WRONG"
        lines.append(f"{station.name:20} {station.expected:9,} expected  {verdict}")
        lines += [f"    missing: {each}" for each in station.missing]
        lines += [f"    strange: {each}" for each in station.strange]
    return "\n".join(lines) + "\n"
