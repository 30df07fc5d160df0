"""How a profile stands in DynamoDB, and how it is known exactly which events it has taken in.

A listener has one main item (`part` = `profile`): a summary to read, the packed state, and the ids
of the newest events taken in. Older ids move to pages, one item a UTC day (`part` =
`seen#YYYY-MM-DD`), so that the main item stays small for ever while no event counts twice, however
late its copy comes.

Every id taken in is in the main item or in the page of its day:

* only ids that a *stored* main item holds move, and the page is written before the main item that
  has dropped them; a crash in between leaves them in both places, which says the same;
* pages are read after the main item; an id that moves between the two reads shows in the page, and
  a writer that saw it in neither loses against the main item's version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from musicrec.decay import FeatureSums
from musicrec.events import ListeningEvent
from musicrec.profile import Listen, Play, Profile, id_bytes

MAIN_PART: Final = "profile"
PAGE_PREFIX: Final = "seen#"

SEEN_LIMIT: Final = 384
"""Ids in the main item at most. DynamoDB bills a write by the whole item, and an id takes 22 bytes."""

SEEN_AFTER_PAGING: Final = 128
"""Ids that stay when the oldest move: about three days of the median listener's events."""

EVENTS_PER_WRITE: Final = SEEN_LIMIT - SEEN_AFTER_PAGING
"""Events that one write takes in: their ids fit into what paging frees."""

_TIME_BYTES: Final = 6
_ID_BYTES: Final = 16


class UnreadableProfileError(ValueError):
    """An item of the profile table that this code cannot read."""

    def __init__(self, user_id: str, reason: str) -> None:
        super().__init__(
            f"the profile item of {user_id!r} cannot be read ({reason}); "
            "delete it and rebuild the profile from the lake"
        )


class Seen(Struct, kw_only=True):
    """Which events a profile has taken in, as far as the main item knows.

    Attributes:
        times: time of each of the newest events, epoch milliseconds, by the event's id.
        paged_until: time of the newest event whose id moved to a page; 0 before the first.
    """

    times: dict[bytes, int] = {}
    paged_until: int = 0

    def may_be_paged(self, event: ListeningEvent) -> bool:
        """Whether only the page of the event's day can tell if it was taken in."""
        return event.occurred_at <= self.paged_until and id_bytes(event) not in self.times

    def with_room_for(self, count: int) -> tuple[Seen, dict[str, list[bytes]]]:
        """Make room for `count` ids (at most `EVENTS_PER_WRITE`).

        Returns:
            What stays, and the ids that move, by the `part` of their page.
        """
        if len(self.times) + count <= SEEN_LIMIT:
            return self, {}
        oldest_first = sorted(self.times.items(), key=lambda item: (item[1], item[0]))
        moving = oldest_first[: len(oldest_first) - SEEN_AFTER_PAGING]
        pages: dict[str, list[bytes]] = defaultdict(list)
        for event_id, at in moving:
            pages[page_part(at)].append(event_id)
        stays = Seen(
            times=dict(oldest_first[len(moving) :]),
            paged_until=max(self.paged_until, moving[-1][1]),
        )
        return stays, dict(pages)

    def with_events(self, events: Iterable[ListeningEvent]) -> Seen:
        """Note events as taken in."""
        times = self.times | {id_bytes(event): event.occurred_at for event in events}
        return Seen(times=times, paged_until=self.paged_until)


class StoredProfile(Struct, frozen=True, kw_only=True):
    """A main item, read.

    Attributes:
        profile: the listener's profile.
        seen: which events it has taken in.
        version: counts the writes; 0 for an item that does not exist yet.
    """

    profile: Profile
    seen: Seen
    version: int = 0


def page_part(at: int) -> str:
    """The page that holds the ids of events of the UTC day of `at` (epoch milliseconds)."""
    return f"{PAGE_PREFIX}{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def key(user_id: str, part: str = MAIN_PART) -> dict[str, dict[str, str]]:
    """The key of an item."""
    return {"user_id": {"S": user_id}, "part": {"S": part}}


def to_item(stored: StoredProfile) -> dict[str, Any]:
    """The main item as DynamoDB takes it."""
    return {
        **key(stored.profile.user_id),
        **_summary(stored.profile),
        "version": {"N": str(stored.version)},
        "state": {"B": _pack(stored)},
    }


