"""The numbers and definitions by which plays are judged, apart from the machine that applies them.

A poll shows a position every ten seconds or so. These rules say how much two positions may differ
and still be one uninterrupted play, when a play counts as heard to the end, and how long a silence
is still the same play.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from musicrec.producer.playback import Item, Signal, Snapshot

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

POSITION_TOLERANCE_MS: Final = 2_500
"""Positions are extrapolated by the server from the device's last report: they jitter."""

JITTER_MS: Final = 350
"""By how much one track's end and the next one's start may disagree and still be one moment."""

DRIFT_SHARE: Final = 0.01
"""The tolerance grows by this share of the time between two polls."""

DEVICE_CHANGE_TOLERANCE_MS: Final = 2_500
"""More tolerance when playback moves to another device, which takes it over with a delay."""

END_WINDOW_SHARE: Final = 0.10
MIN_END_WINDOW_MS: Final = 3_000
MAX_END_WINDOW_MS: Final = 15_000
"""Who leaves in the last tenth of a track (3 to 15 s: crossfade, a late Next) has heard it."""

AT_END_MS: Final = 1_500
"""A position this close to the length is the end itself."""

COMPLETE_MIN_RATIO: Final = 0.5
"""Who reaches the end with less than this share heard has scrubbed there."""

QUALIFIED_MIN_DURATION_MS: Final = 30 * SECOND
QUALIFIED_RATIO: Final = 0.5
QUALIFIED_MS: Final = 240 * SECOND
"""Last.fm: longer than 30 s, and half of it or four minutes heard."""

MAX_GAP_MS: Final = 90 * SECOND
"""Longer without an answer, anything may have been played in between: the interval is blind."""

GAP_CREDIT_MS: Final = 5 * SECOND
"""Listening granted after the last sight of a play that ended unseen."""

IDLE_GRACE_MS: Final = 25 * SECOND
"""A player that shows nothing for a shorter time was only changing tracks or devices."""

FREEZE_MS: Final = 15 * SECOND
"""A position that stands still for this long while "playing" is a pause."""

ZOMBIE_MS: Final = 10 * SECOND
"""A position this far beyond the end belongs to a player that was closed without telling."""

ABANDON_MS: Final = 60 * SECOND
"""Another track after a longer pause does not judge the paused one."""

SESSION_END_MS: Final = 30 * MINUTE
"""Silence that ends a session; it ends when the silence began."""

DORMANT_EXPIRY_MS: Final = 24 * HOUR
"""A pause that is never resumed ends its play after this time."""

START_UP_MS: Final = 30 * SECOND
"""At start-up a track that is not deeper than this was begun from 0 just before."""

HISTORY_SLACK_MS: Final = 30 * SECOND
"""By how much the history's time of a play's end may be off."""

SAME_DURATION_MS: Final = 2 * SECOND
"""Copies of one recording differ in length by no more than this."""


def tolerance_ms(elapsed_ms: int, *, device_changed: bool = False) -> int:
    """By how much a position may be off after so much time and still be undisturbed playing."""
    extra = DEVICE_CHANGE_TOLERANCE_MS if device_changed else 0
    return POSITION_TOLERANCE_MS + extra + round(DRIFT_SHARE * elapsed_ms)


def end_window_ms(duration_ms: int) -> int:
    """Length of the closing part of a track in which leaving it counts as hearing it out."""
    window = round(END_WINDOW_SHARE * duration_ms)
    return min(MAX_END_WINDOW_MS, max(MIN_END_WINDOW_MS, window))


def enough_heard(heard_ms: int, duration_ms: int) -> bool:
    """Half of the track or four minutes: a listen by itself, whatever follows."""
    return heard_ms >= min(QUALIFIED_RATIO * duration_ms, QUALIFIED_MS)


def is_qualified(heard_ms: int, duration_ms: int) -> bool:
    """Whether a play is a scrobble by Last.fm's rule."""
    return duration_ms > QUALIFIED_MIN_DURATION_MS and enough_heard(heard_ms, duration_ms)


def listened_ratio(heard_ms: int, duration_ms: int) -> float:
    """Audible share of a track, 0 to 1; 0 for an unknown length."""
    return min(1.0, heard_ms / duration_ms) if duration_ms else 0.0


def judge(
    heard_ms: int, end_pos: int, duration_ms: int, otherwise: tuple[Signal, str]
) -> tuple[Signal, str]:
    """The terminal of a play and its reason.

    Args:
        heard_ms: audible time.
        end_pos: where it ended.
        duration_ms: length of the track, 0 when unknown.
        otherwise: what it is when the end was not reached.
    """
    if not duration_ms:
        # Without a length nobody can tell a skip from an end, so it judges nothing.
        return (Signal.STOP, "unknown_length") if otherwise[0] is Signal.SKIP else otherwise
    if end_pos < duration_ms - end_window_ms(duration_ms):
        return otherwise
    if listened_ratio(heard_ms, duration_ms) >= COMPLETE_MIN_RATIO:
        at_end = end_pos >= duration_ms - AT_END_MS
        return Signal.COMPLETE, "natural_end" if at_end else "near_end"
    return (Signal.SKIP, "seeked_to_end") if otherwise[0] is Signal.SKIP else otherwise


def same_track(one: Item | None, other: Item | None) -> bool:
    """Whether two items are one recording, although the platform may name it by two ids."""
    if one is None or other is None:
        return False
    if one.uri == other.uri or (one.isrc is not None and one.isrc == other.isrc):
        return True
    return (
        bool(one.name and one.artists and other.artists)
        and plain(one.name) == plain(other.name)
        and plain(one.artists[0]) == plain(other.artists[0])
        and abs(one.duration_ms - other.duration_ms) <= SAME_DURATION_MS
    )


def is_blind(last: Snapshot, now: Snapshot) -> bool:
    """Whether anything may have happened unseen between two snapshots."""
    return now.slept or now.t - last.t > MAX_GAP_MS


def started(now: Snapshot, since: int) -> tuple[int, int]:
    """When an item that was not there at `since` began to play, and at which position.

    The position tells the time of the change whatever the poll interval. A position that is too
    deep for the time elapsed means that it was entered in the middle.
    """
    elapsed = now.t - since
    if now.position_ms <= elapsed + tolerance_ms(elapsed):
        return max(since, now.t - now.position_ms), 0
    return now.t, now.position_ms


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A title or name without case, width and punctuation: what two spellings have in common."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(letter if letter.isalnum() else " " for letter in folded).split()
    return " ".join(words) or folded
