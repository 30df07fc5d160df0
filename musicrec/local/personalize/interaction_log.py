"""All interactions of a dataset group: imported in bulk and streamed by `PutEvents`.

A streamed event is readable the moment it is appended. The bulk part is replaced as a whole, so a
reader sees the one before or the one after and never waits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from operator import itemgetter
from threading import RLock
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.local.personalize.impressions import Impressions
from musicrec.local.personalize.interaction_table import (
    IDENTITY,
    InteractionTable,
    identity_columns,
    streamed_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class StreamedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of `PutEvents`.

    Attributes:
        user_id: the user, None for an anonymous session.
        session_id: the session.
        item_id: the item.
        timestamp: `sentAt`, rounded down to epoch seconds.
        event_type: as sent.
        value: `eventValue` in single precision.
        event_id: the caller's key for this event.
        properties: further columns by name.
    """

    user_id: str | None
    session_id: str
    item_id: str
    timestamp: int
    event_type: str
    value: float | None = None
    event_id: str | None = None
    properties: dict[str, Any] = {}

    @property
    def owner(self) -> str:
        """Under whose id the event counts at once: the user's, else the session's."""
        return self.user_id or self.session_id

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two events one."""
        return (self.owner, self.item_id, self.timestamp, self.event_type, self.value)


class InteractionLog:
    """The interactions of one dataset group.

    Attributes:
        impressions: what the streamed events say was shown.
        revision: how often anything was added or replaced.
    """

    def __init__(self) -> None:
        self.impressions = Impressions()
        self.revision = 0
        self._lock = RLock()
        self._reset()

    def _reset(self) -> None:
        self._bulk: pa.Table | None = None
        self._table = InteractionTable.encode(IDENTITY.empty_table())
        self._streamed: list[StreamedEvent | None] = []  # None where a user was forgotten
        self._by_owner: dict[str, list[tuple[int, StreamedEvent]]] = defaultdict(list)
        self._event_ids: set[str] = set()
        self._identities: set[tuple[Any, ...]] = set()
        self._session_users: dict[str, str] = {}

    def replace_bulk(self, table: pa.Table) -> None:
        """A FULL import: what was imported before goes, what was streamed stays."""
        encoded = InteractionTable.encode(identity_columns(table))
        with self._lock:
            self._bulk, self._table = table, encoded
            self.revision += 1

    def append_bulk(self, table: pa.Table) -> None:
        """An INCREMENTAL import."""
        bulk = self._bulk
        self.replace_bulk(table if bulk is None else pa.concat_tables([bulk, table]))

    def clear(self) -> None:
        """Forget everything, as when the Interactions dataset is deleted. Marks stay valid."""
        with self._lock:
            length = self.length
            self._reset()
            self._streamed = [None] * length

    def forget(self, users: set[str]) -> int:
        """Delete all interactions of users; how many there were.

        Marks stay valid: what was streamed after one still counts as such.
        """
        with self._lock:
            before = len(self.table())
            sessions = {key for key, user in self._session_users.items() if user in users}
            for place, event in enumerate(self._streamed):
                if event and (event.user_id in users or event.session_id in sessions):
                    self._streamed[place] = None
            for owner in users | sessions:
                self._by_owner.pop(owner, None)
            if self._bulk is not None:
                names = pa.array(sorted(users), pa.string())
                gone = pc.is_in(self._bulk.column("USER_ID"), value_set=names)
                self.replace_bulk(self._bulk.filter(pc.invert(gone)))
            return before - len(self.table())

    def append(self, events: Iterable[StreamedEvent]) -> int:
        """Take streamed events; those already known by event id or by content are left out.

        Returns:
            how many were new.
        """
        with self._lock:
            return sum(self._append(event) for event in events)

    def _append(self, event: StreamedEvent) -> bool:
        if event.event_id is not None:
            if event.event_id in self._event_ids:
                return False
            self._event_ids.add(event.event_id)
        if event.user_id is not None:
            self._session_users[event.session_id] = event.user_id
        if event.identity in self._identities:
            return False
        self._identities.add(event.identity)
        self._by_owner[event.owner].append((len(self._streamed), event))
        self._streamed.append(event)
        self.revision += 1
        self.impressions.record(event)
        return True

    @property
    def bulk(self) -> pa.Table | None:
        """What was imported, all columns, as it was read."""
        return self._bulk

    @property
    def imported(self) -> InteractionTable:
        """What was imported, coded."""
        return self._table

    @property
    def length(self) -> int:
        """How many events were streamed: the mark up to which a training has seen them."""
        return len(self._streamed)

    def streamed(self, upto: int | None = None) -> list[tuple[str, StreamedEvent]]:
        """Streamed events with their users; anonymous ones only if their session became known."""
        with self._lock:
            events = [event for event in self._streamed[:upto] if event is not None]
            users = dict(self._session_users)
        owned = ((event.user_id or users.get(event.session_id), event) for event in events)
        return [(user, event) for user, event in owned if user is not None]

    def streamed_of(self, owner: str, since: int = 0) -> list[StreamedEvent]:
        """What was streamed for a user (or a session) after the mark, in order of arrival."""
        entries = self._by_owner.get(owner, [])
        first = bisect_left(entries, since, key=itemgetter(0))
        return [event for _, event in entries[first:]]

    def table(self, upto: int | None = None) -> InteractionTable:
        """Everything, coded, streamed events up to the mark."""
        bulk, streamed = self._bulk, self.streamed(upto)
        columns = IDENTITY.empty_table() if bulk is None else identity_columns(bulk)
        if not streamed:
            return self._table
        return InteractionTable.encode(pa.concat_tables([columns, streamed_columns(streamed)]))
