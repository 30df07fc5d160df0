"""Delivers a batch although the API rejects all of it for one bad event.

The API validates a request as a whole. Halving finds the event to blame in a few requests, and the
others arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from musicrec.events import ListeningEvent
from musicrec.producer.ingest import RefusedSenderError, RejectedEventsError, SendResult


class Sender(Protocol):
    """What delivers events: `musicrec.producer.ingest.IngestionApi`."""

    def send(self, events: Sequence[ListeningEvent]) -> SendResult:
        """Deliver events; see `IngestionApi.send`."""


class Part(Struct, frozen=True, kw_only=True):
    """What became of a part of a batch.

    Attributes:
        accepted: ids that the API took.
        rejected: why the API will never take an event, by id.
        problem: why the rest was not taken for now, None when nothing is left.
        retry_after_s: seconds that the API asked to wait.
    """

    accepted: tuple[str, ...] = ()
    rejected: dict[str, str] = {}
    problem: str | None = None
    retry_after_s: float | None = None


def deliver(api: Sender, batch: Sequence[ListeningEvent]) -> Iterator[Part]:
    """Send a batch in order; a part with a problem is the last.

    Take each part in at once: what it says is final, whatever becomes of the next.

    Raises:
        RefusedSenderError: the API refuses the key or the address; no event is to blame.
    """
    try:
        result = api.send(batch)
    except RefusedSenderError:
        raise
    except RejectedEventsError as error:
        if len(batch) == 1:
            yield Part(rejected={batch[0].event_id: str(error)})
            return
    else:
        yield _part(batch, result)
        return
    middle = len(batch) // 2
    for half in (batch[:middle], batch[middle:]):
        for part in deliver(api, half):
            yield part
            if part.problem is not None:
                return


def _part(batch: Sequence[ListeningEvent], result: SendResult) -> Part:
    return Part(
        accepted=tuple(event.event_id for event in batch if event.event_id not in result.failed),
        problem=next(iter(result.failed.values()), None),
        retry_after_s=result.retry_after_s,
    )
