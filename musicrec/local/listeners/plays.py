"""One play from its first second to its last: how it ends, and the events that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from msgspec import Struct

from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.local.listeners.habits import Habits
from musicrec.local.listeners.tastes import Song

SIGNAL_MIN_MS: Final = 40_000
"""Plays shorter than this have no pauses or jumps in them."""

_NEW_SONG_DOUBT: Final = 0.3
_TYPICAL_LIKING: Final = 0.3
_LAST_STOP: Final = 0.3
_LATE_START: Final = 0.08
_SHORTEST_MS: Final = 300
_LONGEST_PAUSE_MS: Final = 20 * 60_000
_APART_MS: Final = 1_000
_JUMPS_BACK: Final = 0.25


class Listen(Struct, frozen=True, kw_only=True):
    """What happened to one play, in milliseconds of the track.

    Attributes:
        song: what was played.
        ending: `COMPLETE`, `SKIP` or `STOP`.
        started: position at the start.
        ended: position at the end.
        jump: positions from and to, when the listener jumped within the track.
        pause: position and length of a pause, at or before the jump.
    """

    song: Song
    ending: EventType
    started: int
    ended: int
    jump: tuple[int, int] | None = None
    pause: tuple[int, int] | None = None

    @property
    def listened_ms(self) -> int:
        """Audible time."""
        jumped = 0 if self.jump is None else self.jump[1] - self.jump[0]
        return self.ended - self.started - jumped

    @property
    def elapsed_ms(self) -> int:
        """Time from the first event to the last, pauses included."""
        return self.listened_ms + (0 if self.pause is None else self.pause[1])


class Place(Struct, frozen=True, kw_only=True):
    """Where a play belongs.

    Attributes:
        user_id: the listener.
        session_id: the sitting.
        key: what makes the play unique, for the ids of its events.
        context_uri: the playlist, artist or collection.
        device_type: the kind of device.
    """

    user_id: str
    session_id: str
    key: tuple[str | int, ...]
    context_uri: str | None
    device_type: str


def draw_ending(
    rng: np.random.Generator,
    habits: Habits,
    *,
    liking: float,
    is_new: bool,
    after_skip: bool,
    last: bool,
) -> EventType:
    """How a play ends.

    Skips come in bursts: whoever just skipped skips again. A song that suits the listener less, or
    that is new, is skipped more.
    """
    base = habits.skip_after_skip if after_skip else habits.skip_after_done
    doubt = habits.choosiness * (_TYPICAL_LIKING - liking) + _NEW_SONG_DOUBT * is_new
    if rng.random() < 1 / (1 + (1 - base) / base * np.exp(-doubt)):
        return EventType.SKIP
    stops = max(habits.stop_share, _LAST_STOP) if last else habits.stop_share
    return EventType.STOP if rng.random() < stops else EventType.COMPLETE


def draw_listen(
    rng: np.random.Generator, habits: Habits, song: Song, ending: EventType, *, first: bool
) -> Listen:
    """The course of a play that ends in a given way.

    Args:
        rng: the listener's randomness.
        habits: the listener's habits.
        song: what is played.
        ending: `COMPLETE`, `SKIP` or `STOP`.
        first: whether the play opens its session; only then it may start within the track.
    """
    late = first and rng.random() < _LATE_START
    started = int(song.duration_ms * rng.uniform(0.05, 0.6)) if late else 0
    ended = _end(rng, habits, song.duration_ms, started, ending)
    jump = pause = None
    if ended - started >= SIGNAL_MIN_MS:
        if rng.random() < habits.seek:
            jump = _jump(rng, started, ended)
        if rng.random() < habits.pause:
            pause = _pause(rng, started, ended if jump is None else jump[0])
    return Listen(song=song, ending=ending, started=started, ended=ended, jump=jump, pause=pause)


def events_of(listen: Listen, place: Place, started_at: int) -> Iterator[ListeningEvent]:
    """The events of one play in order of time: `play`, signals, one terminal.

    Args:
        listen: what happened.
        place: whose play it was.
        started_at: when it started, epoch milliseconds.
    """
    steps = [(EventType.PLAY, 0, listen.started), *_signals(listen)]
    for number, (event_type, after, position) in enumerate(steps):
        yield _event(listen, place, number, event_type, started_at + after, position_ms=position)
    yield _event(
        listen,
        place,
        len(steps),
        listen.ending,
        started_at + listen.elapsed_ms,
        position_ms=listen.ended,
        listened_ms=listen.listened_ms,
    )


def _signals(listen: Listen) -> Iterator[tuple[EventType, int, int]]:
    waited = 0
    if listen.pause is not None:
        position, waited = listen.pause
        yield EventType.PAUSE, position - listen.started, position
        yield EventType.RESUME, position - listen.started + waited, position
    if listen.jump is not None:
        leaves, lands = listen.jump
        yield EventType.SEEK, leaves - listen.started + waited, lands


def _end(
    rng: np.random.Generator, habits: Habits, duration: int, started: int, ending: EventType
) -> int:
    if ending is EventType.COMPLETE:
        return duration
    remaining = duration - started
    late_share, quick = habits.late_skip, habits.skip_seconds
    if ending is EventType.STOP:
        late_share, quick = 1 - habits.early_stop, 2 * habits.skip_seconds
    if rng.random() < late_share:
        heard = rng.uniform(min(30_000.0, remaining / 2), remaining)
    else:
        heard = min(29_000.0, quick * 1000 * rng.lognormal(0.0, 1.0))
    return started + int(min(max(heard, _SHORTEST_MS), remaining))


def _jump(rng: np.random.Generator, started: int, ended: int) -> tuple[int, int]:
    """From and to: mostly forward, else back by some seconds to hear a passage again."""
    leaves = int(rng.integers(started + _APART_MS, ended - _APART_MS))
    if rng.random() < _JUMPS_BACK:
        return leaves, max(started, leaves - int(rng.integers(5_000, 30_000)))
    return leaves, int(rng.integers(leaves, ended - _APART_MS // 2))


def _pause(rng: np.random.Generator, started: int, latest: int) -> tuple[int, int]:
    """Position, before `latest`, and length."""
    length = float(np.clip(rng.lognormal(np.log(60_000), 1.2), _APART_MS, _LONGEST_PAUSE_MS))
    return int(rng.integers(started + _APART_MS // 2, latest)), int(length)


def _event(
    listen: Listen,
    place: Place,
    number: int,
    event_type: EventType,
    occurred_at: int,
    **lengths: Any,
) -> ListeningEvent:
    return ListeningEvent(
        event_id=new_event_id(*place.key, number),
        user_id=place.user_id,
        session_id=place.session_id,
        track_id=listen.song.track_id,
        event_type=event_type,
        occurred_at=occurred_at,
        source=Source.SIMULATED,
        schema_version=1,
        duration_ms=listen.song.duration_ms,
        context_uri=place.context_uri,
        device_type=place.device_type,
        track=listen.song.info,
        **lengths,
    )
