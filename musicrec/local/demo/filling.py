"""Filling a stack: listeners play, their events go through the API, the daily build runs once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import requests
from msgspec import Struct

from musicrec import catalog
from musicrec.events import ListeningEvent
from musicrec.local.running import RunningStack
from musicrec.producer.ingest import IngestionApi, SendResult

DRAIN_SECONDS = 180.0
"""How long the consumers may take to catch up before a step counts as failed."""


class NotAcceptedError(RuntimeError):
    """The ingestion API did not take every event."""


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


def send(
    stack: RunningStack,
    batches: Iterable[Sequence[ListeningEvent]],
    progress: Callable[[int], None] = lambda _: None,
) -> Sent:
    """POST batches in order, as producers do; returns what was sent.

    Args:
        stack: whose API takes the events.
        batches: one request each.
        progress: called with the number of events after each request.

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
            progress(len(batch))
    return Sent(list(distinct.values()), copies, count)


def drain(stack: RunningStack) -> None:
    """Wait until every consumer has taken in what was sent."""
    stack.server.drain(DRAIN_SECONDS)


def fire_daily_rule(stack: RunningStack) -> None:
    """Let the daily schedule fire now, as it does at its hour."""
    stack.server.fire_rule(stack.deployment.schedule_rule)


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
