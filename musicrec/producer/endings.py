"""How a play ends when something else takes its place, or when nobody sees how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from musicrec.producer import rules
from musicrec.producer.playback import Item, PastPlay, Play, Signal, Snapshot
from musicrec.producer.rules import same_track, started
from musicrec.producer.steady import NEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicrec.producer.ledger import Ledger
    from musicrec.producer.steady import Steady

GAP: Final = (Signal.STOP, "gap")


class Endings:
    """Transitions that close the open play."""

    def __init__(self, ledger: Ledger, steady: Steady) -> None:
        self._ledger = ledger
        self._steady = steady

    def replace(
        self, play: Play, last: Snapshot, now: Snapshot, history: Sequence[PastPlay]
    ) -> tuple[int, int]:
        """Close the play that `now` replaced; returns time and position of the new item's start."""
        if play.frozen_since is not None and play.paused_at is None and not play.unpositioned_ms:
            last = structs.replace(last, t=play.frozen_since)
        t, from_ms = started(now, last.t)
        if play.paused_at is not None:
            self._leave_paused(play, last, now, t)
        elif rules.is_blind(last, now):
            self.unseen(play, last, now.t, history)
        elif play.unpositioned_ms:
            self._leave_unpositioned(play, last, now, t)
        else:
            self.after(play, last, t - last.t, NEXT, now.item)
        return t, from_ms

    def _leave_paused(self, play: Play, last: Snapshot, now: Snapshot, t: int) -> None:
        assert play.paused_at is not None
        at_once = t - play.paused_at <= rules.ABANDON_MS and not now.slept
        otherwise = NEXT if at_once else (Signal.STOP, "abandoned")
        self._ledger.finish(t, self._steady.position(play, last), otherwise, follower=now.item)

    def _leave_unpositioned(self, play: Play, last: Snapshot, now: Snapshot, t: int) -> None:
        heard = play.unpositioned_ms + t - last.t
        end_pos = min(heard, play.item.duration_ms or heard)
        self._ledger.finish(t, end_pos, NEXT, heard_ms=t - last.t, follower=now.item)

    def unseen(self, play: Play, last: Snapshot, now_t: int, history: Sequence[PastPlay]) -> None:
        """Close a play whose end nobody saw: never a skip."""
        end_t = last.t + self._steady.left(play, last)
        for past in history:
            if (
                same_track(past.item, play.item)
                and abs(past.ended_t - end_t) <= rules.HISTORY_SLACK_MS
            ):
                self._at_end(play, last, now_t)
                return
        self.after(play, last, min(rules.GAP_CREDIT_MS, now_t - last.t), GAP)

    def _at_end(self, play: Play, last: Snapshot, now_t: int) -> None:
        self.after(play, last, max(0, now_t - last.t), NEXT)

    def after(
        self,
        play: Play,
        last: Snapshot,
        played_ms: int,
        otherwise: tuple[Signal, str],
        follower: Item | None = None,
    ) -> None:
        """Close a play that went on for so long after the last snapshot, or to its end if sooner."""
        left = self._steady.left(play, last)
        played = min(played_ms, left)
        # Replaced within the jitter of its end, it had ended: all of the rest was heard.
        heard = left if follower is not None and left - played <= rules.JITTER_MS else played
        self._ledger.finish(
            last.t + played,
            self._steady.position(play, last) + heard,
            otherwise,
            heard_ms=heard,
            uncertainty_ms=played,
            follower=follower,
        )

    def idle(self, play: Play, last: Snapshot, since: int) -> None:
        """Close play and session when the player has shown nothing since `since`."""
        quiet = since - last.t
        if quiet > rules.MAX_GAP_MS:
            self.unseen(play, last, since, ())
            self._ledger.end_session(last.t)
            return
        if quiet >= self._steady.left(play, last):
            self._at_end(play, last, since)
        else:
            self.after(play, last, min(rules.GAP_CREDIT_MS, quiet), (Signal.STOP, "stop"))
        self._ledger.end_session(since)
