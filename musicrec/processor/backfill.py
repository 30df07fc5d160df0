"""Events of the past straight into the lake and the profiles, without a stream.

An account's whole history is hours of a stream's throughput, and a stream keeps records for a day.
What the lake holds the profiles must hold too, so both are written, a piece at a time. Doing it
again changes nothing: files are named by the events in them, and profiles know what they took in.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from musicrec.events import ListeningEvent, to_mapping
from musicrec.processor.lake import SCHEMA
from musicrec.processor.raw_objects import PREFIX, notify

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from musicrec.processor.profiles import Lookup, ProfileStore
    from musicrec.retry import Retries

PIECE: Final = 20_000
"""Events in memory at once, some 20 MB."""


class BackfillError(RuntimeError):
    """The profile table did not take events, although they were offered again and again."""


class Backfill:
    """Writes events of the past.

    Args:
        s3: client.
        bucket: of the stack.
        store: profiles.
        lookup: finds tracks by id.
        retries: how to wait for the profile table, for each piece anew.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        store: ProfileStore,
        lookup: Lookup,
        retries: Callable[[], Retries],
    ) -> None:
        self._s3, self._bucket = s3, bucket
        self._store, self._lookup, self._retries = store, lookup, retries

    def write(self, events: Iterable[ListeningEvent]) -> Iterator[int]:
        """Write the events in pieces; yields how many after each piece.

        Raises:
            BackfillError: the profiles lack some events of a piece. Write the same again.
        """
        remaining = iter(events)
        while piece := list(islice(remaining, PIECE)):
            days: defaultdict[str, list[ListeningEvent]] = defaultdict(list)
            for event in piece:
                days[event.occurred_on].append(event)
            for day, of_day in days.items():
                self._put(day, of_day)
            self._apply(piece)
            yield len(piece)

    def _put(self, day: str, events: Sequence[ListeningEvent]) -> None:
        ordered = sorted(events, key=lambda event: (event.occurred_at, event.event_id))
        table = pa.Table.from_pylist([to_mapping(event) for event in ordered], schema=SCHEMA)
        body = io.BytesIO()
        pq.write_table(table, body)
        ids = "\n".join(event.event_id for event in ordered)
        name = hashlib.sha256(ids.encode()).hexdigest()[:32]
        key = f"{PREFIX}dt={day}/backfill-{name}.parquet"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body.getvalue())
        notify(self._s3, self._bucket, key)

    def _apply(self, piece: Sequence[ListeningEvent]) -> None:
        applied = self._store.apply(piece, self._lookup, self._retries())
        failed = applied.failed | applied.refused
        if failed:
            raise BackfillError(
                f"the profiles did not take {len(failed)} events ({next(iter(failed.values()))}); "
                "run the import again: what was written is not doubled"
            )