def from_item(item: Mapping[str, Any]) -> StoredProfile:
    """A main item as DynamoDB gives it; the summary is not needed.

    Raises:
        UnreadableProfileError: the state is not what `to_item` writes.
    """
    user_id = item["user_id"]["S"]
    try:
        state = _decoder.decode(item["state"]["B"])
        version = int(item["version"]["N"])
    except (KeyError, msgspec.DecodeError) as error:
        raise UnreadableProfileError(user_id, repr(error)) from error
    return _unpack(user_id, state, version)


class _State(Struct, kw_only=True, omit_defaults=True):
    """A profile packed: weights are of any size, so they travel as bytes."""

    format: int = 1
    events: dict[str, int]
    listened_ms: int
    first_seen: int | None = None
    last_seen: int | None = None
    weights: dict[str, bytes]
    hours: dict[str, bytes]
    genres: dict[str, bytes]
    genre_unknown: bytes = b""
    audio: dict[str, tuple[bytes, bytes, bytes]]
    plays: list[Play]
    listens: list[Listen]
    seen: bytes
    paged_until: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def _pack(stored: StoredProfile) -> bytes:
    profile = stored.profile
    return _encoder.encode(
        _State(
            events=profile.events,
            listened_ms=profile.listened_ms,
            first_seen=profile.first_seen,
            last_seen=profile.last_seen,
            weights=_packed(profile.weights),
            hours=_packed(profile.hours),
            genres=_packed(profile.genres),
            genre_unknown=_to_bytes(profile.genre_unknown),
            audio={
                name: (_to_bytes(sums.weight), _to_bytes(sums.value), _to_bytes(sums.square))
                for name, sums in profile.audio.items()
            },
            plays=profile.plays,
            listens=profile.listens,
            seen=_pack_seen(stored.seen.times),
            paged_until=stored.seen.paged_until,
        )
    )


def _unpack(user_id: str, state: _State, version: int) -> StoredProfile:
    profile = Profile(
        user_id=user_id,
        events=state.events,
        listened_ms=state.listened_ms,
        first_seen=state.first_seen,
        last_seen=state.last_seen,
        weights=_unpacked(state.weights),
        hours=_unpacked(state.hours),
        genres=_unpacked(state.genres),
        genre_unknown=_from_bytes(state.genre_unknown),
        audio={
            name: FeatureSums(*map(_from_bytes, packed)) for name, packed in state.audio.items()
        },
        plays=state.plays,
        listens=state.listens,
    )
    seen = Seen(times=_unpack_seen(state.seen), paged_until=state.paged_until)
    return StoredProfile(profile=profile, seen=seen, version=version)


def _summary(profile: Profile) -> dict[str, Any]:
    """What people read in the console; nothing is computed from it."""
    numbers = {
        "events": profile.event_count,
        **{
            f"{kind}s": profile.events.get(kind, 0) for kind in ("play", "complete", "skip", "stop")
        },
        "listened_ms": profile.listened_ms,
        "skip_rate": _rounded(profile.skip_rate),
        "completion_rate": _rounded(profile.completion_rate),
    }
    texts = {
        "top_genre": _first(profile.favourite_genres(1)),
        "top_artist": _first(profile.favourite_artists(1)),
        "last_track": next(iter(profile.last_tracks), None),
        "first_seen": _iso(profile.first_seen),
        "last_seen": _iso(profile.last_seen),
    }
    return {
        "events_by_type": {"M": {kind: {"N": str(n)} for kind, n in profile.events.items()}},
        **{name: {"N": str(value)} for name, value in numbers.items() if value is not None},
        **{name: {"S": value} for name, value in texts.items() if value},
    }


def _first(shares: list[tuple[str, float]]) -> str | None:
    return shares[0][0] if shares else None


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 4)


def _iso(at: int | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def _to_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True) if value else b""


def _from_bytes(packed: bytes) -> int:
    return int.from_bytes(packed, "big", signed=True)


def _packed(sums: Mapping[str, int]) -> dict[str, bytes]:
    return {name: _to_bytes(value) for name, value in sums.items()}


def _unpacked(packed: Mapping[str, bytes]) -> dict[str, int]:
    return {name: _from_bytes(value) for name, value in packed.items()}


def _pack_seen(times: Mapping[bytes, int]) -> bytes:
    return b"".join(at.to_bytes(_TIME_BYTES, "big") + event_id for event_id, at in times.items())


def _unpack_seen(packed: bytes) -> dict[bytes, int]:
    step = _TIME_BYTES + _ID_BYTES
    return {
        packed[start + _TIME_BYTES : start + step]: int.from_bytes(
            packed[start : start + _TIME_BYTES], "big"
        )
        for start in range(0, len(packed), step)
    }
