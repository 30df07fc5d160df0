"""Keeps the curated interactions current with the raw lake, a day at a time, from what is new.

Which days are looked at is a rule, for S3 cannot be asked what came in lately, and listing ten
years of a busy lake every day would be minutes and thousands of requests:

- every day that has no curated data yet, whatever its date;
- the newest 35 days, into which late events fall;
- one seventh of the older ones in turn, so that each is looked at once a week: long before an
  object that came in very late is archived, 90 days after it was written;
- days for which a notice stands: who imports a history leaves one (`raw_objects.notify`).

A day that was looked at is rewritten only when the listing shows an object that its record lacks.
Archived objects that were taken in are never read again. One that was not is counted, and is taken
in once somebody has restored it.

Days do not depend on each other, so two are put together at a time where memory allows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from musicrec.processor.curated import merged, pick
from musicrec.processor.curated_records import DayRecord, Taken
from musicrec.processor.curated_store import CuratedStore, DayChangedError, StandingDay
from musicrec.processor.raw_objects import RawObject, RawObjects
from musicrec.processor.room import Room

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from mypy_boto3_s3 import S3Client

NEW_DAYS: Final = 35
TURNS: Final = 7
ATTEMPTS: Final = 3
"""How often a day is begun anew when another build rewrites it at the same time."""

DAYS_AT_ONCE: Final = 2
"""A function of 3 GB has not quite two processors."""

BYTES_AT_ONCE: Final = 400 * 10**6
"""Raw and curated Parquet in work at once: some 5 million rows, which take 2 GB in memory."""


class DayOfNews(Struct, frozen=True, kw_only=True):
    """A day whose raw objects are not all taken in.

    Attributes:
        day: `YYYY-MM-DD`.
        standing: its curated data; None when it has none.
        record: what that was made of.
        objects: raw objects to take in, by key.
    """

    day: str
    standing: StandingDay | None
    record: DayRecord
    objects: list[RawObject]

    @property
    def size(self) -> int:
        """Bytes to read."""
        raw = sum(one.size for one in self.objects)
        return raw + (self.standing.size if self.standing else 0)

    def extended(self, taken: Taken, *, ordered: bool) -> DayRecord:
        """The record once the objects are taken in."""
        return DayRecord(
            sources=self.record.sources | {one.name: one.etag for one in self.objects},
            taken=[*self.record.taken, taken],
            ordered=ordered,
        )


class Curation(Struct, frozen=True, kw_only=True):
    """What one run did.

    Attributes:
        looked_at: how many days were listed.
        taken: what came in, by the days that were rewritten.
        unreadable: archived objects that were never taken in, by day.
    """

    looked_at: int
    taken: dict[str, Taken]
    unreadable: dict[str, int]


class DayWriter(Protocol):
    """Takes the news of some days into the curated table."""

    def write(self, news: DayOfNews) -> DayRecord:
        """Rewrite one day, at once for its readers; returns what it is made of now.

        Raises:
            DayChangedError: another writer was first.
        """
        ...


class ArrowDayWriter:
    """Rewrites a day in this process; holds one day's interactions in memory."""

    def __init__(self, store: CuratedStore, raw: RawObjects) -> None:
        self._store, self._raw = store, raw

    def write(self, news: DayOfNews) -> DayRecord:
        """Rewrite one day, at once for its readers; returns what it is made of now.

        Raises:
            DayChangedError: another writer was first.
        """
        picked = [pick(self._raw.read(one)) for one in news.objects]
        before = self._store.table(news.standing)
        generation = news.record.generation + 1
        table = merged(before, [one.table for one in picked], generation)
        taken = Taken(
            rows=sum(one.rows for one in picked),
            invalid=sum(one.invalid for one in picked),
            other=sum(one.other for one in picked),
            added=table.num_rows - before.num_rows,
        )
        record = news.extended(taken, ordered=True)
        self._store.publish(news.day, table, record, news.standing)
        return record


class _Bounded:
    """Writes days that together are not too large for memory."""

    def __init__(self, writer: DayWriter, room: Room) -> None:
        self._writer, self._room = writer, room

    def write(self, news: DayOfNews) -> DayRecord:
        with self._room.holding(news.size):
            return self._writer.write(news)


def curate(s3: S3Client, bucket: str, run_date: str, writer: DayWriter | None = None) -> Curation:
    """Take in what the raw lake has and the curated interactions lack.

    Args:
        s3: client.
        bucket: the stack's.
        run_date: `YYYY-MM-DD`; decides which old days are looked at.
        writer: rewrites days; by default in this process.

    Raises:
        DayChangedError: another build went on rewriting the same day.
    """
    store, raw = CuratedStore(s3, bucket), RawObjects(s3, bucket)
    writer = _Bounded(writer or ArrowDayWriter(store, raw), Room(BYTES_AT_ONCE))
    notices, standing = raw.notices(), store.standing()
    days = due(raw.days(), standing, notices, run_date)

    def look_at(day: str) -> tuple[Taken | None, int]:
        objects = raw.of_day(day)
        came, record = _take_in(store, writer, day, objects, standing.get(day))
        raw.settle(notices.get(day, []))
        return came, sum(one.archived and one.name not in record.sources for one in objects)

    with ThreadPoolExecutor(DAYS_AT_ONCE) as pool:
        found = dict(zip(days, pool.map(look_at, days), strict=True))
    return Curation(
        looked_at=len(days),
        taken={day: came for day, (came, _) in found.items() if came},
        unreadable={day: lost for day, (_, lost) in found.items() if lost},
    )


def due(
    raw_days: Iterable[str], curated: Collection[str], noticed: Collection[str], run_date: str
) -> list[str]:
    """The days to look at, by the rule above; of those that the raw lake has, in their order."""
    today = date.fromisoformat(run_date).toordinal()

    def is_due(day: str) -> bool:
        ordinal = date.fromisoformat(day).toordinal()
        is_recent = ordinal > today - NEW_DAYS
        return is_recent or day not in curated or day in noticed or (ordinal + today) % TURNS == 0

    return [day for day in raw_days if is_due(day)]


def _take_in(
    store: CuratedStore,
    writer: DayWriter,
    day: str,
    objects: Sequence[RawObject],
    standing: StandingDay | None,
    *,
    attempts: int = ATTEMPTS,
) -> tuple[Taken | None, DayRecord]:
    """What came into a day, if anything did, and what the day is made of now."""
    try:
        record = store.record(standing)
        new = [one for one in objects if _is_new(one, record) and not one.archived]
        if not new:
            return None, record
        now = writer.write(DayOfNews(day=day, standing=standing, record=record, objects=new))
        return now.taken[-1], now
    except DayChangedError:
        if attempts <= 1:
            raise
        return _take_in(store, writer, day, objects, store.find(day), attempts=attempts - 1)


def _is_new(one: RawObject, record: DayRecord) -> bool:
    return record.sources.get(one.name) != one.etag
