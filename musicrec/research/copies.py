"""Simulated copies of recorded listeners, who answer a list as the recorded ones heard such tracks.

A comparison of arms needs somebody who plays what is recommended. Real listeners do that in their own
time; a rehearsal of the whole loop needs somebody who does it now. A copy begins with the newest
tracks of the listener that it copies, plays down a list until it has skipped twice in a row, and
hears a track to the end as often as the listener did: that track if it was played, else tracks of its
genre, else any. **What copies like is what somebody wrote into this module**, so their verdict says
nothing about an arm's worth; it shows that assignment, lists, events and analysis hold together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import crc32

import numpy as np

from musicrec.events import EventType, ListeningEvent, Source, new_event_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

SKIPS_IN_A_ROW: Final = 2
"""After so many a copy leaves the list."""

PRIOR_PLAYS: Final = 2.0
"""Plays that the wider rate counts as beside the narrower one's own."""

SKIP_AFTER_MS: Final = 5_000
LENGTH_MS: Final = 200_000
"""Of a track whose length the catalogue does not know."""


class Copies:
    """Copies of some listeners.

    Args:
        events: as `frames.events_frame` makes it.
        items: as `frames.items_frame` makes it.
        listeners: who is copied.
    """

    def __init__(self, events: pd.DataFrame, items: pd.DataFrame, listeners: Iterable[str]) -> None:
        chosen = set(listeners)
        mine = events[events["user_id"].isin(chosen)]
        self._genres: Mapping[Any, str] = items["genre"].dropna().to_dict()
        self._lengths: Mapping[Any, int] = items["duration_ms"].to_dict()
        self._now = int(events["occurred_at"].max().timestamp() * 1000)
        self._heard = {
            str(user): _Heard.of(part, self._genres)
            for user, part in mine.groupby("user_id", sort=False)
        }

    def history(self, listener: str, copy: str, count: int) -> list[ListeningEvent]:
        """The listener's newest completed plays, oldest first, under the copy's name."""
        newest = self._heard.get(listener, _NOTHING).completed[-count:] if count else []
        return [self._event(copy, track_id, EventType.COMPLETE, at) for track_id, at in newest]

    def answer(
        self, listener: str, copy: str, track_ids: Sequence[str], recommendation_id: str
    ) -> list[ListeningEvent]:
        """What the copy plays of a list, from the top down, right after the newest event of all.

        Chance comes from the copy's name, so the same list gets the same answer.
        """
        chance = np.random.default_rng(crc32(copy.encode()))
        at, skips, played = self._now, 0, []
        for track_id, luck in zip(track_ids, chance.random(len(track_ids)), strict=True):
            likes = luck < self.liking(listener, track_id)
            played.append(self._event(copy, track_id, EventType.PLAY, at, recommendation_id))
            at += self._length(track_id) if likes else SKIP_AFTER_MS
            ending = EventType.COMPLETE if likes else EventType.SKIP
            played.append(self._event(copy, track_id, ending, at, recommendation_id))
            skips = 0 if likes else skips + 1
            if skips == SKIPS_IN_A_ROW:
                break
        return played

    def liking(self, listener: str, track_id: str) -> float:
        """How likely the listener hears a track to the end, 0 to 1.

        Rates of the listener's own plays: of any track, drawn towards a half; of its genre, drawn
        towards that; of the track itself, drawn towards that of its genre.
        """
        heard, rate = self._heard.get(listener, _NOTHING), 0.5
        for name in ("", self._genres.get(track_id), track_id):
            rate = (heard.ended[name] + PRIOR_PLAYS * rate) / (heard.begun[name] + PRIOR_PLAYS)
        return min(rate, 1.0)

    def _event(
        self,
        copy: str,
        track_id: str,
        kind: EventType,
        at: int,
        recommendation_id: str | None = None,
    ) -> ListeningEvent:
        length = self._length(track_id)
        heard = {EventType.COMPLETE: length, EventType.SKIP: SKIP_AFTER_MS}.get(kind, 0)
        return ListeningEvent(
            event_id=new_event_id(copy, track_id, kind, at),
            user_id=copy,
            session_id=copy,
            track_id=track_id,
            event_type=kind,
            occurred_at=at,
            source=Source.SIMULATED,
            schema_version=1,
            listened_ms=min(heard, length),
            duration_ms=length,
            recommendation_id=recommendation_id,
        )

    def _length(self, track_id: str) -> int:
        return int(self._lengths.get(track_id) or LENGTH_MS)


@dataclass(frozen=True, eq=False)
class _Heard:
    """What one listener heard.

    Attributes:
        completed: tracks heard to the end and when, epoch milliseconds, oldest first.
        begun: plays by track, by genre, and of all under the empty name.
        ended: the same of plays to the end.
    """

    completed: list[tuple[str, int]]
    begun: Counter[str | None]
    ended: Counter[str | None]

    @classmethod
    def of(cls, events: pd.DataFrame, genres: Mapping[Any, str]) -> Self:
        completed: list[tuple[str, int]] = []
        counts: dict[str, Counter[str | None]] = {
            EventType.PLAY.value: Counter(),
            EventType.COMPLETE.value: Counter(),
        }
        times = events["occurred_at"].astype("int64") // 10**6
        for track_id, kind, at in zip(events["track_id"], events["event_type"], times, strict=True):
            if kind in counts:
                counts[kind].update(("", track_id))
                if genre := genres.get(track_id):
                    counts[kind][genre] += 1
            if kind == EventType.COMPLETE.value:
                completed.append((track_id, int(at)))
        return cls(completed, *counts.values())


_NOTHING: Final = _Heard([], Counter(), Counter())
"""Of a listener who has no event."""
