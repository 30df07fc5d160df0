"""One listener's profile made anew from the lake, safely while the stream goes on writing.

Events that the item lacks are added as the stream would add them. Only then, and only if the lake
holds every event that the item has taken in, is a profile that differs replaced, in one write that
fails if anybody else wrote. An item that knows more than the lake, because the stream is minutes
ahead of it or old days are archived, keeps what it has. So an event is never lost, whatever runs at
the same time and wherever this stops; doing it again mends the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.events import ListeningEvent
from musicrec.processor.profile_item import (
    SEEN_AFTER_PAGING,
    SEEN_LIMIT,
    Seen,
    StoredProfile,
    page_part,
)
from musicrec.processor.profile_spool import Listener
from musicrec.processor.profile_table import ProfileTable, WholeProfile
from musicrec.processor.profiles import Lookup, ProfileStore
from musicrec.profile import Profile, fold, id_bytes
from musicrec.retry import Retries, error_code

_CONFLICT: Final = "ConditionalCheckFailedException"


class Verdict(StrEnum):
    """How a listener's item stands to the lake."""

    EQUAL = "equal"
    """The same events, and the same profile."""
    ABSENT = "absent"
    """There is no item."""
    BEHIND = "behind"
    """The item lacks events that the lake holds."""
    DIFFERENT = "different"
    """The same events make another profile today, e.g. with a newer catalogue."""
    UNREADABLE = "unreadable"
    """The item is not one of ours, or of another format."""
    AHEAD = "ahead"
    """The item has taken in events that the lake does not hold, or not yet."""


_SETTLED: Final = frozenset({Verdict.AHEAD, Verdict.EQUAL})


class Finding(Struct, frozen=True, kw_only=True):
    """What one listener's item looked like before anything was done.

    Attributes:
        user_id: the listener.
        verdict: how the item stands to the lake.
        events: events that the lake holds.
        differs: first field of the profile that differs, with the key within it.
        left: why nothing could be done about it; None when it was, or nothing was to be done.
    """

    user_id: str
    verdict: Verdict
    events: int
    differs: str | None = None
    left: str | None = None


class Wanted(Struct, frozen=True):
    """What the lake says of a listener: the profile, and the time of each event by its id."""

    profile: Profile
    times: dict[bytes, int]


class RebuildError(RuntimeError):
    """An item could not be written although it was tried again and again."""

    def __init__(self, user_id: str, reason: str) -> None:
        super().__init__(
            f"the profile of {user_id!r} could not be written ({reason}); run the command again, "
            "it goes on where it stopped"
        )


class Rebuilder:
    """Compares items with the lake and, if wanted, replaces them.

    Args:
        table: the profiles.
        store: the same, for events that are added one by one.
        lookup: finds tracks by id.
        retries: how to wait for other writers, for each listener anew.
    """

    def __init__(
        self,
        table: ProfileTable,
        store: ProfileStore,
        lookup: Lookup,
        retries: Callable[[], Retries],
    ) -> None:
        self._table, self._store = table, store
        self._lookup, self._retries = lookup, retries

    def compare(self, listener: Listener) -> Finding:
        """How the item stands to the lake; nothing is written."""
        wanted = folded(listener, self._lookup)
        return finding(self._table.whole(listener.user_id), wanted)

    def rebuild(self, listener: Listener) -> Finding:
        """Make the item what the lake says, as far as that loses nothing.

        Raises:
            RebuildError: other writers won every time, or DynamoDB took nothing for long.
            ClientError: DynamoDB refuses whatever is asked.
        """
        wanted, retries = folded(listener, self._lookup), self._retries()
        item = self._table.whole(listener.user_id)
        first = finding(item, wanted)
        missing = wanted.times.keys() - item.ids()
        if missing and not item.problem:
            self._add(listener, missing, retries)
            item = self._table.whole(listener.user_id)
        attempt = 0
        while self._is_due(item, wanted) and not self._replaced(item, wanted):
            attempt += 1
            if not retries.pause(attempt):
                raise RebuildError(listener.user_id, "other writers were faster every time")
            item = self._table.whole(listener.user_id)
        return first

    @staticmethod
    def _is_due(item: WholeProfile, wanted: Wanted) -> bool:
        found = finding(item, wanted)
        return found.left is None and found.verdict not in _SETTLED

    def _replaced(self, item: WholeProfile, wanted: Wanted) -> bool:
        """Write the wanted profile unless somebody wrote since the item was read."""
        assert item.version is not None
        # Nobody but this command writes an item that cannot be read, so pages may come first there.
        seen, pages = (item.main.seen, {}) if item.main else _seen(wanted.times)
        stored = StoredProfile(profile=wanted.profile, seen=seen, version=item.version + 1)
        try:
            self._table.write(stored, pages)
        except ClientError as error:
            if error_code(error) != _CONFLICT:
                raise
            return False
        return True

    def _add(self, listener: Listener, missing: set[bytes], retries: Retries) -> None:
        for piece in listener.events():
            events = [event for event in piece if id_bytes(event) in missing]
            applied = self._store.apply(events, self._lookup, retries)
            for reason in (applied.failed | applied.refused).values():
                raise RebuildError(listener.user_id, reason)


