"""Opens and closes sessions and plays, and writes down the events of doing so.

Keeps the promises that hold whatever the transitions in `musicrec.producer.player` decide: a play
belongs to a session, has exactly one terminal, and no event is dated before the one that precedes
it.
"""

from __future__ import annotations

from msgspec import structs

from musicrec.events import new_event_id
from musicrec.producer import recent
from musicrec.producer.playback import (
    Ending,
    Item,
    Play,
    PlayerEvent,
    PlayerState,
    Signal,
    Snapshot,
)
from musicrec.producer.rules import is_qualified, judge, listened_ratio, same_track


class Ledger:
    """The open session and play of a `PlayerState`, and the events since the last `take`."""

    def __init__(self, state: PlayerState) -> None:
        self.state = state
        self._events: list[PlayerEvent] = []

    def take(self) -> list[PlayerEvent]:
        """The events written since the last call."""
        events, self._events = self._events, []
        return events

    def start_session(self, t: int) -> str:
        """The open session's id; opens one when there is none."""
        state = self.state
        if state.session_id is None:
            state.sessions += 1
            state.session_id = new_event_id(state.player_id, "session", state.sessions)
            self._events.append(
                PlayerEvent(
                    signal=Signal.SESSION_START, t=self._dated(t), session_id=state.session_id
                )
            )
        return state.session_id

    def end_session(self, t: int) -> None:
        """Close the session, if one is open."""
        state = self.state
        if state.session_id is not None:
            self._events.append(
                PlayerEvent(
                    signal=Signal.SESSION_END, t=self._dated(t), session_id=state.session_id
                )
            )
            state.session_id = None

    def open(
        self,
        now: Snapshot,
        item: Item,
        t: int,
        from_ms: int,
        *,
        heard_ms: int,
        repeat: bool = False,
    ) -> Play:
        """Begin a play of `item` at `t`, on the device and in the context of `now`."""
        state = self.state
        session_id = self.start_session(t)
        state.plays += 1
        state.spent = None
        state.play = play = Play(
            play_id=new_event_id(state.player_id, "play", state.plays),
            session_id=session_id,
            item=item,
            from_ms=from_ms,
            started_t=t,
            heard_ms=heard_ms,
            device=now.device,
            device_type=now.device_type,
            context_uri=now.context_uri,
        )
        self.note(Signal.PLAY, t, from_ms, repeat=repeat)
        return play

    def note(
        self,
        signal: Signal,
        t: int,
        position_ms: int,
        *,
        repeat: bool = False,
        seek_from_ms: int | None = None,
        device_from: str | None = None,
        ending: Ending | None = None,
    ) -> None:
        """Write an event of the open play.

        The event holds a copy of the play, because the play goes on changing.
        """
        play = self.state.play
        assert play is not None
        self._events.append(
            PlayerEvent(
                signal=signal,
                t=self._dated(t),
                session_id=play.session_id,
                play=structs.replace(play),
                position_ms=position_ms,
                repeat=repeat,
                seek_from_ms=seek_from_ms,
                device_from=device_from,
                ending=ending,
            )
        )
        play.signals += 1

    def seek(self, t: int, from_ms: int, to_ms: int) -> None:
        """Write a jump inside the open play."""
        assert self.state.play is not None
        self.state.play.seeks += 1
        self.note(Signal.SEEK, t, to_ms, seek_from_ms=from_ms)

    def pause(self, t: int, position_ms: int) -> None:
        """Write a pause of the open play that began at `t`."""
        assert self.state.play is not None
        self.state.play.pauses += 1
        self.state.play.frozen_since = None
        self.state.play.paused_at = t
        self.note(Signal.PAUSE, t, position_ms)

    def finish(
        self,
        t: int,
        end_pos: int,
        otherwise: tuple[Signal, str],
        *,
        heard_ms: int = 0,
        judged: bool = True,
        uncertainty_ms: int = 0,
        follower: Item | None = None,
    ) -> None:
        """Close the open play with its one terminal.

        Args:
            t: when it ended.
            end_pos: at which position.
            otherwise: terminal and reason if the end of the track was not reached.
            heard_ms: audible time since the last snapshot.
            judged: whether having reached the end makes a `complete` of it.
            uncertainty_ms: by how much the audible time may be too large.
            follower: the item that replaced it.
        """
        state = self.state
        play = state.play
        assert play is not None
        length = play.item.duration_ms
        play.heard_ms = max(0, play.heard_ms + heard_ms + play.unpositioned_ms)
        if play.unpositioned_ms and length:
            play.heard_ms = min(play.heard_ms, length)
        signal, reason = judge(play.heard_ms, end_pos, length, otherwise) if judged else otherwise
        ending = Ending(
            listened_ms=play.heard_ms,
            ratio=listened_ratio(play.heard_ms, length),
            end_pos=end_pos,
            qualified=is_qualified(play.heard_ms, length),
            reason=reason,
            uncertainty_ms=0 if signal is Signal.COMPLETE else uncertainty_ms,
            pauses=play.pauses,
            seeks=play.seeks,
            back=same_track(follower, state.previous),
        )
        self.note(signal, t, end_pos, ending=ending)
        recent.remember(state, play.item, play.started_t, self._dated(t))
        state.previous = play.item
        state.play = None

    def _dated(self, t: int) -> int:
        """The time of an event, never before the event that precedes it."""
        state = self.state
        t = t if state.event_t is None else max(t, state.event_t)
        state.event_t = t
        state.active_t = t if state.active_t is None else max(t, state.active_t)
        return t
