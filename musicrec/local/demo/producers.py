"""The demo's listeners go through the real producer, each in front of a simulated Spotify.

The events of the demo are therefore not the simulation's own: they are what the producer made out of
polls of a player that shows what the simulation says, with all that polls cannot see. No listener
knows of another, so they are divided among processes.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from msgspec import Struct

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.spotify.following import Kept, Stage, follow, stage
from musicrec.local.spotify.replays import replay

BREAK_MS: Final = 31 * 60_000
"""Between sessions this far apart the listener's producer does not run."""

AFTERWARDS_S: Final = 60.0
"""For how long it runs on after the last play, to see that nothing more comes."""

PROCESSES: Final = os.cpu_count() or 1


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


class _Job(Struct, frozen=True):
    """One listener to follow, with the tracks of its history."""

    number: int
    listener: str
    history: Sequence[ListeningEvent]
    tracks: Mapping[str, Track]


class Followed(Struct, frozen=True):
    """What the producer made of one listener; counts as in `Watched`."""

    listener: str
    events: list[ListeningEvent]
    plays: int
    polls: int


Passing = Callable[[Iterable[Followed]], Iterable[Followed]]


def watch(
    histories: Iterable[tuple[str, Sequence[ListeningEvent]]],
    tracks: Mapping[str, Track],
    *,
    processes: int = 1,
    passing: Passing = iter,
    clock: Callable[[], float] = time.perf_counter,
) -> Watched:
    """Follow listeners through their histories by polling.

    Args:
        histories: each listener's events of the simulation, in order of time, at least one.
        tracks: the catalogue by id.
        processes: how many work at once; the events are the same for any number.
        passing: what the listeners pass through as they are finished, e.g. a progress bar.
        clock: measures how long it takes.
    """
    started = clock()
    with _mapping(processes) as mapping:
        done = list(passing(mapping(_follow, _jobs(histories, tracks))))
    return Watched(
        events={each.listener: each.events for each in done},
        plays=sum(each.plays for each in done),
        polls=sum(each.polls for each in done),
        seconds=clock() - started,
    )


@contextmanager
def _mapping(processes: int) -> Iterator[Callable[..., Iterator[Followed]]]:
    """The built-in `map`, or one that works in other processes."""
    if processes == 1:
        yield map
        return
    # Forked processes would inherit the locks of the stack's threads.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def _jobs(
    histories: Iterable[tuple[str, Sequence[ListeningEvent]]], tracks: Mapping[str, Track]
) -> Iterator[_Job]:
    for number, (listener, history) in enumerate(histories):
        played = {event.track_id for event in history}
        known = {track_id: tracks[track_id] for track_id in played if track_id in tracks}
        yield _Job(number, listener, history, known)


def _follow(job: _Job) -> Followed:
    scene = stage(job.listener, replay(job.history, job.tracks), seed=job.number)
    events = _watch(scene, job.history, job.number)
    polls = scene.spotify.calls["/v1/me/player"]
    return Followed(job.listener, events, _plays(job.history), polls)


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
