"""What happens while one and the same track stays in the player.

The part of the state machine that reads two positions of one track and tells playing on, pausing,
seeking and repeating apart.
"""

from __future__ import annotations

from typing import Final

from musicrec.events import DAY_MS
from musicrec.producer import rules
from musicrec.producer.ledger import Ledger
from musicrec.producer.playback import Play, Signal, Snapshot
from musicrec.producer.rules import AT_END_MS, started, tolerance_ms

NEXT: Final = (Signal.SKIP, "next")
RESTARTED: Final = (Signal.STOP, "restarted")


class Step:
    """Two snapshots of one track, and what lies between their positions.

    A position that stands still and then catches up with the clock was a stale answer: the track
    played on all the while, and the step begins where the position stood still first.

    Attributes:
        since: when it began.
        elapsed: time between them.
        tolerance: by how much the position may be off and still have played on.
        before: the earlier position, cut at the track's end.
        after: the later position, cut at the track's end.
        moved: the difference.
        left: what was left of the track at the earlier one.
    """

    def __init__(self, play: Play, last: Snapshot, now: Snapshot) -> None:
        length = play.item.duration_ms or DAY_MS
        self.device_changed = None not in {last.device, now.device} and last.device != now.device
        self.before = min(last.position_ms, length)
        self.after = min(now.position_ms, length)
        self.moved = self.after - self.before
        self.left = length - self.before
        self.blind = rules.is_blind(last, now)
        self.since = last.t
        if play.frozen_since is not None and self._plays_since(play.frozen_since, now):
            self.since = play.frozen_since
        self.elapsed = now.t - self.since
        self.tolerance = tolerance_ms(self.elapsed, device_changed=self.device_changed)

    def _plays_since(self, t: int, now: Snapshot) -> bool:
        elapsed = now.t - t
        return abs(self.moved - elapsed) <= tolerance_ms(elapsed)

    @property
    def is_forward_jump(self) -> bool:
        """Further than playing could have brought it."""
        return self.moved > self.elapsed + self.tolerance

    @property
    def is_back_jump(self) -> bool:
        """Back by more than reports jitter."""
        return self.moved < -self.tolerance

    @property
    def from_start(self) -> bool:
        """Whether the later position fits a start at 0 after the earlier snapshot."""
        return self.after <= self.elapsed + self.tolerance


