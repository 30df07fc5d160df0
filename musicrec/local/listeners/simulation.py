"""Simulated people listening: everyone's history, made from a catalogue and a seed.

These are invented people. Their figures follow what is published about real ones (see
`musicrec.local.listeners.calibration`), but no simulated history says anything about anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.catalog import Track
from musicrec.events import DAY_MS, ListeningEvent
from musicrec.local.listeners.choices import Chooser
from musicrec.local.listeners.habits import Habits, draw_habits
from musicrec.local.listeners.history import Playing, played_through
from musicrec.local.listeners.library import Discovery, Library, build_library
from musicrec.local.listeners.outside import stable_seed
from musicrec.local.listeners.sessions import HOUR_MS, epoch_ms, sessions
from musicrec.local.listeners.tastes import Taste, World

IN_CATALOG: Final = 0.7
"""Default share of plays of tracks that the catalogue has. In reality it is 4 to 34 %, median 21 %: the
Kaggle file is small. A demo at that share would mostly recommend tracks that nobody can name a
genre of, so the default is higher; pass `in_catalog=0.21` for the real mix."""

DEMO_LISTENERS: Final = 215
DEMO_START: Final = datetime(2026, 1, 5, tzinfo=UTC)
DEMO_DAYS: Final = 6
DEMO_SEED: Final = 2026
"""A working week and a Saturday: with the sample that ships with the project 56,391 events."""


class UnknownListenerError(LookupError):
    """A user id that the simulation has no listener for."""


class UnknownGenreError(LookupError):
    """A genre that no track of the simulation's catalogue has."""


class Listener(Struct, frozen=True, kw_only=True, eq=False):
    """One simulated person.

    Attributes:
        user_id: the listener's id.
        habits: how the person listens.
        taste: what the person likes.
        genres: the genres that the taste is over.
    """

    user_id: str
    habits: Habits
    taste: Taste
    genres: tuple[str, ...]

    def favourite_genres(self, count: int) -> list[str]:
        """The genres most liked, first the dearest."""
        order = np.argsort(-self.taste.genres, kind="stable")[:count]
        return [self.genres[place] for place in order.tolist()]


