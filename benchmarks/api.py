"""How much mixed traffic the API of the embedded stack holds, beside the same requests without it.

    python -m benchmarks.api
    python -m benchmarks.api --seconds 5

A stack on this machine is filled with simulated listening, trained, and asked over the loopback
device from another process (`benchmarks.api_load`): three requests of four bring an event, as
producers do at live pace, the fourth asks for a list. The rate rises by steps until requests fail or
answers fall behind; the last rate that held is then held for the whole time. The rival is what stands
behind the API, called in this process: the recommendations function's handler, and for events, which
no handler takes, PutRecords by boto3. Gateway, functions, consumers and client share the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from benchmarks import recorded
from benchmarks.api_load import EVENTS, LISTS, Load, Measured, run
from benchmarks.start_times import REPOSITORY
from musicrec import events
from musicrec.cli import SAMPLE
from musicrec.datasets import daily
from musicrec.local.demo import filling
from musicrec.local.listeners import batches, demo_listeners
from musicrec.local.running import RunningStack, running
from musicrec.personalize import campaigns, filters, foundation, imports, solutions

if TYPE_CHECKING:
    from musicrec.events import ListeningEvent

LISTENERS: Final = 60
DAYS: Final = 8
RECIPE: Final = "aws-user-personalization-v2"

FIRST: Final = 10.0
STEP: Final = 1.5
STEP_S: Final = 5.0
TRIES: Final = 2
LAST: Final = 450.0
"""Requests a second; the usage plan ends at 500."""

CALM: Final = 5.0
CALM_S: Final = 20.0
"""A rate at which nothing waits for anything else, and how long it is measured."""

BACK: Final = 0.8
"""A rate that does not hold for the whole time is lowered by this, and tried again."""

KEPT_UP: Final = 0.95
"""A rate is held when no request fails and so much of it is answered until the last answer comes."""

BARE: Final = 300
"""Calls of each rival."""


class Bare(Struct, frozen=True, kw_only=True):
    """What a rival takes: milliseconds a call, one at a time."""

    p50: float
    p99: float


def held(measured: Measured) -> bool:
    """Whether the stack kept up with a load."""
    return not measured.failed and measured.rate >= KEPT_UP * measured.asked


def highest(stack: RunningStack, users: Sequence[str], seconds: float) -> Measured:
    """The load of the highest rate that is held for `seconds`, found by steps."""
    rate = FIRST
    while rate * STEP <= LAST and _holds(stack, users, rate * STEP):
        rate *= STEP
    while True:
        measured = _measure(stack, users, rate, seconds)
        if held(measured) or rate < FIRST:
            return measured
        rate *= BACK


def _holds(stack: RunningStack, users: Sequence[str], rate: float) -> bool:
    """Whether a rate is held for a while; the first try may go into starting functions."""
    return any(held(_measure(stack, users, rate, STEP_S)) for _ in range(TRIES))


def _measure(stack: RunningStack, users: Sequence[str], rate: float, seconds: float) -> Measured:
    measured = run(_load(stack, users, rate, seconds))
    _say(f"{rate:6.1f} requests/s for {seconds:.0f} s: {_verdict(measured)}")
    return measured


def bare_lists(stack: RunningStack, users: Sequence[str]) -> Bare:
    """The handler of the recommendations function, in this process, on the same questions."""
    name = f"{stack.deployment.name}-recommendations"
    function = stack.server.aws.client("lambda").get_function_configuration(FunctionName=name)
    os.environ |= function["Environment"]["Variables"] | {"POWERTOOLS_TRACE_DISABLED": "true"}
    handler = _handler()
    context = SimpleNamespace(
        function_name=name, memory_limit_in_mb=512, invoked_function_arn=function["FunctionArn"],
        aws_request_id="bare", get_remaining_time_in_millis=lambda: 10_000,
    )  # fmt: skip

    def ask(number: int) -> None:
        query = {"user_id": [users[number % len(users)]]}
        event = {"multiValueQueryStringParameters": query, "headers": {}}
        assert handler(event, context)["statusCode"] == 200

    with contextlib.redirect_stdout(io.StringIO()):  # what Lambda would take to CloudWatch
        return _taken(ask)


def bare_events(stack: RunningStack, users: Sequence[str]) -> Bare:
    """PutRecords by boto3 of what the API's template makes of the same requests."""
    kinesis = stack.server.aws.client("kinesis")

    def put(number: int) -> None:
        user = users[number % len(users)]
        record = {"Data": msgspec.json.encode(_event(user, -1 - number)), "PartitionKey": user}
        done = kinesis.put_records(StreamName=stack.deployment.stream, Records=[record])
        assert done["FailedRecordCount"] == 0

    return _taken(put)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30.0, help="for which the rate must hold")
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args(arguments)
    with running() as stack:
        users = filled(stack)
        rivals = {EVENTS: bare_events(stack, users), LISTS: bare_lists(stack, users)}
        measured = highest(stack, users, asked.seconds)
        filling.drain(stack)
        calm = _measure(stack, users, CALM, CALM_S)
        filling.drain(stack)
    found = figures(measured, calm, rivals)
    text = table(found)
    _say(text)
    if asked.record:
        recorded.keep("api", tables={"api": text}, figures=found)