class Steady:
    """Transitions that keep the open play's track."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def position(self, play: Play, last: Snapshot) -> int:
        """Where the play was at its last snapshot; on a device without progress, what was heard."""
        if play.unpositioned_ms:
            return min(play.item.duration_ms or DAY_MS, play.unpositioned_ms)
        return min(play.item.duration_ms or DAY_MS, last.position_ms)

    def left(self, play: Play, last: Snapshot) -> int:
        """Milliseconds from the last snapshot to the end of the track."""
        return (play.item.duration_ms or DAY_MS) - self.position(play, last)

    def play_on(self, play: Play, last: Snapshot, now: Snapshot) -> None:
        """Playing before, playing now."""
        step = Step(play, last, now)
        length = play.item.duration_ms
        if length and now.position_ms > length + rules.ZOMBIE_MS:
            self._leave_zombie(step, last, now)
            return
        wraps, consistent = self._wraps(step, last, now, length)
        if step.before == step.after == 0:
            self._count_unpositioned(play, step, last)
        elif wraps:
            self._repeat(play, step, now, wraps, consistent=consistent)
        elif step.moved == 0:
            self._stand_still(play, step, last, now)
        else:
            self._move(play, step, last, now)
        if step.device_changed and self._ledger.state.play is play:
            self._change_device(play, last, now)

    def pause(self, play: Play, last: Snapshot, now: Snapshot) -> None:
        """Playing before, paused now."""
        step = Step(play, last, now)
        length = play.item.duration_ms or DAY_MS
        if step.is_back_jump and step.after <= step.tolerance and self._end_was_due(step):
            self._end_of_queue(step.left, length, last, now)
        elif step.after >= length - AT_END_MS and not step.is_forward_jump and step.moved >= 0:
            self._end_of_queue(step.moved, length, last, now)
        elif play.unpositioned_ms:
            play.unpositioned_ms += step.elapsed
            self._ledger.pause(now.t, step.after)
        elif step.is_back_jump and step.blind:
            self._lose_sight(step, last)
        elif step.is_forward_jump or step.is_back_jump:
            reached = step.before + (step.elapsed if step.is_forward_jump else 0)
            self._ledger.seek(now.t, reached, step.after)
            self._ledger.pause(now.t, step.after)
        else:
            play.heard_ms += step.moved
            self._ledger.pause(min(now.t, last.t + max(0, step.moved)), step.after)

    def resume(self, play: Play, last: Snapshot, now: Snapshot) -> None:
        """Paused before, playing now: the same play, however long the pause."""
        step = Step(play, last, now)
        if play.frozen_since is not None and step.moved == 0:
            return
        t, position = self._resumed_at(step, now)
        if position == 0 and step.before > 0 and self._is_restart(play, 0):
            self._ledger.finish(t, step.before, RESTARTED)
            self._open_again(play, now, last.t)
            return
        self._ledger.start_session(t)
        if position != step.before:
            self._ledger.seek(t, step.before, position)
        play.paused_at = play.frozen_since = None
        play.heard_ms += step.after - position
        self._ledger.note(Signal.RESUME, t, position)
        if step.device_changed:
            self._change_device(play, last, now)

    def move_paused(self, last: Snapshot, now: Snapshot) -> None:
        """Paused before and now: only the position can have been moved."""
        if abs(now.position_ms - last.position_ms) > rules.POSITION_TOLERANCE_MS:
            self._ledger.seek(now.t, last.position_ms, now.position_ms)

    def _resumed_at(self, step: Step, now: Snapshot) -> tuple[int, int]:
        """When and at which position a pause ended."""
        if step.moved >= 0 and not step.is_forward_jump:
            return now.t - step.moved, step.before
        if step.moved < 0 and step.from_start:
            return now.t - step.after, 0
        return now.t, step.after

    def _wraps(self, step: Step, last: Snapshot, now: Snapshot, length: int) -> tuple[int, bool]:
        """How often the track began anew by itself, and whether the positions agree with that."""
        if not length:
            return 0, False
        repeat_one = "track" in {last.repeat, now.repeat}
        reached = step.before + step.elapsed
        wraps = round((reached - step.after) / length)
        consistent = abs(reached - wraps * length - step.after) <= step.tolerance
        if consistent and wraps == 1 and (step.is_back_jump or repeat_one):
            return 1, True
        if consistent and wraps > 1 and repeat_one and not step.blind:
            return wraps, True
        near_end = reached >= length - rules.end_window_ms(length)
        return int(repeat_one and step.is_back_jump and near_end and step.from_start), False

    def _repeat(
        self, play: Play, step: Step, now: Snapshot, wraps: int, *, consistent: bool
    ) -> None:
        item, length = play.item, play.item.duration_ms
        start = max(step.since, now.t - step.after)
        played = step.left if consistent else min(step.left, start - step.since)
        end = min(now.t, step.since + played)
        self._ledger.finish(end, step.before + played, NEXT, heard_ms=played)
        for _ in range(wraps - 1):
            self._ledger.open(now, item, end, 0, heard_ms=length, repeat=True)
            end += length
            self._ledger.finish(end, length, NEXT)
        self._ledger.open(now, item, start, 0, heard_ms=step.after, repeat=True)

    def _count_unpositioned(self, play: Play, step: Step, last: Snapshot) -> None:
        """Some devices report no progress at all: the clock has to stand in for it."""
        play.frozen_since = last.t if play.frozen_since is None else play.frozen_since
        length = play.item.duration_ms or DAY_MS
        play.unpositioned_ms = min(length, play.unpositioned_ms + step.elapsed)

    def _stand_still(self, play: Play, step: Step, last: Snapshot, now: Snapshot) -> None:
        if step.after >= (play.item.duration_ms or DAY_MS) - AT_END_MS:
            self._end_of_queue(0, play.item.duration_ms, last, now)
            return
        since = play.frozen_since = last.t if play.frozen_since is None else play.frozen_since
        if now.t - since >= rules.FREEZE_MS:
            self._ledger.pause(since, step.after)
            play.frozen_since = since

    def _move(self, play: Play, step: Step, last: Snapshot, now: Snapshot) -> None:
        play.frozen_since = None
        play.unpositioned_ms = 0
        if step.is_forward_jump:
            play.heard_ms += step.elapsed
            if not step.blind:
                self._ledger.seek(now.t, step.before + step.elapsed, step.after)
        elif step.is_back_jump:
            self._move_back(play, step, last, now)
        else:
            play.heard_ms += step.moved
            jitter = abs(step.moved - step.elapsed)
            play.jitter_ms = max(play.jitter_ms, min(jitter, 2 * rules.JITTER_MS))

    def _move_back(self, play: Play, step: Step, last: Snapshot, now: Snapshot) -> None:
        if step.blind:
            self._lose_sight(step, last)
            self._open_again(play, now, last.t, repeat=False)
        elif not step.from_start:
            play.heard_ms += step.elapsed
            self._ledger.seek(now.t, step.before, step.after)
        else:
            self._go_to_start(play, step, now)

    def _go_to_start(self, play: Play, step: Step, now: Snapshot) -> None:
        start = max(step.since, now.t - step.after)
        played = min(step.left, start - step.since)
        if self._is_restart(play, played):
            self._ledger.finish(start, step.before + played, RESTARTED, heard_ms=played)
            self._open_again(play, now, step.since)
        else:
            self._ledger.seek(start, step.before + played, 0)
            play.heard_ms += played + step.after

    def _is_restart(self, play: Play, played_ms: int) -> bool:
        """Whether enough was heard to call the way back to the start a new play.

        When the positions are not exact enough to tell, it is one: a play that was lost is worse
        than a jump that counts as two.
        """
        length = play.item.duration_ms
        heard = play.heard_ms + played_ms + play.jitter_ms
        return bool(length) and rules.enough_heard(heard, length)

    def _open_again(self, play: Play, now: Snapshot, since: int, *, repeat: bool = True) -> None:
        t, from_ms = started(now, since)
        heard = now.position_ms - from_ms
        self._ledger.open(now, play.item, t, from_ms, heard_ms=heard, repeat=repeat)

    def _end_was_due(self, step: Step) -> bool:
        return step.elapsed + step.tolerance >= step.left and not step.blind

    def _end_of_queue(self, heard_ms: int, length: int, last: Snapshot, now: Snapshot) -> None:
        """The last track ended and stays in the player, at its end or back at its start."""
        play = self._ledger.state.play
        assert play is not None
        end = min(now.t, last.t + self.left(play, last))
        self._ledger.finish(end, length, NEXT, heard_ms=heard_ms)
        self._ledger.state.spent = play.item

    def _lose_sight(self, step: Step, last: Snapshot) -> None:
        credit = min(rules.GAP_CREDIT_MS, step.elapsed, step.left)
        self._ledger.finish(
            last.t + credit, step.before + credit, (Signal.STOP, "gap"), heard_ms=credit
        )

    def _leave_zombie(self, step: Step, last: Snapshot, now: Snapshot) -> None:
        """The player was closed without telling, and its position runs on past the end."""
        play = self._ledger.state.play
        assert play is not None
        played = min(step.left, step.elapsed)
        self._ledger.finish(last.t + played, step.before + played, NEXT, heard_ms=played)
        self._ledger.end_session(now.t)
        self._ledger.state.spent = play.item

    def _change_device(self, play: Play, last: Snapshot, now: Snapshot) -> None:
        play.device, play.device_type = now.device, now.device_type
        self._ledger.note(Signal.DEVICE_CHANGE, now.t, now.position_ms, device_from=last.device)
