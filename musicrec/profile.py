"""A listener's musical profile: a pure fold over listening events that no order can change.

The stream delivers events late, in bits and out of order; the lake delivers them sorted. Both must
give the same profile, to the last digit, so everything kept here is a sum of whole numbers (see
`musicrec.decay` for how forgetting becomes one), a smallest, a largest or a newest-N set.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.decay import (
    HALF_LIFE_MS,
    NOTHING,
    FeatureSums,
    add,
    added,
    fixed,
    shares_of,
    value_at,
)
from musicrec.events import DAY_MS, EventType, ListeningEvent

RECENT_PLAYS: Final = 50
"""Plays kept for the last tracks. 26 % of plays repeat one of the last 50."""

RECENT_LISTENS: Final = 200
"""Listens kept for the favourite artists: about two weeks of the median listener."""

ARTIST_BYTES: Final = 96
"""UTF-8 bytes kept of an artist's name, which bounds a profile whatever producers send."""

ACTIVITY_LEVELS: Final = ((0.5, "lapsed"), (5.0, "light"), (25.0, "regular"))
"""Plays a day below which a listener is called so; above the last, heavy. The median listener has
about 12: 25 plays on an active day, of which 47 % of days are."""

USER_FIELDS: Final[Mapping[str, type]] = {
    "FAVOURITE_GENRE": str,
    "SECOND_GENRE": str,
    "ACTIVITY": str,
    "PEAK_TIME": str,
    "SKIP_RATE": float,
    "COMPLETION_RATE": float,
    "GENRE_BREADTH": float,
    "DANCEABILITY": float,
    "ENERGY": float,
    "VALENCE": float,
    "TEMPO": float,
    "ACOUSTICNESS": float,
}
"""Columns of `features`; text columns are categorical, any value may be None. There is no artist:
Personalize advises at most 1,000 distinct values in a categorical column."""

_USER_AUDIO: Final = ("danceability", "energy", "valence", "tempo", "acousticness")
_DAY_PARTS: Final = ("night", "morning", "afternoon", "evening")
_COUNTED_WITH_DECAY: Final = frozenset(
    {EventType.PLAY, EventType.COMPLETE, EventType.SKIP, EventType.STOP}
)


class WrongListenerError(ValueError):
    """An event or a profile of one listener met the profile of another."""

    def __init__(self, user_id: str, other: str) -> None:
        super().__init__(f"the profile of {user_id!r} cannot take in what is {other!r}'s")


class Play(Struct, frozen=True, order=True, array_like=True):
    """One of the newest plays; ordered by time, then id."""

    occurred_at: int
    event_id: bytes
    track_id: str


class Listen(Struct, frozen=True, order=True, array_like=True):
    """One of the newest plays that were really listened to, known at their end."""

    occurred_at: int
    event_id: bytes
    artist: str
    share: float


