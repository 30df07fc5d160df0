"""Which streams of an export are plays that were reported before, one to one.

A live play and its row differ by seconds, by a paused hour, or by the track's id. Nearest pairs are
found first, and neither side is used twice, so a song that was played twice stays two plays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from musicrec.producer.history.files import Format
from musicrec.producer.history.staging import Staged, Staging
from musicrec.producer.known_plays import MINUTE_SLACK_MS, KnownPlay
from musicrec.producer.rules import MINUTE

_CONFIRMED: Final = -1


class Match(Struct, frozen=True):
    """A known play and the stream that is the same."""

    known: KnownPlay
    staged: Staged


def matches(
    staging: Staging, known: Iterable[KnownPlay], play_id: Callable[[Staged], str]
) -> list[Match]:
    """The pairs, none of whose sides stands in another.

    A pair that an earlier import found is kept; a play that it confirmed by another stream is not
    free for this one.

    Args:
        staging: the streams.
        known: plays reported before.
        play_id: the id under which a stream is imported.
    """
    pairs: list[tuple[int, str, int, Match]] = []
    for play in known:
        first, last = play.ended_between
        found = staging.candidates(play.track_id, play.identity, first - MINUTE, last)
        for staged in found:
            distance = _distance(play, staged, play_id(staged))
            if distance is not None:
                pairs.append((distance, play.event_id, staged.number, Match(play, staged)))
    return _one_to_one(pairs)


def _distance(play: KnownPlay, staged: Staged, staged_id: str) -> int | None:
    """How far apart the two are, milliseconds; None when they cannot be one."""
    short = staged.stream.kind is Format.SHORT
    if play.confirmed_by is not None:
        return _CONFIRMED if play.confirmed_by == staged_id else None
    if short and play.slack_ms == MINUTE_SLACK_MS:
        return None  # both from a short history: equal ids tell what is the same
    first, last = play.ended_between
    if not first - (MINUTE if short else 0) <= staged.ends <= last:
        return None
    ended = play.started_at + (play.duration_ms or 0) if play.ended_at is None else play.ended_at
    return abs(ended - staged.ends) + abs(play.started_at - staged.starts)


def _one_to_one(pairs: list[tuple[int, str, int, Match]]) -> list[Match]:
    used_plays: set[str] = set()
    used_streams: set[int] = set()
    found: list[Match] = []
    for _, event_id, number, match in sorted(pairs, key=lambda pair: pair[:3]):
        if event_id not in used_plays and number not in used_streams:
            used_plays.add(event_id)
            used_streams.add(number)
            found.append(match)
    return found
