"""How listeners listen, in figures, computed from their events alone.

The figures are those that were published for real listeners, so the same code measures simulated
people, a demo's lake, or the listener's own export.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.catalog import Track
from musicrec.events import DAY_MS, EventType, ListeningEvent
from musicrec.local.listeners.tastes import effective_number

SESSION_GAP_MS: Final = 30 * 60_000
RECENT_PLAYS: Final = 50
TOP_TRACKS: Final = 10
SLOPE_TRACKS: Final = 500
SKIM_MS: Final = 30_000


class _Play(Struct, frozen=True):
    track_id: str
    artist: str | None
    genre: str | None
    started_at: int
    ended_at: int
    heard_ms: int
    duration_ms: int
    ending: EventType


def figures(
    events: Iterable[ListeningEvent],
    tracks: Iterable[Track],
    known: Mapping[str, AbstractSet[str]] | None = None,
) -> dict[str, dict[str, float]]:
    """The figures of each listener, named as in `calibration.PUBLISHED`.

    Args:
        events: the events of any number of listeners; each listener's in order of time.
        tracks: the catalogue, for artists and genres; a track with several counts for its first.
        known: ids of the tracks each listener had heard before the first event.

    Returns:
        Figures by name, by user id. A figure that the events do not allow, such as the time to a
        skip of someone who never skips, is NaN.
    """
    catalog = {track.track_id: track for track in tracks}
    by_user: dict[str, list[ListeningEvent]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    return {
        user_id: _figures(list(_plays(listened, catalog)), (known or {}).get(user_id, frozenset()))
        for user_id, listened in by_user.items()
    }


def _plays(events: Iterable[ListeningEvent], catalog: Mapping[str, Track]) -> Iterator[_Play]:
    started_at = 0
    for event in events:
        if event.event_type is EventType.PLAY:
            started_at = event.occurred_at
        elif event.is_terminal:
            track = catalog.get(event.track_id)
            artists = event.track.artists if event.track else track.artists if track else ()
            yield _Play(
                track_id=event.track_id,
                artist=artists[0] if artists else None,
                genre=track.genre if track else None,
                started_at=started_at,
                ended_at=event.occurred_at,
                heard_ms=event.listened_ms or 0,
                duration_ms=event.duration_ms or 0,
                ending=event.event_type,
            )


def _figures(plays: Sequence[_Play], known: AbstractSet[str]) -> dict[str, float]:
    return {
        **_amounts(plays),
        **_endings(plays),
        **_heard_shares(plays),
        **_repetition(plays, known),
        **_concentration(plays),
        **_genres(plays),
    }


def _amounts(plays: Sequence[_Play]) -> dict[str, float]:
    days = {play.started_at // DAY_MS for play in plays}
    sessions: list[list[_Play]] = []
    for play in plays:
        if not sessions or play.started_at - sessions[-1][-1].ended_at > SESSION_GAP_MS:
            sessions.append([])
        sessions[-1].append(play)
    sizes = [len(session) for session in sessions]
    minutes = [sum(play.heard_ms for play in session) / 60_000 for session in sessions]
    return {
        "plays on an active day": len(plays) / len(days),
        "active days": len(days) / (max(days) - min(days) + 1),
        "plays of a session, median": float(np.median(sizes)),
        "plays of a session, 90th percentile": float(np.percentile(sizes, 90)),
        "minutes of a session, median": float(np.median(minutes)),
    }


def _endings(plays: Sequence[_Play]) -> dict[str, float]:
    skips = [play.heard_ms / 1000 for play in plays if play.ending is EventType.SKIP]
    after = {
        before: [
            play.ending is EventType.SKIP
            for previous, play in pairwise(plays)
            if previous.ending is before
        ]
        for before in (EventType.SKIP, EventType.COMPLETE)
    }
    return {
        "ended by complete": _mean([play.ending is EventType.COMPLETE for play in plays]),
        "ended by skip, back button included": len(skips) / len(plays),
        "ended by stop": _mean([play.ending is EventType.STOP for play in plays]),
        "seconds before a skip, median": float(np.median(skips)) if skips else float("nan"),
        "skips within 30 s": _mean([seconds < SKIM_MS / 1000 for seconds in skips]),
        "skip after a skip": _mean(after[EventType.SKIP]),
        "skip after a complete": _mean(after[EventType.COMPLETE]),
    }


def _heard_shares(plays: Sequence[_Play]) -> dict[str, float]:
    shares = [min(1.0, play.heard_ms / play.duration_ms) for play in plays]
    quartiles = np.percentile(shares, (25, 50, 75)).tolist()
    return {
        "heard under 30 s": _mean([play.heard_ms < SKIM_MS for play in plays]),
        "share heard, 25th percentile": quartiles[0],
        "share heard, median": quartiles[1],
        "share heard, 75th percentile": quartiles[2],
    }


def _repetition(plays: Sequence[_Play], known: AbstractSet[str]) -> dict[str, float]:
    ids = [play.track_id for play in plays]
    heard, before = set(known), []
    for track_id in ids:
        before.append(track_id in heard)
        heard.add(track_id)
    recent = [
        track_id in ids[max(0, place - RECENT_PLAYS) : place] for place, track_id in enumerate(ids)
    ]
    pairs = list(pairwise(plays))
    return {
        "same track again at once": _mean([a.track_id == b.track_id for a, b in pairs]),
        "track heard before": _mean(before),
        "track among the last 50 plays": _mean(recent),
        "same artist, another track": _mean(
            [a.artist == b.artist and a.track_id != b.track_id for a, b in pairs]
        ),
    }


def _concentration(plays: Sequence[_Play]) -> dict[str, float]:
    counts = sorted(Counter(play.track_id for play in plays).values(), reverse=True)
    top = np.array(counts[:SLOPE_TRACKS], dtype=np.float64)
    ranks = np.log(np.arange(1, len(top) + 1))
    slope = -np.polyfit(ranks, np.log(top), 1)[0] if len(top) > 1 else float("nan")
    return {
        "distinct tracks / plays": len(counts) / len(plays),
        "top ten tracks": sum(counts[:TOP_TRACKS]) / len(plays),
        "rank-frequency slope": float(slope),
    }


def _genres(plays: Sequence[_Play]) -> dict[str, float]:
    genres = [play.genre for play in plays if play.genre is not None]
    counts = np.array(list(Counter(genres).values()), dtype=np.float64)
    shares = counts / max(1.0, counts.sum())
    return {
        "genres spread over, exp(entropy)": effective_number(shares) if genres else float("nan"),
        "same genre as the play before": _mean(
            [a.genre == b.genre for a, b in pairwise(plays) if a.genre and b.genre]
        ),
        "same genre by chance": float((shares**2).sum()) if genres else float("nan"),
        "in the catalogue": len(genres) / len(plays),
    }


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")
