"""One batch of the stream into the profiles, and its poison into the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from musicrec.records import Poison, without

if TYPE_CHECKING:
    from musicrec.processor.profiles import Applied, Lookup, ProfileStore
    from musicrec.records import Batch, PoisonQueue
    from musicrec.retry import Retries


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        applied: what the profiles took in.
        poison: the records queued as poison, those that no profile can take in among them.
        failed: sequence numbers of the records to hand back to the stream.
    """

    applied: Applied
    poison: tuple[Poison, ...]
    failed: tuple[str, ...]


def process(
    batch: Batch, *, store: ProfileStore, lookup: Lookup, queue: PoisonQueue, retries: Retries
) -> Outcome:
    """Take a batch of the stream into the profiles.

    An event whose profile cannot take it in, now or later, would block its shard: it goes to the
    queue, and from the lake into the profile once that is mended (`musicrec profiles rebuild`).

    Args:
        batch: records of the stream.
        store: where profiles are.
        lookup: finds tracks by id.
        queue: for poison.
        retries: how to wait for other writers and for throughput, and until when.
    """
    unqueued = queue.send(batch.poison, retries)
    applied = store.apply((record.event for record in batch.records), lookup, retries)
    refused = [
        Poison.of(record, reason)
        for record in batch.records
        if (reason := applied.refused.get(record.event.event_id)) is not None
    ]
    unqueued += queue.send(refused, retries)
    failed = [
        record.sequence_number
        for record in batch.records
        if record.event.event_id in applied.failed
    ]
    return Outcome(
        applied=applied,
        poison=without((*batch.poison, *refused), unqueued),
        failed=(*failed, *(poison.sequence_number for poison in unqueued)),
    )
