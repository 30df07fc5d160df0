"""One batch of the stream into the profiles, and its poison into the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from musicrec.processor.profiles import Applied, Lookup, ProfileStore
    from musicrec.records import Batch, PoisonQueue
    from musicrec.retry import Retries


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        applied: what the profiles took in.
        poison: records queued as poison.
        failed: sequence numbers of the records to hand back to the stream.
    """

    applied: Applied
    poison: int
    failed: tuple[str, ...]


def process(
    batch: Batch, *, store: ProfileStore, lookup: Lookup, queue: PoisonQueue, retries: Retries
) -> Outcome:
    """Take a batch of the stream into the profiles.

    Args:
        batch: records of the stream.
        store: where profiles are.
        lookup: finds tracks by id.
        queue: for poison.
        retries: how to wait for other writers and for throughput, and until when.
    """
    applied = store.apply((record.event for record in batch.records), lookup, retries)
    unqueued = queue.send(batch.poison)
    failed = [
        record.sequence_number
        for record in batch.records
        if record.event.event_id in applied.failed
    ]
    return Outcome(
        applied=applied,
        poison=len(batch.poison) - len(unqueued),
        failed=(*failed, *(poison.sequence_number for poison in unqueued)),
    )
