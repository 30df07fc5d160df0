"""The loop: ask Spotify, infer, store, send, wait.

Everything that it learns goes to the outbox before anything is sent, so it can be stopped or
killed at any point and continues where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import structs

from musicrec.events import ListeningEvent, Source, new_event_id
from musicrec.producer import recent
from musicrec.producer.auth import SpotifyError
from musicrec.producer.clock import Moment, Timeline
from musicrec.producer.defaults import PLAYING_S
from musicrec.producer.deliveries import Deliveries, Waiting
from musicrec.producer.isolating import Sender
from musicrec.producer.mapping import in_order, listening_event, unseen_events
from musicrec.producer.outbox import Memory
from musicrec.producer.pacing import Pace
from musicrec.producer.playback import (
    Kind,
    PastPlay,
    PlayerEvent,
    PlayerState,
    Signal,
    Snapshot,
)
from musicrec.producer.player import Player
from musicrec.producer.rules import MINUTE, SECOND
from musicrec.producer.spotify import RateLimitedError
from musicrec.producer.status import Status

LONGEST_WAIT_S: Final = 120.0
"""Events that wait are tried again at least this often, however long Spotify must not be asked."""

HISTORY_EVERY_MS: Final = 20 * MINUTE
HISTORY_RETRY_MS: Final = MINUTE
AWAY_MS: Final = 210 * SECOND
"""More time than this between two answers, and the history is asked what played meanwhile."""


class Watched(Protocol):
    """A player that can be asked: `musicrec.producer.spotify.SpotifyPlayer`."""

    def poll(self) -> Snapshot:
        """What the player shows now."""

    def history(self, offset_ms: int) -> list[PastPlay]:
        """What the platform remembers of former plays."""


class Store(Waiting, Protocol):
    """Where state and events are kept: `musicrec.producer.outbox.Outbox`."""

    def load(self, user_id: str, /) -> Memory | None:
        """What was remembered last."""

    def record(self, user_id: str, memory: Memory, new: Sequence[ListeningEvent], /) -> None:
        """Store the state and the events that led to it."""


def remembered_since(memory: Memory | None) -> Moment | None:
    """Where a former run left the time axis, for `Timeline`."""
    return None if memory is None else Moment(memory.t, memory.wall_ms, memory.heard)


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
        source: how the events name their origin.
    """

    def __init__(
        self,
        *,
        user_id: str,
        watched: Watched,
        outbox: Store,
        api: Sender,
        timeline: Timeline,
        wait: Callable[[float], bool],
        rng: random.Random,
        report: Callable[[PlayerEvent, int], object],
        playing_s: float = PLAYING_S,
        source: Source = Source.LIVE,
    ) -> None:
        self._user_id = user_id
        self._watched = watched
        self._outbox = outbox
        self._api = api
        self._timeline = timeline
        self._wait = wait
        self._report = report
        self._source = source
        self._pace = Pace(rng, playing_s)
        now = timeline.read()
        memory = outbox.load(user_id)
        self._hold_until_ms = memory.hold_until_ms if memory else None
        self._history_t = 0  # at the first answer
        self._woken = False
        self._player = Player(memory.state if memory else _first_state(user_id, now))
        self.status = Status()
        self._deliveries = Deliveries(outbox, api, self.status, rng)

    def run(self) -> None:
        """Track until `wait` says to stop, then try once more to send what waits."""
        while not self._wait(self.step()):
            pass
        self._deliveries.finish(self._timeline.read())

    def step(self) -> float:
        """Ask once, store what it means, send; returns the seconds to wait before the next time."""
        delay = self._held()
        if delay is None:
            delay = self._ask()
        elif delay > HISTORY_EVERY_MS / SECOND:
            self._ask_history_alone()
        now = self._timeline.read()
        self._deliveries.attempt(now)
        passed = (self._timeline.read().t - now.t) / 1000
        return max(0.0, min(delay, LONGEST_WAIT_S) - passed)

    def _held(self) -> float | None:
        """Seconds left of a wait that Spotify asked for, None when there is none."""
        if self._hold_until_ms is None:
            return None
        left = (self._hold_until_ms - self._timeline.read().wall_ms) / 1000
        if left > 0:
            return left
        self._hold_until_ms = None
        return None

    def _ask_history_alone(self) -> None:
        """While the player's quota is used up, the history may have one of its own."""
        now = self._timeline.read()
        if now.t >= self._history_t and self._player.state.polled_t is not None:
            rows = self._history()
            self._store([], now, rows or ())

    def _ask(self) -> float:
        try:
            snap = self._watched.poll()
        except SpotifyError as error:
            return self._fail(error)
        if snap.kind is not Kind.ERROR and self._timeline.take_slept():
            snap = structs.replace(snap, slept=True)
        self.status.problem = None
        woke = self._wake(snap)
        away = self._was_away(snap)
        rows = self._history() if self._player.wants_history(snap) else None
        happened = [*woke, *self._player.observe(snap, rows or ())]
        if rows is None and (away or self._misses_something(snap, happened)):
            rows = self._history()
        self._store(happened, self._timeline.read(), rows or ())
        self._show(snap)
        return self._pace.after(snap, self._player.state)

    def _wake(self, snap: Snapshot) -> list[PlayerEvent]:
        """Go on from a former run, at the first answer: only then is it known how long ago it was."""
        if self._woken or snap.kind is Kind.ERROR:
            return []
        self._woken = True
        return self._player.wake(snap.t)

    def _was_away(self, snap: Snapshot) -> bool:
        polled = self._player.state.polled_t
        return snap.slept or (polled is not None and snap.t - polled > AWAY_MS)

    def _misses_something(self, snap: Snapshot, happened: Sequence[PlayerEvent]) -> bool:
        """Whether the history may know of a play that the polls have not shown."""
        if snap.kind is Kind.PRIVATE:
            return False
        begun = any(event.signal is Signal.PLAY for event in happened)
        return snap.t >= self._history_t or (begun and recent.has_hole(self._player.state))

    def _history(self) -> list[PastPlay] | None:
        """The platform's play history, None if it cannot be had: then ends stay unknown."""
        now = self._timeline.read()
        try:
            rows = self._watched.history(now.offset_ms)
        except SpotifyError as error:
            self.status.fail(str(error), now.wall_ms)
            self._history_t = now.t + HISTORY_RETRY_MS
            return None
        self._history_t = now.t + HISTORY_EVERY_MS
        return rows

    def _fail(self, error: SpotifyError) -> float:
        now = self._timeline.read()
        self.status.fail(str(error), now.wall_ms)
        delay = self._pace.after_error(error, now.t)
        if isinstance(error, RateLimitedError):
            self._hold_until_ms = now.wall_ms + round(delay * 1000)
            self._store([], now)
        return delay

    def _store(
        self, happened: Sequence[PlayerEvent], now: Moment, rows: Sequence[PastPlay] = ()
    ) -> None:
        unseen = recent.take_unseen(self._player.state, rows, now.t) if rows else []
        memory = Memory(
            state=self._player.state,
            t=now.t,
            wall_ms=now.wall_ms,
            heard=now.heard,
            hold_until_ms=self._hold_until_ms,
        )
        watched = [event for each in happened for event in self._named(each, now)]
        missed = [
            event
            for play in unseen
            for event in unseen_events(play, user_id=self._user_id, offset_ms=now.offset_ms)
        ]
        self._outbox.record(self._user_id, memory, in_order(watched, missed))
        self.status.unseen += len(unseen)
        for event in happened:
            self._report(event, event.t + now.offset_ms)

    def _named(self, event: PlayerEvent, now: Moment) -> list[ListeningEvent]:
        named = listening_event(
            event, user_id=self._user_id, offset_ms=now.offset_ms, source=self._source
        )
        return [] if named is None else [named]

    def _show(self, snap: Snapshot) -> None:
        item = snap.item
        self.status.playing = None
        if item is not None:
            self.status.playing = " - ".join(filter(None, (item.name, ", ".join(item.artists))))
        self.status.paused = snap.kind is Kind.PAUSE


def _first_state(user_id: str, now: Moment) -> PlayerState:
    """A new player, named so that no other start of any producer repeats its ids."""
    return PlayerState(player_id=new_event_id("player", user_id, now.wall_ms))
