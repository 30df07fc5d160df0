"""The demo's people: who listens, what is posted for them, and whose list is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
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

    Attributes:
        watched: what the real producer made of every fifth listener.
        events: what is posted, in order of time.
    """

    def __init__(self, tracks: Sequence[Track], *, listeners: int, days: int, seed: int) -> None:
        self._seed = seed
        self._genres = {track.track_id: track.genres for track in tracks}
        self._simulation = demo_listeners(tracks, listeners=listeners, days=days, seed=seed)
        self.watched = producers.watch(self._histories(), {t.track_id: t for t in tracks})
        self.events = sorted(self._posted(), key=lambda event: event.occurred_at)

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
            event.user_id for event in self._completed() if event.track_id in self._genres
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
            for genre in self._genres.get(event.track_id, ())
            if genre not in familiar
        )
        if not heard:
            raise NothingElseError(f"every genre that is played is on the list of {user_id}")
        return min(heard, key=lambda genre: (-heard[genre], genre))

    def steer(self, user_id: str, genre: str, plays: int) -> list[ListeningEvent]:
        """The listener plays some tracks of a genre to the end, after everything so far."""
        return self._simulation.steer(user_id, genre, plays=plays)

    def _histories(self) -> dict[str, list[ListeningEvent]]:
        """What the listeners play who go through the real producer."""
        chosen = self._simulation.listeners[:: producers.EVERY]
        histories = {person.user_id: self._simulation.history(person.user_id) for person in chosen}
        return {user_id: history for user_id, history in histories.items() if history}

    def _posted(self) -> Iterator[ListeningEvent]:
        """The producer's events of those, the simulation's own of everybody else."""
        watched = self.watched.events
        yield from (event for event in self._simulation.events() if event.user_id not in watched)
        for events in watched.values():
            yield from events

    def _completed(self) -> Iterator[ListeningEvent]:
        return (event for event in self.events if event.event_type is EventType.COMPLETE)