class Profile(Struct, kw_only=True):
    """What one listener's events add up to. Weighted sums are fixed point; read them by methods.

    Attributes:
        user_id: the listener.
        events: events by type, each counted once and never forgotten.
        listened_ms: audible time of all plays.
        first_seen: time of the oldest event, epoch milliseconds; None without events.
        last_seen: time of the newest.
        weights: decayed counts of plays and their ends, by event type.
        hours: decayed counts of plays, by UTC hour as text.
        genres: decayed listened share, by genre; a track's share is split over its genres.
        genre_unknown: decayed listened share of tracks whose genre nobody knows.
        audio: sums of each audio feature over what was listened to.
        plays: the newest plays, oldest first.
        listens: the newest listens, oldest first.
    """

    user_id: str
    events: dict[str, int] = field(default_factory=dict)
    listened_ms: int = 0
    first_seen: int | None = None
    last_seen: int | None = None
    weights: dict[str, int] = field(default_factory=dict)
    hours: dict[str, int] = field(default_factory=dict)
    genres: dict[str, int] = field(default_factory=dict)
    genre_unknown: int = 0
    audio: dict[str, FeatureSums] = field(default_factory=dict)
    plays: list[Play] = field(default_factory=list)
    listens: list[Listen] = field(default_factory=list)

    @property
    def event_count(self) -> int:
        """All events, of whatever type."""
        return sum(self.events.values())

    @property
    def skip_rate(self) -> float | None:
        """Decayed share of ended plays that were skipped; None before the first end."""
        return _end_share(self.weights, EventType.SKIP)

    @property
    def completion_rate(self) -> float | None:
        """Decayed share of ended plays that were heard to the end; None before the first end."""
        return _end_share(self.weights, EventType.COMPLETE)

    @property
    def total_skip_rate(self) -> float | None:
        """As `skip_rate`, every play counting alike however old."""
        return _end_share(self.events, EventType.SKIP)

    @property
    def total_completion_rate(self) -> float | None:
        """As `completion_rate`, every play counting alike however old."""
        return _end_share(self.events, EventType.COMPLETE)

    @property
    def last_tracks(self) -> list[str]:
        """Distinct ids of the tracks last played, newest first."""
        return list(dict.fromkeys(play.track_id for play in reversed(self.plays)))

    def favourite_genres(self, limit: int = 5) -> list[tuple[str, float]]:
        """Genres by decayed listening, with their share of all listening of known genre."""
        return shares_of(self.genres, limit)

    def favourite_artists(self, limit: int = 5) -> list[tuple[str, float]]:
        """Artists by decayed listening among the newest listens, with their share of it."""
        sums: Counter[str] = Counter()
        for listen in self.listens:
            sums[listen.artist] += fixed(listen.occurred_at, listen.share)
        return shares_of(sums, limit)

    def listening_hours(self) -> list[float]:
        """Decayed share of plays that began in each of the 24 UTC hours; zeros without plays."""
        total = sum(self.hours.values()) or 1
        return [self.hours.get(str(hour), 0) / total for hour in range(24)]

    def genre_breadth(self) -> float | None:
        """Number of genres spread over: exp of the entropy of their shares (Hill number, order 1).

        None when no track of known genre was listened to.
        """
        shares = [share for _, share in shares_of(self.genres, len(self.genres))]
        entropy = -math.fsum(share * math.log(share) for share in shares)
        return math.exp(entropy) if shares else None

    def plays_per_day(self, at: int | None = None) -> float:
        """Recent pace of listening: decayed plays, set against what one play a day would give.

        Args:
            at: epoch milliseconds, by default the last event's time.
        """
        if self.first_seen is None or self.last_seen is None:
            return 0.0
        at = self.last_seen if at is None else at
        plays = value_at(self.weights.get(EventType.PLAY, 0), at)
        age = max(at - self.first_seen, DAY_MS) / HALF_LIFE_MS
        days = HALF_LIFE_MS / DAY_MS / math.log(2) * (1 - 2**-age)
        return plays / days


def fold(profile: Profile, events: Iterable[tuple[ListeningEvent, Track | None]]) -> Profile:
    """The profile after taking in more events, in any order.

    An event that stands in `events` twice counts once; across calls the caller must know what was
    taken in already (see `musicrec.processor.profiles`).

    Args:
        profile: what is known so far; stays as it is.
        events: each with its track, None when the catalogue lacks it: the event then counts and
            so does its artist, but it says nothing about genres and audio features.

    Raises:
        WrongListenerError: an event is another listener's.
    """
    change = Profile(user_id=profile.user_id)
    unique = {event.event_id: (event, track) for event, track in events}
    for event, track in unique.values():
        if event.user_id != profile.user_id:
            raise WrongListenerError(profile.user_id, event.user_id)
        _take_in(change, event, track)
    return merge(profile, change)


def merge(one: Profile, other: Profile) -> Profile:
    """The profile of two sets of events that have no event in common.

    Raises:
        WrongListenerError: the two are of different listeners.
    """
    if one.user_id != other.user_id:
        raise WrongListenerError(one.user_id, other.user_id)
    return Profile(
        user_id=one.user_id,
        events=added(one.events, other.events),
        listened_ms=one.listened_ms + other.listened_ms,
        first_seen=min(_known(one.first_seen, other.first_seen), default=None),
        last_seen=max(_known(one.last_seen, other.last_seen), default=None),
        weights=added(one.weights, other.weights),
        hours=added(one.hours, other.hours),
        genres=added(one.genres, other.genres),
        genre_unknown=one.genre_unknown + other.genre_unknown,
        audio={
            name: one.audio.get(name, NOTHING) + other.audio.get(name, NOTHING)
            for name in AUDIO_FEATURES
            if name in one.audio or name in other.audio
        },
        plays=sorted(heapq.nlargest(RECENT_PLAYS, [*one.plays, *other.plays])),
        listens=sorted(heapq.nlargest(RECENT_LISTENS, [*one.listens, *other.listens])),
    )


def profile_at(
    user_id: str, events: Iterable[tuple[ListeningEvent, Track | None]], at: int
) -> Profile:
    """The profile as it was at `at` (epoch milliseconds): nothing later shows in it."""
    return fold(
        Profile(user_id=user_id),
        ((event, track) for event, track in events if event.occurred_at <= at),
    )