def folded(listener: Listener, lookup: Lookup) -> Wanted:
    """A listener's profile from the lake alone, a piece of the events in memory at a time."""
    profile, times = Profile(user_id=listener.user_id), dict[bytes, int]()
    for piece in listener.events():
        fresh = _unknown(piece, times)
        tracks = lookup({event.track_id for event in fresh})
        profile = fold(profile, ((event, tracks.get(event.track_id)) for event in fresh))
    return Wanted(profile, times)


def finding(item: WholeProfile, wanted: Wanted) -> Finding:
    """How an item stands to what the lake says."""
    ids = item.ids()
    differs = first_difference(item.main.profile, wanted.profile) if item.main else None
    left = None
    if ids - wanted.times.keys():
        verdict = Verdict.AHEAD
        left = item.problem
    elif item.problem:
        verdict = Verdict.UNREADABLE
        left = None if item.version is not None else item.problem
    elif item.main is None:
        verdict = Verdict.ABSENT
    elif len(ids) < len(wanted.times):
        verdict = Verdict.BEHIND
    else:
        verdict = Verdict.DIFFERENT if differs else Verdict.EQUAL
    return Finding(
        user_id=wanted.profile.user_id,
        verdict=verdict,
        events=len(wanted.times),
        differs=differs,
        left=left,
    )


def first_difference(one: Profile, other: Profile) -> str | None:
    """The first field in which two profiles differ, e.g. `genres['rock']`; None when equal."""
    for field in msgspec.structs.fields(Profile):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if mine != theirs:
            return f"{field.name}{_first_key(mine, theirs)}"
    return None


def _first_key(mine: Any, theirs: Any) -> str:
    if not isinstance(mine, dict):
        return ""
    keys = sorted(mine.keys() | theirs.keys())
    return f"[{next(key for key in keys if mine.get(key) != theirs.get(key))!r}]"


def _unknown(events: Iterable[ListeningEvent], times: dict[bytes, int]) -> list[ListeningEvent]:
    """The events whose ids are not in `times` yet; they are then."""
    fresh = []
    for event in events:
        key = id_bytes(event)
        if key not in times:
            times[key] = event.occurred_at
            fresh.append(event)
    return fresh


def _seen(times: dict[bytes, int]) -> tuple[Seen, dict[str, list[bytes]]]:
    """Which ids stand in the main item, and which on pages: as after the stream's own writes."""
    ordered = sorted(times.items(), key=lambda item: (item[1], item[0]))
    stays = len(ordered) if len(ordered) <= SEEN_LIMIT else SEEN_AFTER_PAGING
    paged = ordered[: len(ordered) - stays]
    pages: dict[str, list[bytes]] = defaultdict(list)
    for event_id, at in paged:
        pages[page_part(at)].append(event_id)
    seen = Seen(times=dict(ordered[len(paged) :]), paged_until=paged[-1][1] if paged else 0)
    return seen, dict(pages)
