"""When a stream of an export began and ended, and how: the rules that turn a row into a play.

Spotify documents neither its reasons nor the traps in its times. The readings here are those of
people who compared their exports with their memory; where these disagree, the play ends neutrally.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from musicrec.events import EventType
from musicrec.producer.history.files import Format
from musicrec.producer.history.rows import Stream
from musicrec.producer.rules import COMPLETE_MIN_RATIO, HOUR, SECOND, end_window_ms

HEARD_OUT_RATIO: Final = 0.9
"""Without a telling reason, who has heard this much has heard it."""

SHORT_SKIP_MS: Final = 30 * SECOND
SHORT_SKIP_RATIO: Final = 0.5
"""The short format has no reasons: less than both is taken as a skip."""

MIN_SHIFT_MS: Final = 10 * SECOND
"""The device's clock and the server's differ by about a second; more means a pause or a wrong end."""

MAX_PAUSE_MS: Final = 6 * HOUR
"""A longer difference between the two clocks is no pause."""

SKIPS: Final = frozenset(
    {"fwdbtn", "nextbtn", "backbtn", "clickrow", "clickside", "playbtn", "popup", "uriopen"}
)
"""Next, previous, or another item picked."""

CLOSES: Final = frozenset({"logout", "unexpected-exit", "unexpected-exit-while-paused"})
"""Reasons after which `ts` may be the next start of the app, hours later."""

STOPS: Final = CLOSES | {
    "endplay", "appload", "reload", "remote", "trackerror", "switched-to-audio", "switched-to-video",
}  # fmt: skip
"""The app was closed, the music moved to another device or was replaced: no judgement of the track."""


class Span(Struct, frozen=True):
    """When a stream ran, epoch milliseconds, and whether its end was taken from its start."""

    starts: int
    ends: int
    approximate: bool = False


def span(stream: Stream) -> Span:
    """When a stream ran.

    `ts` is the end. A start by the device's clock that lies earlier than the audible time explains
    means pauses; one that lies much earlier is wrong, or after a closed app `ts` is.
    """
    start = stream.ended_at - stream.ms_played
    if stream.offline_s is None:
        return Span(start, stream.ended_at)
    offline = stream.offline_s * 1000
    gap = start - offline
    if gap <= MIN_SHIFT_MS:
        return Span(start, stream.ended_at)
    if gap <= MAX_PAUSE_MS:
        return Span(offline, stream.ended_at)
    if stream.reason_end in CLOSES:
        return Span(offline, offline + stream.ms_played, approximate=True)
    return Span(start, stream.ended_at)


def ending(stream: Stream, duration_ms: int | None) -> EventType:
    """The one terminal of a stream.

    Args:
        stream: what the export tells.
        duration_ms: the track's length, None when the catalogue lacks it.
    """
    ratio = min(1.0, stream.ms_played / duration_ms) if duration_ms else None
    if stream.kind is Format.SHORT:
        return _short_ending(stream.ms_played, ratio)
    if duration_ms and ratio is not None and _near_end(stream.ms_played, duration_ms, ratio):
        return EventType.COMPLETE
    if stream.reason_end == "trackdone":
        scrubbed = ratio is not None and ratio < COMPLETE_MIN_RATIO
        return EventType.SKIP if scrubbed else EventType.COMPLETE
    if stream.reason_end in SKIPS or stream.skipped:
        return EventType.SKIP
    if stream.reason_end in STOPS or ratio is None:
        return EventType.STOP
    return EventType.COMPLETE if ratio >= HEARD_OUT_RATIO else EventType.STOP


def _near_end(ms_played: int, duration_ms: int, ratio: float) -> bool:
    heard_out = ms_played >= duration_ms - end_window_ms(duration_ms)
    return heard_out and ratio >= COMPLETE_MIN_RATIO


def _short_ending(ms_played: int, ratio: float | None) -> EventType:
    if ratio is not None and ratio >= HEARD_OUT_RATIO:
        return EventType.COMPLETE
    if ms_played < SHORT_SKIP_MS and ratio is not None and ratio < SHORT_SKIP_RATIO:
        return EventType.SKIP
    return EventType.STOP