def features(profile: Profile, at: int | None = None) -> dict[str, str | float | None]:
    """The listener as a row of the Personalize USERS dataset: `USER_ID` and `USER_FIELDS`.

    Args:
        profile: must hold no event later than `at` (see `profile_at`).
        at: when the row is to hold, epoch milliseconds; by default the last event's time. Only
            `ACTIVITY` depends on it.
    """
    genres = [genre for genre, _ in profile.favourite_genres(2)]
    return {
        "USER_ID": profile.user_id,
        "FAVOURITE_GENRE": genres[0] if genres else None,
        "SECOND_GENRE": genres[1] if len(genres) > 1 else None,
        "ACTIVITY": _activity(profile.plays_per_day(at)),
        "PEAK_TIME": _peak_time(profile.hours),
        "SKIP_RATE": _rounded(profile.skip_rate),
        "COMPLETION_RATE": _rounded(profile.completion_rate),
        "GENRE_BREADTH": _rounded(profile.genre_breadth()),
        **{
            name.upper(): _rounded(profile.audio[name].mean if name in profile.audio else None)
            for name in _USER_AUDIO
        },
    }


def listened_share(event: ListeningEvent) -> float:
    """How much of a track the end of its play says was listened to, 0 to 1.

    A skip counts nothing, a complete of unknown length counts whole, a stop of unknown length
    counts nothing.
    """
    if event.event_type is EventType.COMPLETE:
        return 1.0 if event.listened_ratio is None else event.listened_ratio
    if event.event_type is EventType.STOP:
        return event.listened_ratio or 0.0
    return 0.0


def _take_in(change: Profile, event: ListeningEvent, track: Track | None) -> None:
    """Add one event to a profile that nobody else holds."""
    kind, at = event.event_type, event.occurred_at
    add(change.events, kind.value, 1)
    change.first_seen = min(_known(change.first_seen, at))
    change.last_seen = max(_known(change.last_seen, at))
    if kind in _COUNTED_WITH_DECAY:
        add(change.weights, kind.value, fixed(at))
    if kind is EventType.PLAY:
        add(change.hours, str(at % DAY_MS // 3_600_000), fixed(at))
        change.plays.append(Play(at, id_bytes(event), event.track_id))
    if event.is_terminal:
        change.listened_ms += event.listened_ms or 0
        _take_in_listen(change, event, track)


def _take_in_listen(change: Profile, event: ListeningEvent, track: Track | None) -> None:
    share = listened_share(event)
    weight = fixed(event.occurred_at, share)
    if not weight:
        return
    artist = _artist(event, track)
    if artist:
        change.listens.append(Listen(event.occurred_at, id_bytes(event), artist, share))
    if track is None or not track.genres:
        change.genre_unknown += weight
    else:
        for genre in track.genres:
            add(change.genres, genre, weight // len(track.genres))
    for name, value in track.features.items() if track else ():
        change.audio[name] = change.audio.get(name, NOTHING) + FeatureSums.of(weight, value)


def id_bytes(event: ListeningEvent) -> bytes:
    """The event's id as the 16 bytes of its UUID."""
    return bytes.fromhex(event.event_id.replace("-", ""))


def _artist(event: ListeningEvent, track: Track | None) -> str | None:
    """The main artist: by the event itself if it says, since the catalogue changes with time."""
    named = event.track.artists if event.track else ()
    artists = named or (track.artists if track else ())
    return artists[0].encode()[:ARTIST_BYTES].decode(errors="ignore") if artists else None


def _known(*values: int | None) -> list[int]:
    return [value for value in values if value is not None]


def _end_share(counts: Mapping[str, int], kind: EventType) -> float | None:
    ends = sum(counts.get(end, 0) for end in (EventType.COMPLETE, EventType.SKIP, EventType.STOP))
    return counts.get(kind, 0) / ends if ends else None


def _activity(plays_per_day: float) -> str:
    for below, level in ACTIVITY_LEVELS:
        if plays_per_day < below:
            return level
    return "heavy"


def _peak_time(hours: Mapping[str, int]) -> str | None:
    """The quarter of the UTC day with most plays; the earlier where two tie."""
    sums: Counter[int] = Counter()
    for hour, amount in hours.items():
        sums[int(hour) // 6] += amount
    return _DAY_PARTS[max(sorted(sums), key=lambda part: sums[part])] if sums else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
