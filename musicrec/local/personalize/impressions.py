"""What people were shown and passed over: it lowers an item's chance to be explored, nothing else.

An event may list what was on the screen (explicit impressions), or name the recommendation that it
came from, whose list is then taken to have been shown (implicit ones). Models never see either.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from musicrec.local.personalize.interaction_log import StreamedEvent

KEPT_LISTS: Final = 10_000
"""Answers that are remembered for events that refer to them; the oldest are forgotten first."""


@dataclass(eq=False)
class _Shown:
    items: tuple[str, ...]
    source: str | None
    clicked: set[str] = field(default_factory=set)


class Impressions:
    """The impressions of one dataset group, since its events began to stream."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lists: OrderedDict[str, _Shown] = OrderedDict()
        self._changes: list[tuple[str, int]] = []

    def answered(
        self, recommendation_id: str, items: tuple[str, ...], source: str | None = None
    ) -> None:
        """Remember what an answer listed, and the ARN of what gave it."""
        with self._lock:
            self._lists[recommendation_id] = _Shown(items, source)
            while len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)

    def source_of(self, recommendation_id: str) -> str | None:
        """The ARN of what gave an answer; None for one that is unknown."""
        shown = self._lists.get(recommendation_id)
        return None if shown is None else shown.source

    def record(self, event: StreamedEvent) -> None:
        """Count what the event says was shown. A list of its own goes before a recommendation."""
        explicit = event.properties.get("IMPRESSION")
        with self._lock:
            if explicit is not None:
                passed = set(str(explicit).split("|")) - {event.item_id}
                self._changes += [(item, 1) for item in sorted(passed)]
            else:
                self._clicked(event.properties.get("RECOMMENDATION_ID"), event.item_id)

    def _clicked(self, recommendation_id: str | None, item_id: str) -> None:
        shown = self._lists.get(recommendation_id) if recommendation_id else None
        if shown is None or item_id in shown.clicked:
            return
        if not shown.clicked:  # only now it is known that anybody saw the list
            self._changes += [(item, 1) for item in shown.items if item != item_id]
        elif item_id in shown.items:
            self._changes.append((item_id, -1))
        shown.clicked.add(item_id)

    def changes(self, since: int) -> list[tuple[str, int]]:
        """Changes of the count of items passed over, after the first `since` changes."""
        return self._changes[since:]
