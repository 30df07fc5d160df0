"""Filling a stack: listeners play, their events go through the API, the daily build runs once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import requests
from msgspec import Struct

from musicrec import catalog
from musicrec.datasets.manifest import Manifest
from musicrec.events import ListeningEvent
from musicrec.local.running import RunningStack
from musicrec.producer.ingest import IngestionApi, SendResult

DRAIN_SECONDS = 180.0
"""How long the consumers may take to catch up before a step counts as failed."""


class NotAcceptedError(RuntimeError):
    """The ingestion API did not take every event."""


class DailyBuildError(RuntimeError):
    """The daily dataset build failed."""


class Sent(Struct, frozen=True):
    """What was sent to the ingestion API.

    Attributes:
        events: the distinct events, as first sent.
        copies: how many events were sent, deliberate repeats included.
        requests: how many requests carried them.
    """

    events: list[ListeningEvent]
    copies: int
    requests: int


def send(stack: RunningStack, batches: Iterable[Sequence[ListeningEvent]]) -> Sent:
    """POST batches in order, as producers do; returns what was sent.

    Args:
        stack: whose API takes the events.
        batches: one request each.

    Raises:
        NotAcceptedError: the API did not take an event, or took it only in part.
    """
    distinct: dict[str, ListeningEvent] = {}
    copies = count = 0
    with requests.Session() as session:
        api = IngestionApi(stack.deployment.api_url, stack.api_key, session=session)
        for batch in batches:
            _check(api.send(batch))
            distinct.update((event.event_id, event) for event in batch)
            copies, count = copies + len(batch), count + 1
    return Sent(list(distinct.values()), copies, count)


def drain(stack: RunningStack) -> None:
    """Wait until every consumer has taken in what was sent."""
    stack.server.drain(DRAIN_SECONDS)


def fire_daily_rule(stack: RunningStack, at: datetime) -> Manifest:
    """Let the daily schedule fire now, as if it were the hour `at`.

    Raises:
        DailyBuildError: the dataset builder failed; the message has its error.
    """
    (fired,) = stack.server.fire_rule(stack.deployment.schedule_rule, at.timestamp())
    if fired.result.error:
        raise DailyBuildError(fired.result.payload.decode(errors="replace"))
    return msgspec.json.decode(fired.result.payload, type=Manifest)


def read_tracks(path: Path) -> list[catalog.Track]:
    """The tracks that listeners can play, from the file that the catalogue was made from."""
    tracks, _ = catalog.read_kaggle(path)
    return tracks


def _check(result: SendResult) -> None:
    if result.failed:
        event_id, reason = next(iter(result.failed.items()))
        raise NotAcceptedError(
            f"{len(result.failed)} events were not accepted, the first is {event_id}: {reason}"
        )
