"""The loop: ask Spotify, infer, store, send, wait.

Everything that it learns goes to the outbox before anything is sent, so it can be stopped or
killed at any point and continues where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import structs

from musicrec.events import ListeningEvent, new_event_id
from musicrec.producer.auth import SpotifyError
from musicrec.producer.clock import Moment, Timeline
from musicrec.producer.ingest import RefusedSenderError
from musicrec.producer.mapping import listening_event
from musicrec.producer.outbox import Memory, Outbox, Sender
from musicrec.producer.pacing import PLAYING_S, Pace
from musicrec.producer.playback import Kind, PastPlay, PlayerEvent, PlayerState, Snapshot
from musicrec.producer.player import Player
from musicrec.producer.spotify import RateLimitedError

LONGEST_WAIT_S: Final = 120.0
"""Events that wait are tried again at least this often, however long Spotify must not be asked."""

FIRST_RESEND_S: Final = 2.0
LAST_RESEND_S: Final = 60.0


class Watched(Protocol):
    """A player that can be asked: `musicrec.producer.spotify.SpotifyPlayer`."""

    def poll(self) -> Snapshot:
        """What the player shows now."""

    def history(self, offset_ms: int) -> list[PastPlay]:
        """What the platform remembers of former plays."""


@dataclass
class Status:
    """What a listener wants to see of a running tracker.

    Attributes:
        playing: the track in the player, None when nothing or a private session plays.
        paused: whether it pauses.
        accepted: events that the API took since the start.
        waiting: events in the outbox.
        set_aside: events that the API will never take.
        problem: why Spotify gives no answer, None while it does.
        delivery_problem: why events wait, None while they do not.
    """

    playing: str | None = None
    paused: bool = False
    accepted: int = 0
    waiting: int = 0
    set_aside: int = 0
    problem: str | None = None
    delivery_problem: str | None = None


def remembered_since(memory: Memory | None) -> Moment | None:
    """Where a former run left the time axis, for `Timeline`."""
    return None if memory is None else Moment(memory.t, memory.wall_ms)


class Tracker:
    """Tracks one listener until told to stop.

    Args:
        user_id: the listener, as in the events.
        watched: the player to ask.
        outbox: where state and events are kept.
        api: where events go.
        timeline: the producer's clock, begun at `remembered_since` of the outbox's memory.
        wait: waits that many seconds and says whether to stop.
        rng: spreads retries.
        report: is told of every inferred event, with its time in epoch milliseconds.
        playing_s: seconds between polls while something plays.
    """

    def __init__(
        self,
        *,
        user_id: str,
        watched: Watched,
        outbox: Outbox,
        api: Sender,
        timeline: Timeline,
        wait: Callable[[float], bool],
        rng: random.Random,
        report: Callable[[PlayerEvent, int], object],
        playing_s: float = PLAYING_S,
    ) -> None:
        self._user_id = user_id
        self._watched = watched
        self._outbox = outbox
        self._api = api
        self._timeline = timeline
        self._wait = wait
        self._rng = rng
        self._report = report
        self._pace = Pace(rng, playing_s)
        self._send_at: int | None = None
        self._resends = 0
        now = timeline.read()
        memory = outbox.load(user_id)
        self._hold_until_ms = memory.hold_until_ms if memory else None
        self._player = Player(memory.state if memory else _first_state(user_id, now))
        self.status = Status(waiting=outbox.waiting(), set_aside=len(outbox.set_aside()))

    def run(self) -> None:
        """Track until `wait` says to stop, then try once more to send what waits."""
        now = self._timeline.read()
        self._store(self._player.wake(now.t), now)
        while not self._wait(self.step()):
            pass
        self._send()

    def step(self) -> float:
        """Ask once, store what it means, send; returns the seconds to wait before the next time."""
        delay = self._held()
        if delay is None:
            delay = self._ask()
        if self._send_at is None or self._timeline.read().t >= self._send_at:
            self._send()
        return min(delay, LONGEST_WAIT_S)

    def _held(self) -> float | None:
        """Seconds left of a wait that Spotify asked for, None when there is none."""
        if self._hold_until_ms is None:
            return None
        left = (self._hold_until_ms - self._timeline.read().wall_ms) / 1000
        if left > 0:
            return left
        self._hold_until_ms = None
        return None

    def _ask(self) -> float:
        try:
            snap = self._watched.poll()
        except SpotifyError as error:
            return self._fail(error)
        if snap.kind is not Kind.ERROR and self._timeline.take_slept():
            snap = structs.replace(snap, slept=True)
        happened = self._player.observe(snap, self._history(snap))
        self._store(happened, self._timeline.read())
        self._show(snap)
        return self._pace.after(snap, self._player.state)

    def _history(self, snap: Snapshot) -> Sequence[PastPlay]:
        if not self._player.wants_history(snap):
            return ()
        try:
            return self._watched.history(self._timeline.read().offset_ms)
        except SpotifyError as error:
            # Without it the play ends as unknown, which is never wrong.
            self.status.problem = str(error)
            return ()

    def _fail(self, error: SpotifyError) -> float:
        now = self._timeline.read()
        self.status.problem = str(error)
        delay = self._pace.after_error(error, now.t)
        if isinstance(error, RateLimitedError):
            self._hold_until_ms = now.wall_ms + round(delay * 1000)
            self._store([], now)
        return delay

    def _store(self, happened: Sequence[PlayerEvent], now: Moment) -> None:
        memory = Memory(
            state=self._player.state,
            t=now.t,
            wall_ms=now.wall_ms,
            hold_until_ms=self._hold_until_ms,
        )
        new = [self._named(event, now) for event in happened]
        self._outbox.record(self._user_id, memory, [event for event in new if event is not None])
        for event in happened:
            self._report(event, event.t + now.offset_ms)

    def _named(self, event: PlayerEvent, now: Moment) -> ListeningEvent | None:
        return listening_event(event, user_id=self._user_id, offset_ms=now.offset_ms)

    def _show(self, snap: Snapshot) -> None:
        item = snap.item
        self.status.playing = None
        if item is not None:
            self.status.playing = " - ".join(filter(None, (item.name, ", ".join(item.artists))))
        self.status.paused = snap.kind is Kind.PAUSE
        self.status.problem = None

    def _send(self) -> None:
        status = self.status
        retry_after_s: float | None = None
        try:
            delivery = self._outbox.deliver(self._api)
        except RefusedSenderError as error:
            status.delivery_problem = str(error)
        else:
            status.accepted += delivery.accepted
            status.delivery_problem = delivery.problem
            retry_after_s = delivery.retry_after_s
        status.waiting = self._outbox.waiting()
        status.set_aside = len(self._outbox.set_aside())
        self._plan_resend(retry_after_s)

    def _plan_resend(self, retry_after_s: float | None) -> None:
        if self.status.delivery_problem is None:
            self._send_at, self._resends = None, 0
            return
        bound = min(LAST_RESEND_S, FIRST_RESEND_S * 2.0 ** min(self._resends, 10))
        self._resends += 1
        delay = max(self._rng.uniform(0.0, bound), min(retry_after_s or 0.0, LAST_RESEND_S))
        self._send_at = self._timeline.read().t + round(delay * 1000)


def _first_state(user_id: str, now: Moment) -> PlayerState:
    """A new player, named so that no other start of any producer repeats its ids."""
    return PlayerState(player_id=new_event_id("player", user_id, now.wall_ms))