def filled(stack: RunningStack, *, listeners: int = LISTENERS, days: int = DAYS) -> list[str]:
    """A stack whose campaign has learnt from some listeners; returns who they are."""
    stack.prepare(SAMPLE)
    tracks = filling.read_tracks(SAMPLE)
    simulation = demo_listeners(tracks, listeners=listeners, days=days, seed=1)
    happened: list[ListeningEvent] = [
        event for person in simulation.listeners for event in simulation.history(person.user_id)
    ]
    filling.send(stack, batches(sorted(happened, key=lambda event: event.occurred_at)))
    filling.drain(stack)
    clients, where = stack.clients, stack.deployment
    run_date = max(event.occurred_on for event in happened)
    for arn in daily.build(clients, where.name, run_date).import_jobs.values():
        imports.wait(clients, arn)
    ground = foundation.load(clients, where)
    weights = solutions.EVENT_WEIGHTS
    solution = solutions.ensure(clients, ground, "api", RECIPE, event_weights=weights)
    filters.ensure_no_skips(clients, where, ground)
    campaigns.ensure(clients, where, solutions.train(clients, solution))
    return sorted({event.user_id for event in happened})


def figures(measured: Measured, calm: Measured, rivals: dict[str, Bare]) -> dict[str, Any]:
    """Numbers behind the table, by name: at the highest rate, at a low one, and bare."""
    made: dict[str, Any] = {"rate": measured.rate, "seconds": measured.seconds}
    for kind, bare in rivals.items():
        seen, unhurried = measured.kinds[kind], calm.kinds[kind]
        made[kind] = {
            "rate": seen.count / measured.seconds, "p50": seen.p50, "p99": seen.p99,
            "bare_p50": bare.p50, "bare_p99": bare.p99,
            "ratio_p50": seen.p50 / bare.p50, "ratio_p99": seen.p99 / bare.p99,
            "calm_p50": unhurried.p50, "calm_ratio_p50": unhurried.p50 / bare.p50,
        }  # fmt: skip
    return made


def table(found: dict[str, Any]) -> str:
    """A Markdown table."""
    columns = {
        "a second": "rate", "p50, ms": "p50", "p99, ms": "p99", "bare p50, ms": "bare_p50",
        "bare p99, ms": "bare_p99", "p50, ratio": "ratio_p50", "p99, ratio": "ratio_p99",
        f"p50 at {CALM:.0f} a second, ms": "calm_p50", "its ratio": "calm_ratio_p50",
    }  # fmt: skip
    rows = [f"| request | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for kind in (EVENTS, LISTS):
        shown = (f"{found[kind][name]:.1f}" for name in columns.values())
        rows.append(f"| `{kind}` | {' | '.join(shown)} |")
    return "\n".join(rows)


def _load(stack: RunningStack, users: Sequence[str], rate: float, seconds: float) -> Load:
    count = int(rate * seconds)
    base = int(time.monotonic() * 1000) * 1_000  # events of another load have other ids
    return Load(
        url=stack.deployment.api_url,
        key=stack.api_key,
        rate=rate,
        users=[users[number % len(users)] for number in range(count)],
        bodies=[
            msgspec.json.encode({"events": [_event(users[number % len(users)], base + number)]})
            for number in range(count)
        ],
    )


def _event(user: str, number: int) -> dict[str, Any]:
    return {
        "event_id": events.new_event_id("benchmark", number), "schema_version": 1, "user_id": user,
        "session_id": "benchmark", "track_id": "5SuOikwiRyPMVoIQDJUgSV", "event_type": "play",
        "occurred_at": 1_772_323_200_000 + abs(number) % 86_400_000, "source": "simulated",
    }  # fmt: skip


def _handler() -> Callable[[Any, Any], Any]:
    path = REPOSITORY / "lambdas" / "recommendations" / "handler.py"
    spec = importlib.util.spec_from_file_location("recommendations_handler", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[[Any, Any], Any] = module.lambda_handler
    return made


def _taken(work: Callable[[int], None]) -> Bare:
    """Call it `BARE` times, once more before to warm it up."""
    work(BARE)
    taken = []
    for number in range(BARE):
        started = time.perf_counter()
        work(number)
        taken.append(1000 * (time.perf_counter() - started))
    return Bare(p50=float(np.quantile(taken, 0.5)), p99=float(np.quantile(taken, 0.99)))


def _verdict(measured: Measured) -> str:
    slowest = max(one.p99 for one in measured.kinds.values())
    failed = f"{measured.failed} failed ({measured.statuses})" if measured.failed else "none failed"
    return f"{failed}, p99 {slowest:.0f} ms, {'held' if held(measured) else 'not held'}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
