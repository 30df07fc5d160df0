"""How well emitted listening events agree with the truth of a simulated player.

Plays are paired first, one to one: the same track, and a start or an end within the tolerance,
nearest first. Everything else follows from the pairs. An event counts as right if it belongs to a
paired play of which the truth has an event of that type too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from musicrec.events import TERMINALS, EventType, ListeningEvent, Source
from musicrec.local.spotify.truth import TrueEvent

HEARD_MS: Final = 30_000
JUDGED: Final = frozenset({EventType.COMPLETE, EventType.SKIP})


@dataclass
class Heard:
    """One play, as it was or as it was reported."""

    track: str
    started: int
    events: Counter[EventType] = field(default_factory=Counter)
    ended: int | None = None
    ending: EventType | None = None
    listened_ms: int | None = None


@dataclass
class Score:
    """Counts over any number of listeners; `add` more, read the figures at the end."""

    true: Counter[EventType] = field(default_factory=Counter)
    emitted: Counter[EventType] = field(default_factory=Counter)
    right: Counter[EventType] = field(default_factory=Counter)
    errors_ms: list[int] = field(default_factory=list)
    plays: int = 0
    paired: int = 0
    judged: int = 0
    wrong: int = 0
    missed: int = 0
    missed_long: int = 0
    invented: int = 0
    doubled_ids: int = 0

    def add(
        self, truth: Iterable[TrueEvent], emitted: Sequence[ListeningEvent], tolerance_ms: int
    ) -> None:
        """Take in one listener."""
        real, told = true_plays(truth), emitted_plays(emitted)
        pairs = paired(real, told, tolerance_ms)
        self.plays += len(real)
        self.paired += len(pairs)
        self.invented += len(told) - len(pairs)
        self.doubled_ids += len(emitted) - len({event.event_id for event in emitted})
        for play in real:
            self.true += play.events
        for play in told:
            self.emitted += play.events
        for one, other in pairs:
            self._add_pair(real[one], told[other])
        found = {one for one, _ in pairs}
        missed = [play for number, play in enumerate(real) if number not in found]
        self.missed += len(missed)
        self.missed_long += sum((play.listened_ms or 0) >= HEARD_MS for play in missed)

    def _add_pair(self, real: Heard, told: Heard) -> None:
        self.right += real.events & told.events
        if told.ending in JUDGED and real.ending is not None:
            self.judged += 1
            self.wrong += told.ending is not real.ending
        if real.listened_ms is not None and told.listened_ms is not None:
            self.errors_ms.append(abs(told.listened_ms - real.listened_ms))

    def precision(self, kind: EventType) -> float:
        """Share of the emitted events of a type that are right."""
        return self.right[kind] / self.emitted[kind] if self.emitted[kind] else float("nan")

    def recall(self, kind: EventType) -> float:
        """Share of the true events of a type that were emitted."""
        return self.right[kind] / self.true[kind] if self.true[kind] else float("nan")

    def error_ms(self, percentile: float) -> float:
        """A percentile of the absolute error of listened time, over the paired, ended plays."""
        return float(np.percentile(self.errors_ms, percentile)) if self.errors_ms else float("nan")

    @property
    def wrong_share(self) -> float:
        """Of the plays called complete or skip, those that ended in another way."""
        return self.wrong / max(1, self.judged)

    @property
    def missed_share(self) -> float:
        """Of the true plays, those never reported."""
        return self.missed / max(1, self.plays)


def true_plays(events: Iterable[TrueEvent]) -> list[Heard]:
    """The plays of a timeline."""
    plays: dict[int, Heard] = {}
    for event in events:
        kind = EventType(event.signal)
        play = plays.setdefault(event.play, Heard(event.song.track_id, event.t))
        _note(play, kind, event.t, event.listened_ms)
    return list(plays.values())


def emitted_plays(events: Iterable[ListeningEvent]) -> list[Heard]:
    """The plays that events tell of; each source's events follow each other."""
    plays: list[Heard] = []
    latest: dict[Source, Heard] = {}
    for event in events:
        if event.event_type is EventType.PLAY:
            latest[event.source] = Heard(event.track_id, event.occurred_at)
            plays.append(latest[event.source])
        _note(latest[event.source], event.event_type, event.occurred_at, event.listened_ms)
    return plays


def paired(
    real: Sequence[Heard], told: Sequence[Heard], tolerance_ms: int
) -> list[tuple[int, int]]:
    """Numbers of the plays that are the same, one to one, nearest first."""
    near = sorted(
        (distance, one, other)
        for one, play in enumerate(real)
        for other, claim in enumerate(told)
        if (distance := _distance(play, claim)) <= tolerance_ms
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, one, other in near:
        if one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return list(pairs.items())


def _note(play: Heard, kind: EventType, t: int, listened_ms: int | None) -> None:
    play.events[kind] += 1
    if kind in TERMINALS:
        play.ended, play.ending, play.listened_ms = t, kind, listened_ms


def _distance(real: Heard, told: Heard) -> float:
    # The simulation's other name of a track is its id reversed.
    if told.track not in {real.track, real.track[::-1]}:
        return float("inf")
    starts = abs(told.started - real.started)
    if real.ended is None or told.ended is None:
        return starts
    return min(starts, abs(told.ended - real.ended))
