"""The profile table: events taken in exactly once, whoever else is writing.

Writers do not lock. Each reads a listener's main item, folds the events that it has not taken in
yet, and writes it back on condition that its version has not moved; who loses reads again.
`musicrec.processor.profile_item` says how events taken in are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct, field

from musicrec.catalog import Track
from musicrec.events import ListeningEvent
from musicrec.processor import profile_item
from musicrec.processor.profile_item import (
    EVENTS_PER_WRITE,
    Seen,
    StoredProfile,
    UnreadableProfileError,
    page_part,
)
from musicrec.processor.profile_table import ItemKey, ProfileTable
from musicrec.profile import Profile, fold, id_bytes
from musicrec.retry import Retries, error_code, is_retryable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARALLEL_WRITES: Final = 8

MAX_ATTEMPTS: Final = 12
"""Rounds without success after which a listener's events are handed back."""

Lookup = Callable[[Iterable[str]], Mapping[str, Track]]
"""Tracks by id, those that the catalogue knows (`musicrec.catalog.Catalog.get_many`)."""

_CONFLICT: Final = "ConditionalCheckFailedException"
_INVALID: Final = "ValidationException"


class Applied(Struct, kw_only=True):
    """What became of a batch of events.

    Attributes:
        events: taken in for the first time.
        duplicates: copies of events that had been taken in already.
        writes: main items written.
        conflicts: writes lost to another writer or put off by DynamoDB, and tried again.
        failed: reason by event id for events that could not be taken in now; hand them back.
        refused: reason by event id for events that no repetition brings into their profile.
    """

    events: int = 0
    duplicates: int = 0
    writes: int = 0
    conflicts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class ProfileStore:
    """The musical profiles of all listeners.

    Args:
        dynamodb: low-level client.
        table: name of the profile table.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._table = ProfileTable(dynamodb, table)

    def apply(self, events: Iterable[ListeningEvent], lookup: Lookup, retries: Retries) -> Applied:
        """Take events into their listeners' profiles, each once in effect.

        Args:
            events: of any listeners, in any order, copies among them.
            lookup: finds their tracks.
            retries: how to wait for other writers and for throughput, and until when.

        Raises:
            ClientError: DynamoDB refuses whatever is asked, e.g. there is no such table.
            BotoCoreError: the client cannot make a call at all, e.g. without credentials.
        """
        return _Application(self._table, events, lookup).run(retries)

    def get(self, user_id: str) -> Profile | None:
        """The profile of one listener; None before the first event.

        Raises:
            UnreadableProfileError: the item is not one of ours.
        """
        stored = self._table.get(user_id)
        return stored.profile if stored else None

    def scan(self) -> Iterator[Profile]:
        """All profiles, in no order.

        Raises:
            UnreadableProfileError: an item is not one of ours.
        """
        return (stored.profile for stored in self._table.scan())


class _Due(Struct, frozen=True):
    """A write that a round comes to."""

    user_id: str
    fresh: list[ListeningEvent]
    stored: StoredProfile
    pages: dict[str, list[bytes]]


class _Application:
    """One batch on its way into the table."""

    def __init__(
        self, table: ProfileTable, events: Iterable[ListeningEvent], lookup: Lookup
    ) -> None:
        self._table = table
        self._report = Applied()
        self._waiting = self._by_listener(events)
        self._tracks = lookup(
            event.track_id for waiting in self._waiting.values() for event in waiting
        )

    def run(self, retries: Retries) -> Applied:
        attempt = 0
        while self._waiting:
            if not retries.has_time():
                self._fail(list(self._waiting), "no time left to write the profile")
                break
            again = self._round(retries)
            self._report.conflicts += len(again)
            attempt = attempt + 1 if again else 0
            if again and (attempt == MAX_ATTEMPTS or not retries.pause(attempt)):
                self._fail(again, "the profile could not be written in time")
                attempt = 0
        return self._report

    def _by_listener(self, events: Iterable[ListeningEvent]) -> dict[str, list[ListeningEvent]]:
        listeners: dict[str, dict[str, ListeningEvent]] = defaultdict(dict)
        for event in events:
            self._report.duplicates += event.event_id in listeners[event.user_id]
            listeners[event.user_id].setdefault(event.event_id, event)
        return {user_id: list(waiting.values()) for user_id, waiting in listeners.items()}

    def _round(self, retries: Retries) -> list[str]:
        """Take in what one write a listener can; the listeners to try again are returned."""
        chunks = {user: waiting[:EVENTS_PER_WRITE] for user, waiting in self._waiting.items()}
        items, unread = self._table.read_mains(list(chunks))
        stored = {
            user: main
            for user in chunks
            if user not in unread and (main := self._decoded(user, items.get(user))) is not None
        }
        pages, unread_pages = self._table.read_pages(_pages_to_ask(stored, chunks))
        again = sorted(unread | unread_pages)
        due = []
        for user, main in stored.items():
            if user not in unread_pages:
                fresh = _not_taken_in(main.seen, chunks[user], pages)
                if fresh:
                    due.append(self._prepared(main, fresh))
                else:
                    self._settle(user, taken_in=0)
        return again + self._write(due, retries)

    def _decoded(self, user_id: str, item: Mapping[str, Any] | None) -> StoredProfile | None:
        if item is None:
            return StoredProfile(profile=Profile(user_id=user_id), seen=Seen())
        try:
            return profile_item.from_item(item)
        except UnreadableProfileError as error:
            self._refuse(user_id, str(error))
            return None

    def _prepared(self, main: StoredProfile, fresh: list[ListeningEvent]) -> _Due:
        seen, pages = main.seen.with_room_for(len(fresh))
        profile = fold(main.profile, ((event, self._tracks.get(event.track_id)) for event in fresh))
        stored = StoredProfile(
            profile=profile, seen=seen.with_events(fresh), version=main.version + 1
        )
        return _Due(profile.user_id, fresh, stored, pages)

    def _write(self, due: Sequence[_Due], retries: Retries) -> list[str]:
        """Write while there is time; the listeners whose write was lost or put off are returned."""
        if not due:
            return []
        with ThreadPoolExecutor(min(PARALLEL_WRITES, len(due))) as pool:
            refusals = list(pool.map(partial(self._refusal, retries=retries), due))
        again = []
        for one, refusal in zip(due, refusals, strict=True):
            if refusal is None:
                self._report.writes += 1
                self._settle(one.user_id, taken_in=len(one.fresh))
            elif error_code(refusal) == _INVALID:
                self._refuse(one.user_id, f"DynamoDB refuses the profile item: {refusal}")
            else:
                again.append(one.user_id)
        return again

    def _refusal(self, due: _Due, retries: Retries) -> Exception | None:
        if not retries.has_time():
            return TimeoutError("no time left to write the profile")
        try:
            self._table.write(due.stored, due.pages)
        except (BotoCoreError, ClientError) as error:
            if error_code(error) in {_CONFLICT, _INVALID} or is_retryable(error):
                return error
            raise
        return None

    def _settle(self, user_id: str, *, taken_in: int) -> None:
        """Note that the first chunk of a listener is in the table."""
        waiting = self._waiting.pop(user_id)
        self._report.events += taken_in
        self._report.duplicates += len(waiting[:EVENTS_PER_WRITE]) - taken_in
        if len(waiting) > EVENTS_PER_WRITE:
            self._waiting[user_id] = waiting[EVENTS_PER_WRITE:]

    def _fail(self, user_ids: Iterable[str], reason: str) -> None:
        for user_id in user_ids:
            waiting = self._waiting.pop(user_id)
            self._report.failed.update((event.event_id, reason) for event in waiting)

    def _refuse(self, user_id: str, reason: str) -> None:
        waiting = self._waiting.pop(user_id)
        self._report.refused.update((event.event_id, reason) for event in waiting)


def _pages_to_ask(
    stored: Mapping[str, StoredProfile], chunks: Mapping[str, Sequence[ListeningEvent]]
) -> list[ItemKey]:
    wanted = {
        (user, page_part(event.occurred_at))
        for user, main in stored.items()
        for event in chunks[user]
        if main.seen.may_be_paged(event)
    }
    return sorted(wanted)


def _not_taken_in(
    seen: Seen,
    events: Iterable[ListeningEvent],
    pages: Mapping[ItemKey, frozenset[bytes]],
) -> list[ListeningEvent]:
    return [
        event
        for event in events
        if id_bytes(event) not in seen.times
        and id_bytes(event)
        not in pages.get((event.user_id, page_part(event.occurred_at)), frozenset())
    ]
