"""An import's events to the ingestion API, in full requests and in order.

Nothing is kept on disk for that: the events stand in the export, under the same ids each time, so
an import that was cut off is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from msgspec import Struct, field

from musicrec.events import MAX_EVENTS_PER_REQUEST, ListeningEvent
from musicrec.producer.isolating import Sender, deliver


class ImportStoppedError(Exception):
    """The API did not take events for so long that the import gave up; run it again."""


class Sent(Struct):
    """What became of the events.

    Attributes:
        accepted: events that the API took.
        rejected: why the API will never take an event, by id.
    """

    accepted: int = 0
    rejected: dict[str, str] = field(default_factory=dict)


def send(
    events: Iterable[ListeningEvent], api: Sender, tell: Callable[[int], object] = lambda _: None
) -> Sent:
    """Deliver all events.

    Args:
        events: in the order to send.
        api: should be patient: what it fails to deliver ends the import.
        tell: is told how many events were settled, request by request.

    Raises:
        ImportStoppedError: the API did not take an event in all its attempts.
        RefusedSenderError: the API refuses the key or the address.
    """
    sent = Sent()
    remaining = iter(events)
    while batch := list(islice(remaining, MAX_EVENTS_PER_REQUEST)):
        for part in deliver(api, batch):
            sent.accepted += len(part.accepted)
            sent.rejected |= part.rejected
            tell(len(part.accepted) + len(part.rejected))
            if part.problem is not None:
                raise ImportStoppedError(
                    f"{sent.accepted:,} events sent, then the API took no more ({part.problem}): "
                    "run the same command again, nothing is doubled"
                )
    return sent
