"""Some of the demo's listeners go through the real producer, in front of a simulated Spotify.

Their events are then not the simulation's own: they are what the producer made out of polls of a
player that shows what the simulation says, with all that polls cannot see. All listeners that way
would take minutes, so it is every fifth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.spotify.following import Kept, Stage, follow, stage
from musicrec.local.spotify.replays import replay

EVERY: Final = 5
"""One listener of so many goes through the producer."""

BREAK_MS: Final = 31 * 60_000
"""Between sessions this far apart the listener's producer does not run."""

AFTERWARDS_S: Final = 60.0
"""For how long it runs on after the last play, to see that nothing more comes."""


class Watched(Struct, frozen=True):
    """What the producer made of some listeners.

    Attributes:
        events: what it inferred, by listener.
        plays: how many plays there really were.
        polls: how often the players were asked.
        seconds: how long that took.
    """

    events: Mapping[str, list[ListeningEvent]]
    plays: int
    polls: int
    seconds: float

    @property
    def found(self) -> int:
        """How many plays the producer reported."""
        return _plays(event for events in self.events.values() for event in events)


def watch(
    histories: Mapping[str, Sequence[ListeningEvent]],
    tracks: Mapping[str, Track],
    clock: Callable[[], float] = time.perf_counter,
) -> Watched:
    """Follow listeners through their histories by polling.

    Args:
        histories: the simulation's events by listener, each in order of time.
        tracks: the catalogue by id.
        clock: measures how long it takes.
    """
    started, polls = clock(), 0
    events: dict[str, list[ListeningEvent]] = {}
    for number, (listener, history) in enumerate(histories.items()):
        with stage(listener, replay(history, tracks), seed=number) as scene:
            events[listener] = _watch(scene, history, number)
            polls += scene.spotify.calls["/v1/me/player"]
    plays = sum(_plays(history) for history in histories.values())
    return Watched(events, plays, polls, clock() - started)


def _watch(scene: Stage, history: Sequence[ListeningEvent], seed: int) -> list[ListeningEvent]:
    kept = Kept()
    for begins, ends in _sittings(history):
        scene.clock.now_ms = begins

        def wait(seconds: float, until: float = ends / 1000 + AFTERWARDS_S) -> bool:
            scene.clock.advance(seconds)
            return scene.clock.seconds() >= until

        follow(scene, kept, wait, seed=seed)
    return kept.events


def _sittings(history: Sequence[ListeningEvent]) -> Iterator[tuple[int, int]]:
    """When the listener's producer runs: from the first event to the last before a long break."""
    begins = history[0].occurred_at
    for event, following in pairwise(history):
        if following.occurred_at - event.occurred_at > BREAK_MS and event.is_terminal:
            yield begins, event.occurred_at
            begins = following.occurred_at
    yield begins, history[-1].occurred_at


def _plays(events: Iterable[ListeningEvent]) -> int:
    return sum(event.event_type is EventType.PLAY for event in events)
