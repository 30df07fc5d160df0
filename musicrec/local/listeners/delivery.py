"""How simulated events travel: batched as producers post them, now and then posted twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from musicrec.events import DAY_MS, MAX_EVENTS_PER_REQUEST, ListeningEvent

_LATEST_RETRY: Final = 4

Batch = list[ListeningEvent]


def batches(
    events: Iterable[ListeningEvent], max_events: int = MAX_EVENTS_PER_REQUEST
) -> list[Batch]:
    """The events in the requests that each listener's producer would post.

    A batch holds one listener's events of one UTC day, in the order given, cut at `max_events`.
    Batches follow each other day by day and by the time of day of their last event, so the stream
    sees listeners mixed, and each listener's events in order.

    Args:
        events: of any listeners; each listener's in order of time.
        max_events: most events of a batch, at least 1.

    Raises:
        ValueError: `max_events` is less than 1.
    """
    if max_events < 1:
        raise ValueError(f"max_events={max_events} must be at least 1")
    full: list[Batch] = []
    filling: dict[tuple[str, int], Batch] = {}
    for event in events:
        key = (event.user_id, event.occurred_at // DAY_MS)
        batch = filling.get(key)
        if batch is None or len(batch) == max_events:
            batch = filling[key] = []
            full.append(batch)
        batch.append(event)
    return sorted(full, key=lambda batch: (batch[-1].occurred_at, batch[-1].user_id))


def with_retries(requests: Iterable[Batch], *, share: float, seed: int) -> Iterator[Batch]:
    """The batches, some of them twice: the answer to a post was lost, so the producer posts again.

    The copy comes right after the first post or up to three batches later, and holds the very same
    events, so whoever counts must count them once.

    Args:
        requests: what `batches` returned.
        share: probability, 0 to 1, that a batch is posted again.
        seed: decides which.

    Raises:
        ValueError: `share` is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share} must be between 0 and 1")
    rng = np.random.default_rng(seed)
    waiting: deque[tuple[int, Batch]] = deque()
    for number, batch in enumerate(requests):
        yield batch
        if rng.random() < share:
            waiting.append((number + int(rng.integers(_LATEST_RETRY)), batch))
        due = [copy for when, copy in waiting if when <= number]
        waiting = deque(entry for entry in waiting if entry[0] > number)
        yield from due
    yield from (copy for _, copy in waiting)
