"""The demo's people: who listens, what is posted for them, and whose list is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from typing import Final

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent
from musicrec.local.demo import producers
from musicrec.local.demo.listening import Answer
from musicrec.local.listeners import Batch, batches, demo_listeners, with_retries

RETRIED_SHARE: Final = 0.02
"""Share of requests that a producer posts twice because it did not see the answer."""


class NothingElseError(RuntimeError):
    """The listener's list holds every genre already, so no other can be played."""


class Population:
    """Simulated listeners (see `musicrec.local.listeners`) and their events.

    Args:
        tracks: the catalogue that they know.
        listeners: how many they are.
        days: how long they play.
        seed: of everything random.
        processes: how many follow the listeners at once.
        passing: what the listeners pass through as they are finished, e.g. a progress bar.

    Attributes:
        watched: what the real producer made of the listeners' plays.
        events: what is posted, in order of time.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        *,
        listeners: int,
        days: int,
        seed: int,
        processes: int = 1,
        passing: producers.Passing = iter,
    ) -> None:
        self._seed = seed
        self._tracks = {track.track_id: track for track in tracks}
        self._simulation = demo_listeners(tracks, listeners=listeners, days=days, seed=seed)
        self.watched = producers.watch(
            self._histories(), self._tracks, processes=processes, passing=passing
        )
        told = chain.from_iterable(self.watched.events.values())
        self.events = sorted(told, key=lambda event: event.occurred_at)

    def requests(self) -> list[Batch]:
        """What the producers post, some of it twice, in order."""
        return list(with_retries(batches(self.events), share=RETRIED_SHARE, seed=self._seed))

    def next_night(self) -> datetime:
        """Three o'clock, UTC, of the night after the last event: when the daily rule is due."""
        last = max(event.occurred_time for event in self.events)
        midnight = datetime.combine(last.date(), time(3), UTC)
        return midnight + timedelta(days=1)

    def listener(self) -> str:
        """The listener with the most completed tracks of the catalogue: a list worth looking at."""
        completed = Counter(
            event.user_id for event in self._completed() if event.track_id in self._tracks
        )
        return min(completed, key=lambda user_id: (-completed[user_id], user_id))

    def another_genre(self, user_id: str, before: Answer) -> str:
        """The genre most listened to by others that neither the list nor the listener's taste has.

        Raises:
            NothingElseError: there is none.
        """
        familiar = {*before.genres, *self._simulation.listener(user_id).favourite_genres(10)}
        heard = Counter(
            genre
            for event in self._completed()
            for genre in self._genres(event)
            if genre not in familiar
        )
        if not heard:
            raise NothingElseError(f"every genre that is played is on the list of {user_id}")
        return min(heard, key=lambda genre: (-heard[genre], genre))

    def steer(self, user_id: str, genre: str, plays: int) -> list[ListeningEvent]:
        """What the producer makes of some tracks of a genre, played out after everything so far."""
        played = self._simulation.steer(user_id, genre, plays=plays)
        return producers.watch([(user_id, played)], self._tracks).events[user_id]

    def _histories(self) -> Iterator[tuple[str, list[ListeningEvent]]]:
        """What they play, but for those who play nothing."""
        for person in self._simulation.listeners:
            history = self._simulation.history(person.user_id)
            if history:
                yield person.user_id, history

    def _genres(self, event: ListeningEvent) -> tuple[str, ...]:
        track = self._tracks.get(event.track_id)
        return () if track is None else track.genres

    def _completed(self) -> Iterator[ListeningEvent]:
        return (event for event in self.events if event.event_type is EventType.COMPLETE)
