"""The real producer behind a simulated player, without waiting: its clock is the simulation's.

Everything is the producer's own (spotipy, the poller, the state machine, the mapping to events) but
two things: requests go to the simulation without sockets, and what the outbox would keep on disk is
kept in memory, since a write for each poll would take longer than all the rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from musicrec.events import ListeningEvent, Source
from musicrec.local.spotify.clock import SimulatedClock
from musicrec.local.spotify.defects import TRUTHFUL, Defects
from musicrec.local.spotify.player import SimulatedPlayer
from musicrec.local.spotify.service import SimulatedSpotify
from musicrec.local.spotify.timelines import Timeline
from musicrec.local.spotify.transport import InProcess
from musicrec.producer.auth import SCOPES, MemoryToken, Pkce
from musicrec.producer.clock import Timeline as Axis
from musicrec.producer.defaults import PLAYING_S
from musicrec.producer.ingest import SendResult
from musicrec.producer.isolating import Sender
from musicrec.producer.outbox import Delivery, Memory
from musicrec.producer.spotify import SpotifyPlayer
from musicrec.producer.tracker import Tracker, remembered_since

ADDRESS: Final = "http://spotify.simulated"


class Kept:
    """An outbox in memory, which keeps the events instead of sending them.

    Attributes:
        events: all that were recorded, in order.
    """

    def __init__(self) -> None:
        self.events: list[ListeningEvent] = []
        self.memory: Memory | None = None

    def load(self, _user_id: str) -> Memory | None:
        """What was recorded last."""
        return self.memory

    def record(self, _user_id: str, memory: Memory, new: Sequence[ListeningEvent]) -> None:
        """Keep the state and the events."""
        self.memory = memory
        self.events.extend(new)

    def waiting(self) -> int:
        """Nothing is to be sent."""
        return 0

    def given_up(self) -> int:
        """Nothing was lost."""
        return 0

    def set_aside(self) -> list[tuple[str, str]]:
        """Nothing was rejected."""
        return []

    def deliver(self, _api: Sender) -> Delivery:
        """Nothing is to be sent."""
        return Delivery()


@dataclass(frozen=True)
class Stage:
    """A listener's player on a simulated Spotify, and a client of it."""

    listener: str
    clock: SimulatedClock
    spotify: SimulatedSpotify
    token: MemoryToken

    def client(self, axis: Axis) -> SpotifyPlayer:
        """The client of a producer that starts now, its times on the given axis."""
        # As in a process of its own: what the client hangs on its session goes with it.
        session = InProcess(self.spotify)
        clock = self.clock.seconds
        pkce = Pkce("client", self.token, session, accounts_url=ADDRESS, clock=clock)
        return SpotifyPlayer(pkce, session, axis, api_url=ADDRESS)

    def axis(self, memory: Memory | None = None) -> Axis:
        """The producer's clock, running on from where it was left."""
        seconds = self.clock.seconds
        return Axis(seconds, seconds, since=remembered_since(memory))


def stage(
    listener: str, timeline: Timeline, defects: Defects = TRUTHFUL, *, seed: int = 0
) -> Stage:
    """A logged-in listener; the clock stands at the timeline's start.

    Args:
        listener: the listener's id.
        timeline: what really happens.
        defects: what the platform gets wrong.
        seed: decides where.
    """
    clock = SimulatedClock(timeline.showings[0].at)
    spotify = SimulatedSpotify(clock.milliseconds, defects, seed=seed)
    spotify.add(listener, SimulatedPlayer(timeline, defects, seed=seed))
    token = MemoryToken()
    granted = spotify.accounts.grant(listener, scope=" ".join(SCOPES))
    token.save_token_to_cache({**granted, "expires_at": int(clock.seconds()) + 300})
    return Stage(listener, clock, spotify, token)


def follow(
    scene: Stage,
    kept: Kept,
    wait: Callable[[float], bool],
    *,
    seed: int = 0,
    playing_s: float = PLAYING_S,
    source: Source = Source.SIMULATED,
) -> None:
    """Run the producer until `wait` says to stop; what it finds out is in `kept`.

    Args:
        scene: whom to follow.
        kept: where events go; a second run with it is a restart.
        wait: lets so many seconds pass on the scene's clock.
        seed: of what the producer does at random.
        playing_s: seconds between polls while something plays.
        source: how the events name their origin.
    """
    axis = scene.axis(kept.memory)
    Tracker(
        user_id=scene.listener,
        watched=scene.client(axis),
        outbox=kept,
        api=_Nobody(),
        timeline=axis,
        wait=wait,
        rng=random.Random(seed),  # noqa: S311 - a simulation
        report=lambda *_: None,
        playing_s=playing_s,
        source=source,
    ).run()


class _Nobody:
    """The API that `Kept` never asks."""

    def send(self, events: Sequence[ListeningEvent]) -> SendResult:
        return SendResult(len(events))