class Simulation:
    """Listeners and what they played.

    The history of a listener depends on the seed, the catalogue and the listener's own number: not
    on how many others there are, and a shorter window gives the beginning of a longer one.

    Args:
        tracks: the catalogue.
        listeners: how many people.
        start: begin of the window, aware.
        days: length of the window.
        seed: of all randomness.
        in_catalog: mean share of plays, 0 to 1, of tracks that the catalogue has; see `IN_CATALOG`.

    Raises:
        ValueError: a number out of range, a naive `start`, or a catalogue without genres.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        *,
        listeners: int,
        start: datetime,
        days: int,
        seed: int,
        in_catalog: float = IN_CATALOG,
    ) -> None:
        if listeners < 1 or days < 1 or seed < 0 or not 0 <= in_catalog <= 1:
            raise ValueError(
                f"listeners={listeners}, days={days} must be positive, seed={seed} not negative, "
                f"in_catalog={in_catalog} between 0 and 1"
            )
        self.start_ms = epoch_ms(start)
        self.days = days
        self._seed = seed
        self._in_catalog = in_catalog
        self._world = World(tracks)
        people = (self._listener(number) for number in range(listeners))
        self._people = {person.user_id: (number, person) for number, person in enumerate(people)}

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Everyone, in the order of their numbers."""
        return tuple(person for _, person in self._people.values())

    def listener(self, user_id: str) -> Listener:
        """One listener.

        Raises:
            UnknownListenerError: there is nobody of that id.
        """
        return self._find(user_id)[1]

    def known(self, user_id: str) -> frozenset[str]:
        """Ids of the tracks that the listener knew before the window.

        Raises:
            UnknownListenerError: there is nobody of that id.
        """
        number, person = self._find(user_id)
        library, _ = self._library(number, person)
        return frozenset(library.heard)

    def history(self, user_id: str) -> list[ListeningEvent]:
        """All events of one listener in order of time.

        Raises:
            UnknownListenerError: there is nobody of that id.
        """
        number, person = self._find(user_id)
        return list(self._history(number, person))

    def events(self) -> Iterator[ListeningEvent]:
        """All events of everyone in order of time."""
        everything = [
            (event.occurred_at, number, place, event)
            for number, person in self._people.values()
            for place, event in enumerate(self._history(number, person))
        ]
        everything.sort(key=lambda entry: entry[:3])
        return (event for *_, event in everything)

    def steer(
        self,
        user_id: str,
        genre: str,
        *,
        plays: int = 5,
        after: Iterable[ListeningEvent] = (),
    ) -> list[ListeningEvent]:
        """What the listener does next when put to another genre: its best known songs, to the end.

        A session of its own, an hour after the listener's last event, of catalogue tracks that the
        listener has not played yet.

        Args:
            user_id: the listener.
            genre: a genre of the catalogue.
            plays: how many tracks; fewer when the genre has no more.
            after: events of the listener beyond the history, such as an earlier steering.

        Raises:
            UnknownListenerError: there is nobody of that id.
            UnknownGenreError: no track of the catalogue has the genre.
        """
        person = self.listener(user_id)
        if genre not in self._world.inside:
            raise UnknownGenreError(f"no track of the catalogue has the genre {genre!r}")
        past = [*self.history(user_id), *(event for event in after if event.user_id == user_id)]
        played = {event.track_id for event in past}
        songs = [s for s in self._world.inside[genre].songs if s.track_id not in played]
        last = max((event.occurred_at for event in past), default=self.start_ms)
        key = ("steered", self._seed, person.user_id, genre, last)
        return list(played_through(songs[:plays], person.user_id, key, last + HOUR_MS))

    def _find(self, user_id: str) -> tuple[int, Listener]:
        if user_id not in self._people:
            raise UnknownListenerError(
                f"no simulated listener {user_id!r}; there are {len(self._people)}, "
                f"from {next(iter(self._people))!r} on"
            )
        return self._people[user_id]

    def _rng(self, number: int, purpose: str) -> np.random.Generator:
        # One stream for each purpose, so that what happens in one cannot shift the draws of another.
        return np.random.default_rng([self._seed, number, stable_seed(purpose)])

    def _listener(self, number: int) -> Listener:
        habits = draw_habits(self._rng(number, "habits"), self._in_catalog)
        taste = self._world.draw_taste(self._rng(number, "taste"), habits.breadth)
        return Listener(
            user_id=f"listener-{number + 1:04d}",
            habits=habits,
            taste=taste,
            genres=self._world.genres,
        )

    def _library(self, number: int, person: Listener) -> tuple[Library, Discovery]:
        discovery = Discovery(self._world, person.taste)
        rng = self._rng(number, "library")
        library = build_library(rng, self._world, person.taste, person.habits, discovery)
        return library, discovery

    def _history(self, number: int, person: Listener) -> Iterator[ListeningEvent]:
        library, discovery = self._library(number, person)
        rng = self._rng(number, "plays")
        chooser = Chooser(
            rng,
            user_id=person.user_id,
            habits=person.habits,
            taste=person.taste,
            world=self._world,
            library=library,
            discovery=discovery,
        )
        playing = Playing(
            rng,
            user_id=person.user_id,
            key=("simulated", self._seed, person.user_id),
            habits=person.habits,
            chooser=chooser,
            ends_at=self.start_ms + self.days * DAY_MS,
        )
        for session in sessions(
            self._rng(number, "sessions"),
            key=("simulated", self._seed, person.user_id),
            habits=person.habits,
            taste=person.taste,
            world=self._world,
            start_ms=self.start_ms,
            days=self.days,
        ):
            yield from playing.session(session)


def demo_listeners(
    tracks: Sequence[Track],
    *,
    listeners: int = DEMO_LISTENERS,
    days: int = DEMO_DAYS,
    seed: int = DEMO_SEED,
) -> Simulation:
    """The people of the demo: from 2026-01-05 on, about 44 events a listener and day.

    With the defaults and the sample that ships with the project: 215 listeners, 56,391 events.
    """
    return Simulation(tracks, listeners=listeners, start=DEMO_START, days=days, seed=seed)
