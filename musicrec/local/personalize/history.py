"""A user's history at request time: what the training knew and what was streamed since."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.interaction_log import InteractionLog, StreamedEvent
    from musicrec.local.personalize.interaction_table import InteractionTable
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

FILTER_WINDOW: Final = 100
"""A filter sees a user's newest 100 interactions of each event type."""


class History(NamedTuple):
    """What a user met, oldest first.

    Attributes:
        items: codes.
        times: epoch seconds.
    """

    items: NDArray[np.int32]
    times: NDArray[np.int64]


def of_request(version: SolutionVersion, trained: Trained, params: Mapping[str, Any]) -> History:
    """The history of the user whom a request names; empty if it names none."""
    return model_history(trained, version.solution.group.log, params.get("userId", ""))


def model_history(trained: Trained, log: InteractionLog, user_id: str) -> History:
    """What the solution takes for a history.

    Items that were not there at training are left out, and a streamed copy of an interaction that
    the training knew counts once.
    """
    place = trained.seen.places(user_id)
    items, times = trained.seen.items[place], trained.seen.timestamps[place]
    # An anonymous session was not trained on, so all of its events are still news.
    since = trained.mark if user_id in trained.seen.user_index else 0
    fresh = [
        event
        for event in log.streamed_of(user_id, since)
        if event.item_id in trained.item_index and trained.selection.takes(event)
    ]
    if not fresh:
        return History(items, times)
    known = _known_since(trained, place, min(event.timestamp for event in fresh))
    fresh = [event for event in fresh if _key(event) not in known]
    codes = np.array([trained.item_index[event.item_id] for event in fresh], dtype=np.int32)
    stamps = np.array([event.timestamp for event in fresh], dtype=np.int64)
    items, times = np.concatenate([items, codes]), np.concatenate([times, stamps])
    order = np.argsort(times, kind="stable")
    return History(items[order], times[order])


def _key(event: StreamedEvent) -> tuple[str, int, str, float | None]:
    return event.item_id, event.timestamp, event.event_type, event.value


def _known_since(
    trained: Trained, place: slice, oldest: int
) -> set[tuple[str, int, str, float | None]]:
    """The identities of the training's rows from that second on."""
    seen = trained.seen
    start = place.start + int(np.searchsorted(seen.timestamps[place], oldest))
    return {
        (
            seen.item_ids[seen.items[row]],
            int(seen.timestamps[row]),
            seen.event_types[seen.types[row]] if seen.types[row] >= 0 else "",
            None if np.isnan(seen.values[row]) else float(seen.values[row]),
        )
        for row in range(start, place.stop)
    }


def recent_by_type(
    trained: Trained, log: InteractionLog, user_id: str
) -> dict[str, NDArray[np.int64]]:
    """What filters see: item codes of the newest interactions by event type in upper case.

    Imports and streamed events count at once, whether or not a training has seen them.
    """
    rows = _newest_rows(log.imported, user_id)
    streamed: dict[str, list[StreamedEvent]] = defaultdict(list)
    for event in log.streamed_of(user_id):
        streamed[event.event_type.upper()].append(event)
    return {
        name: _newest_codes(trained, log.imported, rows.get(name, []), streamed.get(name, []))
        for name in rows.keys() | streamed.keys()
    }


def _newest_rows(table: InteractionTable, user_id: str) -> dict[str, list[int]]:
    """The newest rows of each event type, oldest first; types that differ in case are one."""
    place = table.places(user_id)
    types = table.types[place]
    found: dict[str, list[int]] = {}
    for code in np.unique(types).tolist():
        name = table.event_types[code].upper() if code >= 0 else ""
        newest = (place.start + np.flatnonzero(types == code)[-FILTER_WINDOW:]).tolist()
        found[name] = sorted(found[name] + newest) if name in found else newest
    return found


def _newest_codes(
    trained: Trained, table: InteractionTable, rows: list[int], streamed: list[StreamedEvent]
) -> NDArray[np.int64]:
    if not streamed and len(rows) <= FILTER_WINDOW:
        codes = trained.layouts.imported_codes(table, trained.item_index)[table.items[rows]]
        return codes[codes >= 0]
    names = (table.item_ids[item] for item in table.items[rows].tolist())
    # A copy, streamed or imported, must not push an older interaction out of the window.
    entries = set(zip(table.timestamps[rows].tolist(), names, strict=True))
    entries |= {(event.timestamp, event.item_id) for event in streamed}
    newest = [name for _, name in sorted(entries)[-FILTER_WINDOW:]]
    return np.array(
        [trained.item_index[name] for name in newest if name in trained.item_index], dtype=np.int64
    )
