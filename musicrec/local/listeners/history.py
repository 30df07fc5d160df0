"""One listener's history: sessions filled with plays, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from musicrec.events import EventType, ListeningEvent, new_event_id
from musicrec.local.listeners.choices import Choice, Chooser
from musicrec.local.listeners.habits import DEVICES, Habits
from musicrec.local.listeners.outside import base62_id
from musicrec.local.listeners.plays import Listen, Place, draw_ending, draw_listen, events_of
from musicrec.local.listeners.sessions import SESSION_GAP_MS, Session
from musicrec.local.listeners.tastes import Song

_BREAK_SHARE: Final = 0.02
_SHORTEST_BREAK_MS: Final = 60_000
_LONGEST_BREAK_MS: Final = 15 * 60_000
_BUFFERING_MS: Final = 400
_HAND_MS: Final = 2_500


class Playing:
    """Plays sessions in order of time; a play that would end after the window is not begun.

    Args:
        rng: the listener's randomness.
        user_id: the listener.
        key: what names the history, for the ids of its events.
        habits: how the listener listens.
        chooser: what the listener puts on.
        ends_at: end of the window, epoch milliseconds.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        user_id: str,
        key: tuple[str | int, ...],
        habits: Habits,
        chooser: Chooser,
        ends_at: int,
    ) -> None:
        self._rng = rng
        self._user_id = user_id
        self._key = key
        self._habits = habits
        self._chooser = chooser
        self._ends_at = ends_at
        self._free_from = 0
        self._plays = 0

    def session(self, session: Session) -> Iterator[ListeningEvent]:
        """The events of one session, moved to later where the one before still runs."""
        now = max(session.starts_at, self._free_from)
        ending: EventType | None = None
        for number in range(session.plays):
            choice = self._choose(session, ending)
            listen = self._listen(choice, ending, number, session)
            if now + listen.elapsed_ms > self._ends_at:
                break
            yield from events_of(listen, self._place(session, choice), now)
            self._chooser.played(choice, liked=listen.ending is EventType.COMPLETE)
            self._plays += 1
            ending = listen.ending
            self._free_from = now + listen.elapsed_ms + SESSION_GAP_MS
            now += listen.elapsed_ms + self._silence(ending)

    def _choose(self, session: Session, ending: EventType | None) -> Choice:
        again = None
        if ending is EventType.COMPLETE and self._rng.random() < self._habits.repeat:
            again = self._chooser.again()
        elif ending is EventType.SKIP and self._rng.random() < self._habits.back:
            again = self._chooser.back()
        return again or self._chooser.next(session)

    def _listen(
        self, choice: Choice, ending: EventType | None, number: int, session: Session
    ) -> Listen:
        ends = draw_ending(
            self._rng,
            self._habits,
            liking=self._chooser.liking(choice.song),
            is_new=self._chooser.is_new(choice.song),
            after_skip=ending is EventType.SKIP,
            last=number == session.plays - 1,
        )
        return draw_listen(self._rng, self._habits, choice.song, ends, first=number == 0)

    def _place(self, session: Session, choice: Choice) -> Place:
        return Place(
            user_id=self._user_id,
            session_id=session.session_id,
            key=(*self._key, self._plays),
            context_uri=choice.context_uri,
            device_type=session.device_type,
        )

    def _silence(self, ending: EventType) -> int:
        if ending is not EventType.COMPLETE:
            return int(self._rng.integers(100, _HAND_MS))
        if self._rng.random() < _BREAK_SHARE:
            return int(self._rng.integers(_SHORTEST_BREAK_MS, _LONGEST_BREAK_MS))
        return int(self._rng.integers(1, _BUFFERING_MS))


def played_through(
    songs: Iterable[Song], user_id: str, key: tuple[str | int, ...], starts_at: int
) -> Iterator[ListeningEvent]:
    """The events of one session of songs played from beginning to end.

    Args:
        songs: what is played, in order.
        user_id: the listener.
        key: what names the session, for the ids of its events.
        starts_at: when the first song starts, epoch milliseconds.
    """
    now = starts_at
    for number, song in enumerate(songs):
        listen = Listen(song=song, ending=EventType.COMPLETE, started=0, ended=song.duration_ms)
        place = Place(
            user_id=user_id,
            session_id=new_event_id("session", *key),
            key=(*key, number),
            context_uri=f"spotify:playlist:{base62_id('mix', song.genre)}",
            device_type=DEVICES[0],
        )
        yield from events_of(listen, place, now)
        now += listen.elapsed_ms + _BUFFERING_MS
