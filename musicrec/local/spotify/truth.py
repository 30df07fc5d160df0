"""What a perfect observer would report of a timeline, by the project's own definitions.

The observer knows every cause and every moment. Whether an end counts as complete or as a skip is
decided by the rules that the producer applies (`musicrec.producer.rules`), since those define the
words; what the producer has to infer, and may get wrong, is what they are applied to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from musicrec.local.spotify.timelines import Cause, Medium, Showing, Song, Timeline
from musicrec.producer.playback import Signal
from musicrec.producer.rules import ABANDON_MS, enough_heard, judge


class TrueEvent(Struct, frozen=True, kw_only=True):
    """Something that happened.

    Attributes:
        t: when, epoch milliseconds.
        signal: what.
        song: the track.
        play: number of the play in its timeline, from 0.
        listened_ms: audible time of the play, for terminals.
    """

    t: int
    signal: Signal
    song: Song
    play: int
    listened_ms: int | None = None


class _Open(Struct):
    """The play that is going on."""

    song: Song
    heard_ms: int = 0
    paused_at: int | None = None


def truth(timeline: Timeline) -> list[TrueEvent]:
    """Every event of a timeline in order of time, none of private sessions.

    A play that is still going on at the end of the timeline has no terminal.
    """
    return list(_Observer().watch(timeline))


class _Observer:
    """Folds the changes of a timeline into events."""

    def __init__(self) -> None:
        self._plays = 0
        self._open: _Open | None = None
        self._before: Showing | None = None
        self._reactions: dict[Cause, Callable[[Showing], Iterator[TrueEvent]]] = {
            Cause.BEGIN: self._begin,
            Cause.AGAIN: self._begin,
            Cause.RESTART: self._restart,
            Cause.PAUSE: self._pause,
            Cause.RESUME: self._resume,
            Cause.SEEK: self._seek,
            Cause.PRIVATE: self._hide,
            Cause.QUEUE_END: self._end,
            Cause.CLOSE: self._end,
        }

    def watch(self, timeline: Timeline) -> Iterator[TrueEvent]:
        for showing in timeline.showings:
            self._listen(showing.at)
            react = self._reactions.get(showing.cause)
            if react is not None:
                yield from react(showing)
            self._before = showing

    def _listen(self, until: int) -> None:
        """Count what was heard since the change before."""
        if self._open is not None and self._before is not None:
            self._open.heard_ms += self._before.position_at(until) - self._before.position_ms

    def _begin(self, now: Showing) -> Iterator[TrueEvent]:
        yield from self._close(now.at, self._left_behind(now))
        if now.medium is Medium.TRACK and now.song is not None and not now.private:
            self._open = _Open(now.song)
            yield self._event(now.at, Signal.PLAY)

    def _left_behind(self, now: Showing) -> Signal:
        """What leaving the open play for another means, if it had not ended."""
        paused_at = None if self._open is None else self._open.paused_at
        return Signal.SKIP if paused_at is None or now.at - paused_at <= ABANDON_MS else Signal.STOP

    def _restart(self, now: Showing) -> Iterator[TrueEvent]:
        play = self._open
        if play is None:
            return
        if enough_heard(play.heard_ms, play.song.duration_ms):
            yield from self._close(now.at, Signal.STOP)
            self._open = _Open(play.song)
            yield self._event(now.at, Signal.PLAY)
        else:
            yield self._event(now.at, Signal.SEEK)

    def _pause(self, now: Showing) -> Iterator[TrueEvent]:
        if self._open is not None:
            self._open.paused_at = now.at
            yield self._event(now.at, Signal.PAUSE)

    def _resume(self, now: Showing) -> Iterator[TrueEvent]:
        if self._open is not None:
            self._open.paused_at = None
            yield self._event(now.at, Signal.RESUME)

    def _seek(self, now: Showing) -> Iterator[TrueEvent]:
        if self._open is not None:
            yield self._event(now.at, Signal.SEEK)

    def _hide(self, now: Showing) -> Iterator[TrueEvent]:
        yield from self._close(now.at, Signal.STOP, judged=False)

    def _end(self, now: Showing) -> Iterator[TrueEvent]:
        yield from self._close(now.at, Signal.STOP)

    def _close(self, t: int, otherwise: Signal, *, judged: bool = True) -> Iterator[TrueEvent]:
        play, before = self._open, self._before
        if play is None or before is None:
            return
        signal = otherwise
        if judged:
            reached = before.position_at(t)
            signal, _ = judge(play.heard_ms, reached, play.song.duration_ms, (otherwise, "left"))
        yield self._event(t, signal, play.heard_ms)
        self._open = None
        self._plays += 1

    def _event(self, t: int, signal: Signal, listened_ms: int | None = None) -> TrueEvent:
        assert self._open is not None
        return TrueEvent(
            t=t, signal=signal, song=self._open.song, play=self._plays, listened_ms=listened_ms
        )
