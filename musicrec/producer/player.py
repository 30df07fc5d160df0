"""The player state machine: from what a player shows every few seconds to what was listened to.

Pure: it reads no clock and does no I/O. Snapshots go in, events come out, and everything that it
remembers is in a `PlayerState` that can be stored with them. Two ideas carry it. The audible time
of a play is the sum of its position steps, signed and unclamped, so that reporting errors cancel
out. And the moment at which one track replaced another is computed back from the new track's
position, so that it does not depend on how often one asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from musicrec.producer import recent, rules
from musicrec.producer.endings import Endings
from musicrec.producer.ledger import Ledger
from musicrec.producer.playback import (
    Kind,
    PastPlay,
    Play,
    PlayerEvent,
    PlayerState,
    Signal,
    Snapshot,
)
from musicrec.producer.rules import AT_END_MS, same_track, started, tolerance_ms
from musicrec.producer.steady import Steady


class Player:
    """Infers the events of one listener's player from its snapshots.

    Args:
        state: where to continue; changed in place by `observe`.
    """

    def __init__(self, state: PlayerState) -> None:
        self.state = state
        self._ledger = Ledger(state)
        self._steady = Steady(self._ledger)
        self._endings = Endings(self._ledger, self._steady)
        self._transitions: dict[Kind, Callable[[Snapshot, Sequence[PastPlay]], None]] = {
            Kind.PLAY: self._on_play,
            Kind.PAUSE: self._on_pause,
            Kind.IDLE: self._on_idle,
            Kind.AD: self._on_other_medium,
            Kind.EPISODE: self._on_other_medium,
            Kind.PRIVATE: self._on_private,
        }

    def observe(self, now: Snapshot, history: Sequence[PastPlay] = ()) -> list[PlayerEvent]:
        """Take in one snapshot, later than all before it, and report what must have happened.

        Args:
            now: the answer to a poll; an `ERROR` changes nothing.
            history: what the platform's play history says, worth asking when `wants_history`.
        """
        if now.kind is Kind.ERROR or self._is_stale(now):
            return []
        self._let_time_pass(now)
        self._transitions[now.kind](now, history)
        self._remember(now)
        return self._ledger.take()

    def wants_history(self, now: Snapshot) -> bool:
        """Whether the play history could tell how the open play ended in a blind interval."""
        play, last = self.state.play, self.state.last
        return (
            now.kind in {Kind.PLAY, Kind.PAUSE}
            and play is not None
            and last is not None
            and play.paused_at is None
            and rules.is_blind(last, now)
            and not same_track(play.item, now.item)
        )

    def wake(self, t: int) -> list[PlayerEvent]:
        """Continue at `t` after a time in which nobody watched, e.g. the process was not running.

        A play that was paused waits on, as it would have under watch; anything else ends where
        it was seen last when the silence is long enough to end a session.
        """
        play, last, seen = self.state.play, self.state.last, self.state.polled_t
        paused = play is not None and play.paused_at is not None
        if seen is None or paused or t - seen <= rules.SESSION_END_MS:
            return []
        if play is not None and last is not None:
            self._ledger.finish(seen, self._position(play, last), (Signal.STOP, "shutdown"))
        self._ledger.end_session(seen)
        self.state.last = self.state.polled_t = self.state.idle_since = self.state.spent = None
        return self._ledger.take()

    def _is_stale(self, now: Snapshot) -> bool:
        """Whether a cache answered: the server's mark of change went back.

        After a blind interval the mark is believed again, or a server that set its clock back
        would be ignored for ever.
        """
        before, polled = self.state.timestamp, self.state.polled_t
        if now.timestamp is None or before is None or polled is None:
            return False
        return now.timestamp < before and now.t - polled <= rules.MAX_GAP_MS

    def _remember(self, now: Snapshot) -> None:
        state = self.state
        state.polled_t = now.t
        if now.timestamp is not None:
            state.timestamp = now.timestamp
        if state.play is None and now.item is not None and same_track(state.spent, now.item):
            recent.stretch(state, now.item, now.t)
        if now.kind is not Kind.IDLE:
            state.idle_since = None
        if now.kind in {Kind.PLAY, Kind.PAUSE}:
            state.last = now
        elif now.kind is not Kind.IDLE:
            state.last = None
        if now.kind in {Kind.AD, Kind.EPISODE}:
            state.active_t = now.t

    # What silence alone decides.

    def _let_time_pass(self, now: Snapshot) -> None:
        state, ledger = self.state, self._ledger
        quiet_until = self._quiet_until(now)
        play = state.play
        if play is None:
            if state.active_t is not None and quiet_until - state.active_t >= rules.SESSION_END_MS:
                ledger.end_session(state.active_t)
        elif play.paused_at is not None:
            if quiet_until - play.paused_at >= rules.SESSION_END_MS:
                ledger.end_session(play.paused_at)
            if quiet_until - play.paused_at >= rules.DORMANT_EXPIRY_MS:
                self._expire(play, play.paused_at + rules.DORMANT_EXPIRY_MS)
        if state.idle_since is not None and quiet_until - state.idle_since >= rules.IDLE_GRACE_MS:
            self._confirm_idle(state.idle_since, now)

    def _quiet_until(self, now: Snapshot) -> int:
        """Until when the silence before `now` lasted: the start of what plays now."""
        if now.kind is not Kind.PLAY or self.state.polled_t is None:
            return now.t
        last = self.state.last
        moved = now.position_ms
        if last is not None and same_track(last.item, now.item):
            moved -= last.position_ms
        return max(self.state.polled_t, now.t - max(0, moved))

    def _expire(self, play: Play, t: int) -> None:
        assert self.state.last is not None
        self._ledger.finish(
            t, self._position(play, self.state.last), (Signal.STOP, "expired"), judged=False
        )

    def _confirm_idle(self, since: int, now: Snapshot) -> None:
        play, last = self.state.play, self.state.last
        if play is None:
            self._ledger.end_session(since)
        elif last is not None and play.paused_at is None and not self._returns(play, now):
            self._endings.idle(play, last, since)

    def _returns(self, play: Play, now: Snapshot) -> bool:
        return now.kind in {Kind.PLAY, Kind.PAUSE} and same_track(play.item, now.item)

    # What the player shows.

    def _on_play(self, now: Snapshot, history: Sequence[PastPlay]) -> None:
        play = self.state.play
        if play is None:
            self._begin_from_rest(now)
        elif not same_track(play.item, now.item):
            t, from_ms = self._endings.replace(play, self._last(), now, history)
            self._begin(now, t, from_ms)
        elif play.paused_at is None:
            self._steady.play_on(play, self._last(), now)
        else:
            self._steady.resume(play, self._last(), now)

    def _on_pause(self, now: Snapshot, history: Sequence[PastPlay]) -> None:
        play = self.state.play
        if play is None:
            return
        if not same_track(play.item, now.item):
            seen = not rules.is_blind(self._last(), now)
            t, from_ms = self._endings.replace(play, self._last(), now, history)
            if seen and from_ms == 0 and now.position_ms > 0:
                self._begin(now, t, 0)
                self._ledger.pause(now.t, now.position_ms)
        elif play.paused_at is None:
            self._steady.pause(play, self._last(), now)
        else:
            self._steady.move_paused(self._last(), now)

    def _on_idle(self, now: Snapshot, _history: Sequence[PastPlay]) -> None:
        if self.state.idle_since is None:
            self.state.idle_since = now.t

    def _on_other_medium(self, now: Snapshot, history: Sequence[PastPlay]) -> None:
        if self.state.play is not None:
            self._endings.replace(self.state.play, self._last(), now, history)

    def _on_private(self, now: Snapshot, _history: Sequence[PastPlay]) -> None:
        play, last, seen = self.state.play, self.state.last, self.state.polled_t
        recent.hide(self.state, now.t if seen is None else seen, now.t)
        if play is not None and last is not None and seen is not None:
            position = self._position(play, last)
            self._ledger.finish(seen, position, (Signal.STOP, "private"), judged=False)
        self._ledger.end_session(now.t)

    def _begin_from_rest(self, now: Snapshot) -> None:
        state = self.state
        item, last = now.item, state.last
        assert item is not None
        repeat = same_track(state.spent, item)
        if repeat and now.position_ms >= item.duration_ms - AT_END_MS:
            return
        if last is not None and last.kind is Kind.PAUSE and same_track(last.item, item):
            moved = now.position_ms - last.position_ms
            if 0 <= moved <= now.t - last.t + tolerance_ms(now.t - last.t):
                self._begin(now, now.t - moved, last.position_ms, repeat=repeat)
                return
        since = state.polled_t
        if since is None:
            just_begun = now.position_ms <= rules.START_UP_MS
            since = now.t - now.position_ms if just_begun else now.t
        t, from_ms = started(now, since)
        self._begin(now, t, from_ms, repeat=repeat)

    def _begin(self, now: Snapshot, t: int, from_ms: int, *, repeat: bool = False) -> None:
        assert now.item is not None
        heard = now.position_ms - from_ms
        self._ledger.open(now, now.item, t, from_ms, heard_ms=heard, repeat=repeat)

    def _last(self) -> Snapshot:
        last = self.state.last
        assert last is not None
        return last

    def _position(self, play: Play, last: Snapshot) -> int:
        return self._steady.position(play, last)
