"""What the platform's play history adds to what was watched.

The history is no log: skipped plays are mostly absent, rows come late, and their ids may differ from
those that the player showed. So a row is first of all matched with a play that is already known, one
to one, and only what is left over was played unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct, structs

from musicrec.producer import rules
from musicrec.producer.playback import Item, KnownPlay, PastPlay, PlayerState
from musicrec.producer.rules import HISTORY_SLACK_MS, SAME_DURATION_MS, same_track

MAX_KNOWN: Final = 120
KEPT_MS: Final = 6 * rules.HOUR
"""Rows are seldom later than this; an older one is left alone."""

HOLE_MS: Final = 20 * rules.SECOND
"""Silence between two plays in which something may have played unseen."""


class Unseen(Struct, frozen=True):
    """A play that only the history tells of.

    Attributes:
        item: the track.
        started_t: when it began at the earliest.
        ended_t: when it ended, roughly.
        to_the_end: whether there was time to hear it out.
    """

    item: Item
    started_t: int
    ended_t: int
    to_the_end: bool


def remember(state: PlayerState, item: Item, started_t: int, ended_t: int) -> None:
    """Keep a play that is over, and forget those of long ago."""
    slim = structs.replace(item, artists=item.artists[:1], album=None, track_id=None)
    state.known.append(KnownPlay(slim, started_t, ended_t))
    state.known.sort(key=lambda play: play.ended_t)
    newest = state.known[-1].ended_t
    old = [play for play in state.known if play.ended_t < newest - KEPT_MS]
    old = old or state.known[:-MAX_KNOWN]
    if old:
        del state.known[: len(old)]
        state.forgotten_t = max(old[-1].ended_t, state.forgotten_t or old[-1].ended_t)


def stretch(state: PlayerState, item: Item, t: int) -> None:
    """Note that a track that had ended was still in the player at `t`.

    Paused a moment before its end it counts as heard out; once that moment is played, however much
    later, the platform's row of the play is stamped then.
    """
    if state.known and same_track(state.known[-1].item, item):
        last = state.known[-1]
        state.known[-1] = structs.replace(last, ended_t=max(last.ended_t, t))


def hide(state: PlayerState, since: int, until: int) -> None:
    """Note that a private session went on from `since` to `until`."""
    if state.hidden and state.hidden[-1][1] >= since:
        since = state.hidden.pop()[0]
    state.hidden = [span for span in state.hidden if span[1] > until - KEPT_MS]
    state.hidden.append((since, until))


def take_unseen(state: PlayerState, history: Sequence[PastPlay], now_t: int) -> list[Unseen]:
    """The plays of the history that were not watched, oldest first; from now on they are known.

    Args:
        state: of the player; what it knows grows by the plays returned.
        history: the platform's rows.
        now_t: the present, on the axis of the rows.
    """
    unseen = []
    for row in sorted(_left_over(state, history, now_t), key=lambda row: row.ended_t):
        play = _bounded(state, row)
        unseen.append(play)
        remember(state, play.item, play.started_t, play.ended_t)
    return unseen


def has_hole(state: PlayerState) -> bool:
    """Whether nothing is known of some time before the open play."""
    play = state.play
    if play is None or not state.known:
        return False
    return play.started_t - state.known[-1].ended_t > HOLE_MS


def _left_over(state: PlayerState, history: Sequence[PastPlay], now_t: int) -> Iterator[PastPlay]:
    known = list(state.known)
    if state.play is not None:
        known.append(KnownPlay(state.play.item, state.play.started_t, now_t))
    named = _matching(history, known, _same_recording)
    rows = [row for number, row in enumerate(history) if number not in named.values()]
    others = [play for number, play in enumerate(known) if number not in named]
    renamed = _matching(rows, others, _same_length)
    rows = [row for number, row in enumerate(rows) if number not in renamed.values()]
    return (row for row in rows if not _is_excluded(state, known, row, now_t))


def _is_excluded(state: PlayerState, known: Sequence[KnownPlay], row: PastPlay, now_t: int) -> bool:
    """Whether a row cannot be or must not be a play of its own."""
    t = row.ended_t
    if t > now_t + HISTORY_SLACK_MS:
        return True
    if state.forgotten_t is not None and t <= state.forgotten_t + HISTORY_SLACK_MS:
        return True
    if any(since <= t <= until + row.item.duration_ms for since, until in state.hidden):
        return True
    # Nothing else can have ended in the middle of a play that was watched.
    slack = HISTORY_SLACK_MS
    return any(play.started_t + slack < t < play.ended_t - slack for play in known)


def _bounded(state: PlayerState, row: PastPlay) -> Unseen:
    """The longest that a row can have played: since what was known before it had ended."""
    length, ended = row.item.duration_ms, row.ended_t
    before = [play.ended_t for play in state.known if play.ended_t <= ended]
    bound = min(length, ended - before[-1]) if before else length
    to_the_end = bool(length) and bound >= length - rules.end_window_ms(length)
    return Unseen(row.item, ended - bound, ended, to_the_end)


_Alike = Callable[[PastPlay, KnownPlay], bool]


def _matching(
    rows: Sequence[PastPlay], plays: Sequence[KnownPlay], alike: _Alike
) -> dict[int, int]:
    """Play to row, one to one, as many as possible, the nearest preferred.

    Augmenting paths: a row takes the nearest play, and one that had taken it looks for another.
    """
    taken: dict[int, int] = {}
    windows = [_window(play) for play in plays]
    wishes = [_wishes(row, plays, windows, alike) for row in rows]

    def place(row: int, tried: set[int]) -> bool:
        for play in wishes[row]:
            if play not in tried:
                tried.add(play)
                if play not in taken or place(taken[play], tried):
                    taken[play] = row
                    return True
        return False

    for row in range(len(rows)):
        place(row, set())
    return taken


def _wishes(
    row: PastPlay,
    plays: Sequence[KnownPlay],
    windows: Sequence[tuple[int, int]],
    alike: _Alike,
) -> list[int]:
    """Numbers of the plays that a row may tell of, nearest first."""
    t = row.ended_t
    fitting = [
        (abs(plays[number].ended_t - t), number)
        for number, (first, last) in enumerate(windows)
        if first <= t <= last and alike(row, plays[number])
    ]
    return [number for _, number in sorted(fitting)]


def _window(play: KnownPlay) -> tuple[int, int]:
    """When a row of the play may be stamped; some clients stamp the start instead of the end."""
    latest = max(play.ended_t, play.started_t + play.item.duration_ms)
    return play.started_t - HISTORY_SLACK_MS, latest + HISTORY_SLACK_MS


def _same_recording(row: PastPlay, play: KnownPlay) -> bool:
    return same_track(row.item, play.item)


def _same_length(row: PastPlay, play: KnownPlay) -> bool:
    """Whether it may be the play under another name: as long, and ended at the same time."""
    return (
        abs(row.item.duration_ms - play.item.duration_ms) <= SAME_DURATION_MS
        and abs(row.ended_t - play.ended_t) <= HISTORY_SLACK_MS
    )
