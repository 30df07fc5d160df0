"""What the chaos test sends: valid events, copies of them, poison, and bodies that the API refuses.

Everything follows from a seed, so what must come out is known from here alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from musicrec import events as listening
from musicrec.catalog import Track
from musicrec.events import MAX_EVENTS_PER_REQUEST, ListeningEvent
from musicrec.local.listeners import Simulation
from musicrec.local.listeners.simulation import DEMO_START

EVENTS_A_LISTENER: Final = 100
FEWEST_LISTENERS: Final = 40
DAYS: Final = 6
"""The simulated listeners make more than twice as many events: whole sessions are left out."""

COPIES: Final = 0.10
POISON: Final = 0.02
LATE: Final = 0.05
REFUSED: Final = 0.002
"""Shares of the valid events; copies are half in the same request and half in another."""

HUGE: Final = 24
"""Records of hundreds of kilobytes: a stream takes a megabyte a second of them on a shard."""

LONGEST_REQUEST: Final = 80

Request = list[ListeningEvent]


class Poison(Struct, frozen=True):
    """A record that holds no listening event.

    Attributes:
        kind: what is wrong with it.
        data: the record.
    """

    kind: str
    data: bytes


class Plan(Struct, frozen=True, kw_only=True):
    """All that is sent.

    Attributes:
        events: the valid events, each once.
        requests: what goes to the API before the first daily build, copies included.
        late: the same, days after the events and after that build.
        poison: records that somebody puts on the stream without the API.
        refused: bodies that the API must refuse.
    """

    events: list[ListeningEvent]
    requests: list[Request]
    late: list[Request]
    poison: list[Poison]
    refused: list[bytes]

    @property
    def copies(self) -> int:
        """How many events are sent beside the first of each."""
        return sum(map(len, [*self.requests, *self.late])) - len(self.events)


def plan(tracks: Sequence[Track], *, events: int, seed: int) -> Plan:
    """Plan a run.

    Args:
        tracks: what listeners play.
        events: how many valid events.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    valid = _events(rng, tracks, events, seed)
    late_ids = _late(rng, valid)
    prompt = [event for event in valid if event.event_id not in late_ids]
    late = [event for event in valid if event.event_id in late_ids]
    return Plan(
        events=valid,
        requests=_requests(rng, prompt),
        late=_requests(rng, late),
        poison=list(_poison(rng, valid, round(events * POISON))),
        refused=list(_refused(rng, valid, max(8, round(events * REFUSED)))),
    )


def _events(
    rng: np.random.Generator, tracks: Sequence[Track], count: int, seed: int
) -> list[ListeningEvent]:
    listeners = max(FEWEST_LISTENERS, count // EVENTS_A_LISTENER)
    simulation = Simulation(tracks, listeners=listeners, start=DEMO_START, days=DAYS, seed=seed)
    sessions: dict[tuple[str, str], list[ListeningEvent]] = defaultdict(list)
    for person in simulation.listeners:
        for event in simulation.history(person.user_id):
            sessions[event.user_id, event.session_id].append(event)
    chosen = [event for session in _shuffled(rng, list(sessions.values())) for event in session]
    assert len(chosen) >= count, f"the simulated listeners made {len(chosen)} events only"
    return sorted(chosen[:count], key=lambda event: (event.occurred_at, event.event_id))


def _late(rng: np.random.Generator, valid: Sequence[ListeningEvent]) -> set[str]:
    """Ids of events that arrive when others of two days later have."""
    last = valid[-1].occurred_at - 2 * listening.DAY_MS
    old = [event.event_id for event in valid if event.occurred_at < last]
    chosen = rng.choice(len(old), size=round(len(valid) * LATE), replace=False)
    return {old[place] for place in chosen.tolist()}


def _requests(rng: np.random.Generator, events: Sequence[ListeningEvent]) -> list[Request]:
    """Each listener's events in requests, shuffled within and among them, copies added."""
    by_listener: dict[str, list[ListeningEvent]] = defaultdict(list)
    for event in events:
        by_listener[event.user_id].append(event)
    made: list[Request] = []
    for history in by_listener.values():
        copies = [event for event in history if rng.random() < COPIES / 2]
        for part in [*_parts(rng, history), *_parts(rng, copies)]:
            repeated = [event for event in part if rng.random() < COPIES / 2]
            made.append(_shuffled(rng, [*part, *repeated]))
    return _shuffled(rng, made)


def _parts(
    rng: np.random.Generator, events: Sequence[ListeningEvent]
) -> Iterator[Sequence[ListeningEvent]]:
    start = 0
    while start < len(events):
        end = start + int(rng.integers(1, LONGEST_REQUEST))
        yield events[start:end]
        start = end


def _shuffled(rng: np.random.Generator, things: list[Any]) -> list[Any]:
    return [things[place] for place in rng.permutation(len(things)).tolist()]


def _poison(
    rng: np.random.Generator, valid: Sequence[ListeningEvent], count: int
) -> Iterator[Poison]:
    kinds = cycle(_SPOILERS.items())
    for number, place in enumerate(rng.integers(len(valid), size=count).tolist()):
        kind, spoil = next(kinds)
        if kind == "huge" and number >= HUGE * len(_SPOILERS):
            kind, spoil = next(kinds)
        document = listening.to_mapping(valid[place])
        document["event_id"] = listening.new_event_id("chaos", "poison", str(number))
        yield Poison(kind, spoil(document))


def _with(**changes: Any) -> Callable[[dict[str, Any]], bytes]:
    return lambda document: msgspec.json.encode({**document, **changes})


def _without(name: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda document: msgspec.json.encode(
        {key: value for key, value in document.items() if key != name}
    )


_SPOILERS: Final[dict[str, Callable[[dict[str, Any]], bytes]]] = {
    "broken JSON": lambda document: msgspec.json.encode(document)[:-20],
    "time as text": _with(occurred_at="yesterday"),
    "list for a name": _with(user_id=["somebody"]),
    "no UTF-8": lambda document: msgspec.json.encode(document) + b"\xff\xfe\x80",
    "no session": _without("session_id"),
    "negative duration": _with(listened_ms=-1),
    "seconds for milliseconds": lambda document: _with(occurred_at=document["occurred_at"] // 1000)(
        document
    ),
    "short track id": _with(track_id="0123456789"),
    "unknown type": _with(event_type="hum"),
    "unknown field": _with(ip="10.0.0.1"),
    "later version": _with(schema_version=2),
    "an array": lambda document: msgspec.json.encode([document]),
    "huge": _with(context_uri="x" * 400_000),
}


def _refused(
    rng: np.random.Generator, valid: Sequence[ListeningEvent], count: int
) -> Iterator[bytes]:
    """Bodies with one thing wrong, most of them around events that are right."""
    for number in range(count):
        place = int(rng.integers(len(valid)))
        good = listening.to_mapping(valid[place])
        # Were one of these taken after all, it would be an event that nobody sent.
        good["event_id"] = listening.new_event_id("chaos", "refused", str(number))
        wrong = [
            msgspec.json.encode({"events": [good]})[:-5],
            msgspec.json.encode({"events": [good, {**good, "occurred_at": "yesterday"}]}),
            msgspec.json.encode({"events": [good, {**good, "user_id": ""}]}),
            msgspec.json.encode({"events": [good] * (MAX_EVENTS_PER_REQUEST + 1)}),
            msgspec.json.encode({"events": [good]}) + b"\xff\xfe",
            msgspec.json.encode({"event": [good]}),
            b"[]",
            b"",
        ]
        yield wrong[number % len(wrong)]
