"""The player state machine, one listening situation after another.

Times and positions are seconds. Tracks are single letters: A lasts 200 s, B 180, C 240, S 45, X 25.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.producer.playback import Item, Kind, PastPlay, PlayerState, Signal, Snapshot
from musicrec.producer.player import Player
from musicrec.producer.scenarios import Poll, described, snapshot

LENGTHS = {"A": 200, "B": 180, "C": 240, "S": 45, "X": 25}
TERMINALS = {Signal.COMPLETE, Signal.SKIP, Signal.STOP}


def at(t: float, track: str, position: float, kind: str = "play", **more: Any) -> Poll:
    length = more.pop("dur", LENGTHS.get(track, 0) * 1000)
    return Poll(
        t=round(t * 1000),
        kind=Kind(kind),
        uri=track,
        dur=length,
        pos=round(position * 1000),
        **{"dev": "d1", **more},
    )


def runs(track: str, start: float, end: float, position: float = 0, **more: Any) -> list[Poll]:
    """Polls every ten seconds from `start` to `end` while the track plays on."""
    count = int((end - start) // 10) + 1
    return [at(start + 10 * i, track, position + 10 * i, **more) for i in range(count)]


def nothing(t: float, kind: str = "idle") -> Poll:
    return Poll(t=round(t * 1000), kind=Kind(kind))


def told(event: dict[str, Any]) -> str:
    """An event in one short line."""
    words = [event["type"], event.get("track", ""), f"@{event['at_s']:g}"]
    if "from_ms" in event:
        words += [f"from {event['from_ms'] / 1000:g}", "repeat" if event["repeat"] else ""]
    if "at_pos" in event:
        words += [f"at {event['at_pos'] / 1000:g}"]
    if event["type"] == "seek":
        words += [f"{event['frm'] / 1000:g} to {event['to'] / 1000:g}"]
    if event["type"] == "device_change":
        words += [f"{event['frm']} to {event['to']}"]
    if "listened_ms" in event:
        words += [
            f"heard {event['listened_ms'] / 1000:g}",
            f"ends {event['end_pos'] / 1000:g}",
            event["reason"],
        ]
    return " ".join(word for word in words if word)


def story(*polls: Poll | list[Poll]) -> list[str]:
    """What a fresh machine tells of the polls, its session marks left out."""
    player = Player(PlayerState(player_id="p"))
    return [line for line in full_story(player, flat(polls)) if not line.startswith("session")]


def full_story(player: Player, polls: Iterable[Poll]) -> list[str]:
    return [told(described(event)) for poll in polls for event in player.observe(snapshot(poll))]


def flat(polls: Iterable[Poll | list[Poll]]) -> list[Poll]:
    return [one for some in polls for one in (some if isinstance(some, list) else [some])]


class TestEndings:
    def test_a_full_listen_is_complete(self):
        """The switch time is computed back from the next track's position."""
        assert story(runs("A", 0, 190), at(200.5, "B", 0.5)) == [
            "play A @0 from 0",
            "complete A @200 heard 200 ends 200 natural_end",
            "play B @200 from 0",
        ]

    def test_an_early_next_is_a_skip(self):
        """Leaving after 17 s is a skip at the second it happened."""
        assert story(runs("A", 0, 10), at(20, "B", 3))[1:] == [
            "skip A @17 heard 17 ends 17 next",
            "play B @17 from 0",
        ]

    def test_a_late_skip_is_still_a_skip(self):
        """85 % heard is a skip, because the end was not near."""
        assert story(runs("A", 0, 160), at(180, "B", 10))[1] == (
            "skip A @170 heard 170 ends 170 next"
        )

    @pytest.mark.parametrize("left_at", [186, 192, 198])
    def test_leaving_in_the_end_window_is_complete(self, left_at):
        """A crossfade or a late Next in the last 15 s does not make a skip."""
        polls = runs("A", 0, 180)
        assert story(polls, at(left_at + 3, "B", 3))[1] == (
            f"complete A @{left_at} heard {left_at} ends {left_at} near_end"
        )

    def test_scrubbing_to_the_end_is_a_skip(self):
        """Reaching the end with an eighth of the track heard completes nothing."""
        assert story(runs("A", 0, 10), at(20, "A", 195), at(30, "B", 5))[1:3] == [
            "seek A @20 20 to 195",
            "skip A @25 heard 25 ends 200 seeked_to_end",
        ]

    def test_a_short_track_in_full_is_complete_but_no_scrobble(self):
        """25 s heard of 25 s complete the track, and Last.fm would not count them."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("X", 0, 20), at(27, "B", 2)]
        ends = [e for p in polls for e in player.observe(snapshot(p)) if e.ending]
        assert [(e.signal, e.ending.qualified) for e in ends] == [(Signal.COMPLETE, False)]

    def test_a_missed_track_between_is_no_silence(self):
        """Two changes inside one poll interval skip the track that was seen."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("A", 0, 20), at(30, "C", 1)]
        (end,) = [e for p in polls for e in player.observe(snapshot(p)) if e.ending]
        assert (end.t, end.ending.reason) == (29_000, "next")
        assert end.ending.uncertainty_ms <= 10_000

    def test_going_back_is_marked(self):
        """A skip to the track before says so."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("A", 0, 190), at(203, "B", 3), at(213, "B", 13), at(223, "A", 6)]
        ends = [e for p in polls for e in player.observe(snapshot(p)) if e.ending]
        assert [(e.signal, e.t, e.ending.back) for e in ends] == [
            (Signal.COMPLETE, 200_000, False),
            (Signal.SKIP, 217_000, True),
        ]

    def test_an_unknown_length_judges_nothing(self):
        """Without a length, leaving a track is neither skip nor completion."""
        assert story(runs("A", 0, 20, dur=0), at(30, "B", 2))[1] == (
            "stop A @28 heard 28 ends 28 unknown_length"
        )


class TestEndOfQueue:
    def test_back_at_the_start_and_paused_is_complete(self):
        """The last track of a queue ends paused at 0, and no second play begins."""
        polls = [*runs("A", 0, 190), at(205, "A", 0, "pause"), nothing(900), nothing(930)]
        assert full_story(Player(PlayerState(player_id="p")), polls)[2:] == [
            "complete A @200 heard 200 ends 200 natural_end",
            "session_end @900",
        ]

    def test_paused_at_the_end_is_complete(self):
        """A player stuck just short of the end has played the track."""
        assert story(runs("A", 0, 190), at(205, "A", 199.8, "pause"))[1:] == [
            "complete A @200 heard 199.8 ends 200 natural_end"
        ]

    def test_stuck_at_the_end_while_playing_is_complete_once(self):
        """A player that claims to play on at the end neither repeats nor pauses."""
        polls = [at(200, "A", 199.9), at(210, "A", 199.9), at(220, "A", 199.9), at(400, "A", 199.9)]
        assert story(runs("A", 0, 190), polls)[1:] == [
            "complete A @200.1 heard 199.9 ends 200 natural_end"
        ]

    def test_playing_the_same_track_again_is_a_new_play(self):
        """After the end of the queue a start at 0 is a second play."""
        polls = [at(205, "A", 0, "pause"), at(300, "A", 0, "pause"), at(310, "A", 4)]
        assert story(runs("A", 0, 190), polls)[2] == "play A @306 from 0 repeat"

    def test_a_zombie_ends_the_session(self):
        """A position that runs past the end is no listening."""
        polls = [*runs("A", 0, 190, ts=1), at(230, "A", 230, ts=1), at(400, "A", 400, ts=1)]
        player = Player(PlayerState(player_id="p"))
        assert full_story(player, polls)[2:] == [
            "complete A @200 heard 200 ends 200 natural_end",
            "session_end @230",
        ]
        assert full_story(player, [at(410, "B", 2, ts=2)]) == [
            "session_start @408",
            "play B @408 from 0",
        ]


class TestRepeats:
    def test_repeat_one_makes_a_play_of_each_round(self):
        """Wraps at 45 and 90 s are two completions and two repeats."""
        polls = [
            *runs("S", 0, 40, repeat="track"),
            *runs("S", 50, 80, 5, repeat="track"),
            at(90, "S", 0.2, repeat="track"),
        ]
        assert story(polls) == [
            "play S @0 from 0",
            "complete S @45 heard 45 ends 45 natural_end",
            "play S @45 from 0 repeat",
            "complete S @90 heard 45 ends 45 natural_end",
            "play S @90 from 0 repeat",
        ]

    def test_rounds_inside_one_interval_are_all_counted(self):
        """After 60 s without an answer a 25 s track on repeat has ended twice."""
        assert story(runs("X", 0, 10, repeat="track"), at(70, "X", 20, repeat="track"))[1:] == [
            "complete X @25 heard 25 ends 25 natural_end",
            "play X @25 from 0 repeat",
            "complete X @50 heard 25 ends 25 natural_end",
            "play X @50 from 0 repeat",
        ]

    def test_a_restart_after_most_of_it_is_neutral(self):
        """Previous after 63 % closes the play without judging it and begins another."""
        assert story(runs("A", 0, 120), at(130, "A", 4))[1:] == [
            "stop A @126 heard 126 ends 126 restarted",
            "play A @126 from 0 repeat",
        ]

    def test_a_restart_after_little_of_it_is_a_seek(self):
        """Previous after 18 % goes on with the same play."""
        assert story(runs("A", 0, 30), at(40, "A", 4), at(50, "A", 14))[1:] == [
            "seek A @36 36 to 0"
        ]


class TestSeeks:
    def test_forward(self):
        """A jump forward is told from where playing would have come; it is not heard."""
        player = Player(PlayerState(player_id="p"))
        assert full_story(player, [*runs("A", 0, 20), at(30, "A", 120)])[2:] == [
            "seek A @30 30 to 120"
        ]
        assert player.state.play.heard_ms == 30_000

    def test_backward(self):
        """A jump back is told from the last position that was seen."""
        player = Player(PlayerState(player_id="p"))
        assert full_story(player, [*runs("A", 0, 100), at(110, "A", 60)])[2:] == [
            "seek A @110 100 to 60"
        ]
        assert player.state.play.heard_ms == 110_000

    def test_jitter_is_no_seek(self):
        """Positions that are two seconds off tell nothing, and the sum stays right."""
        polls = [at(0, "A", 0), at(10, "A", 11), at(20, "A", 19), at(30, "A", 31), at(40, "B", 1)]
        assert story(polls)[1] == "skip A @39 heard 40 ends 40 next"

    def test_moved_while_paused(self):
        """A scrub during a pause is a seek, and the play goes on from there."""
        polls = [at(20, "A", 14, "pause"), at(40, "A", 90, "pause"), at(50, "A", 93)]
        assert story(runs("A", 0, 10), polls)[1:] == [
            "pause A @14 at 14",
            "seek A @40 14 to 90",
            "resume A @47 at 90",
        ]


class TestPauses:
    def test_a_pause_of_minutes_keeps_the_play(self):
        """Pause and resume are dated by the positions, and the play completes."""
        polls = [
            *runs("A", 0, 100),
            at(110, "A", 104, "pause"),
            at(400, "A", 104, "pause"),
            *runs("A", 420, 500, 110),
            at(512, "B", 2),
        ]
        assert story(polls)[1:4] == [
            "pause A @104 at 104",
            "resume A @414 at 104",
            "complete A @510 heard 200 ends 200 natural_end",
        ]

    def test_a_pause_over_night_is_one_play_in_two_sessions(self):
        """The session ends when the pause began, the play goes on next morning."""
        polls = [
            *runs("A", 0, 100),
            at(110, "A", 104, "pause"),
            nothing(800),
            nothing(2000),
            nothing(30_000),
            *runs("A", 30_010, 30_090, 108),
            at(30_104, "B", 2),
        ]
        assert full_story(Player(PlayerState(player_id="p")), polls)[2:-1] == [
            "pause A @104 at 104",
            "session_end @104",
            "session_start @30006",
            "resume A @30006 at 104",
            "complete A @30102 heard 200 ends 200 natural_end",
        ]

    def test_another_track_after_a_long_pause_is_neutral(self):
        """A track abandoned in a pause of minutes was not skipped."""
        polls = [at(70, "A", 65, "pause"), at(200, "A", 65, "pause"), at(400, "B", 2)]
        assert story(runs("A", 0, 60), polls)[2] == "stop A @398 heard 65 ends 65 abandoned"

    def test_another_track_after_a_short_pause_is_a_skip(self):
        """Pause, look around, next: that is a skip."""
        assert story(runs("A", 0, 60), at(70, "A", 65, "pause"), at(90, "B", 2))[2] == (
            "skip A @88 heard 65 ends 65 next"
        )

    def test_a_pause_of_a_day_expires(self):
        """A play that nobody resumed within 24 h is closed at that time."""
        polls = [at(70, "A", 65, "pause"), nothing(40_000), nothing(90_000)]
        assert story(runs("A", 0, 60), polls)[-1] == "stop A @86465 heard 65 ends 65 expired"

    def test_a_frozen_position_is_a_pause(self):
        """Fifteen seconds at one position while "playing" are a pause that began with them."""
        polls = [at(60, "A", 50), at(70, "A", 50), at(80, "A", 52), at(90, "A", 62)]
        assert story(runs("A", 0, 50), polls)[1:] == ["pause A @50 at 50", "resume A @78 at 50"]

    def test_a_stale_position_that_catches_up_is_nothing(self):
        """One answer with the old position neither seeks nor loses time."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("A", 0, 50), at(60, "A", 50), *runs("A", 70, 90, 70)]
        assert full_story(player, polls)[2:] == []
        assert player.state.play.heard_ms == 90_000


class TestGaps:
    def test_errors_change_nothing(self):
        """Forty seconds without an answer are bridged by the position."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("A", 0, 50), *(nothing(t, "error") for t in (60, 70, 80)), at(90, "A", 90)]
        assert full_story(player, polls)[2:] == []
        assert player.state.play.heard_ms == 90_000

    def test_a_closed_lid_is_never_a_skip(self):
        """Another track after three hours of sleep leaves the first one open-ended."""
        assert story(runs("A", 0, 50), at(10_850, "C", 30, sleep=True))[1:] == [
            "stop A @55 heard 55 ends 55 gap",
            "play C @10820 from 0",
        ]

    def test_the_history_can_complete_a_play_in_a_gap(self):
        """A row of the history at the play's natural end makes it complete."""
        player = Player(PlayerState(player_id="p"))
        full_story(player, runs("A", 0, 50))
        now = snapshot(at(10_850, "C", 30, sleep=True))
        assert player.wants_history(now)
        past = [PastPlay(Item("A", 200_000), 205_000)]
        (end, _) = player.observe(now, past)
        assert (end.signal, end.t, end.ending.listened_ms) == (Signal.COMPLETE, 200_000, 200_000)

    def test_history_of_another_hour_proves_nothing(self):
        """A row far from the natural end leaves the play open-ended."""
        player = Player(PlayerState(player_id="p"))
        full_story(player, runs("A", 0, 50))
        past = [PastPlay(Item("A", 200_000), 9_000_000)]
        (end, _) = player.observe(snapshot(at(10_850, "C", 30, sleep=True)), past)
        assert (end.signal, end.ending.reason) == (Signal.STOP, "gap")

    def test_one_empty_answer_is_nothing(self):
        """A single 204 between two polls of the same track does not end it."""
        assert story(runs("A", 0, 50), nothing(60), runs("A", 70, 190, 70), at(201, "B", 1))[1] == (
            "complete A @200 heard 200 ends 200 natural_end"
        )

    def test_silence_before_the_end_is_neutral(self):
        """A player that disappears stops the play shortly after it was seen."""
        polls = [*runs("A", 0, 50), nothing(60), nothing(90)]
        assert full_story(Player(PlayerState(player_id="p")), polls)[2:] == [
            "stop A @55 heard 55 ends 55 stop",
            "session_end @60",
        ]

    def test_silence_after_the_end_completes(self):
        """A player that disappears after the end was due has played the track."""
        assert story(runs("A", 0, 190), nothing(205), nothing(235))[1] == (
            "complete A @200 heard 200 ends 200 natural_end"
        )

    def test_a_stale_track_is_discarded(self):
        """An answer whose mark of change went back is not believed."""
        polls = [at(10, "B", 2, ts=9), at(20, "A", 20, ts=5), at(30, "B", 22, ts=9)]
        assert story(at(0, "A", 0, ts=5), polls) == [
            "play A @0 from 0",
            "skip A @8 heard 8 ends 8 next",
            "play B @8 from 0",
        ]


class TestOtherMedia:
    def test_an_advertisement_leaves_no_event(self):
        """The track before ends when the advertisement began, the next begins after it."""
        polls = [Poll(205_000, Kind.AD, pos=5000), Poll(215_000, Kind.AD, pos=15_000)]
        assert story(runs("A", 0, 190), polls, at(232, "B", 2))[1:] == [
            "complete A @200 heard 200 ends 200 natural_end",
            "play B @230 from 0",
        ]

    def test_a_podcast_replaces_a_track(self):
        """Switching to an episode in the middle of a track skips it."""
        assert story(runs("A", 0, 50), Poll(60_000, Kind.EPISODE, pos=900_000))[1:] == [
            "skip A @60 heard 60 ends 60 next"
        ]

    def test_a_private_session_is_not_recorded(self):
        """The play stops where it was last public, and nothing of the private time is kept."""
        player = Player(PlayerState(player_id="p"))
        polls = [*runs("A", 0, 60), at(70, "S", 1, "private"), at(80, "S", 11, "private")]
        assert full_story(player, polls)[2:] == [
            "stop A @60 heard 60 ends 60 private",
            "session_end @70",
        ]
        assert b'"S"' not in msgspec.json.encode(player.state)
        assert full_story(player, [at(90, "B", 4)]) == ["session_start @86", "play B @86 from 0"]


class TestStart:
    def test_in_the_middle_of_a_track(self):
        """What was heard before the start is not counted."""
        polls = [*runs("A", 0, 110, 90), at(112, "B", 2)]
        assert story(polls) == [
            "play A @0 from 90",
            "complete A @110 heard 110 ends 200 natural_end",
            "play B @110 from 0",
        ]

    def test_near_the_start_of_a_track(self):
        """A track that began less than 30 s ago is counted from its start."""
        assert story(at(0, "A", 20)) == ["play A @-20 from 0"]

    def test_paused(self):
        """A pause opens nothing; the play begins where it resumes."""
        polls = [at(0, "A", 50, "pause"), at(30, "A", 50, "pause"), at(40, "A", 54)]
        assert full_story(Player(PlayerState(player_id="p")), polls) == [
            "session_start @36",
            "play A @36 from 50",
        ]


class TestDevices:
    def test_a_change_of_device_keeps_the_play(self):
        """Playback that moves to another device a little late is one play."""
        assert story(runs("A", 0, 50), at(60, "A", 56, dev="d2"))[1:] == [
            "device_change A @60 d1 to d2"
        ]

    def test_a_device_without_progress(self):
        """The clock stands in for a position that is always 0."""
        polls = [at(t, "B", 0) for t in range(0, 180, 10)]
        assert story(polls, at(181, "C", 0), at(191, "C", 0), at(201, "A", 0)) == [
            "play B @0 from 0",
            "complete B @181 heard 180 ends 180 natural_end",
            "play C @181 from 0",
            "skip C @201 heard 20 ends 20 next",
            "play A @201 from 0",
        ]

    def test_a_relinked_id_is_the_same_track(self):
        """An id that changes under one recording is no event."""
        polls = [*runs("A", 0, 50, isrc="GB1"), *runs("Z", 60, 80, 60, isrc="GB1", dur=200_000)]
        assert story(polls) == ["play A @0 from 0"]


class TestWaking:
    def test_a_short_absence_changes_nothing(self):
        """Within half an hour the state machine goes on as after a gap."""
        player = Player(PlayerState(player_id="p"))
        full_story(player, runs("A", 0, 50))
        assert player.wake(60_000) == []

    def test_a_long_absence_closes_what_played(self):
        """After hours without a process the play stops where it was seen, and the session too."""
        player = Player(PlayerState(player_id="p"))
        full_story(player, runs("A", 0, 50))
        assert [told(described(event)) for event in player.wake(9_000_000)] == [
            "stop A @50 heard 50 ends 50 shutdown",
            "session_end @50",
        ]

    def test_a_long_absence_keeps_a_pause(self):
        """A paused play waits for its listener, whether the process runs or not."""
        player = Player(PlayerState(player_id="p"))
        full_story(player, [*runs("A", 0, 50), at(60, "A", 55, "pause")])
        assert player.wake(9_000_000) == []


@st.composite
def evenings(draw) -> list[Snapshot]:
    """Any sequence of answers, however unlikely."""
    t, snaps = 0, []
    for _ in range(draw(st.integers(1, 40))):
        t += draw(st.sampled_from([1_000, 4_000, 10_000, 30_000, 100_000, 2_000_000]))
        kind = draw(st.sampled_from([*[Kind.PLAY] * 6, Kind.PAUSE, Kind.PAUSE, *Kind]))
        track = draw(st.sampled_from("ABSX"))
        position = draw(st.integers(0, LENGTHS[track] * 1000 + 20_000))
        if snaps and snaps[-1].item and draw(st.booleans()):
            track = snaps[-1].item.uri
            position = snaps[-1].position_ms + t - snaps[-1].t
        shown = kind in {Kind.PLAY, Kind.PAUSE}
        snaps.append(
            Snapshot(
                t=t,
                kind=kind,
                item=Item(track, LENGTHS[track] * 1000, track_id=track * 22) if shown else None,
                position_ms=draw(st.sampled_from([position, 0])),
                repeat=draw(st.sampled_from(["off", "off", "track"])),
                device=draw(st.sampled_from(["d1", "d1", "d2", None])),
                slept=draw(st.integers(0, 9)) == 0,
            )
        )
    return snaps


class TestInvariants:
    @given(evenings())
    @settings(max_examples=60, deadline=None)
    def test_every_play_has_exactly_one_terminal(self, snaps):
        """Whatever is polled, plays open and close in turn, inside sessions, in order of time."""
        player = Player(PlayerState(player_id="p"))
        open_play, session, before = None, None, None
        for event in [event for snap in snaps for event in player.observe(snap)]:
            assert before is None or event.t >= before
            before = event.t
            if event.signal is Signal.SESSION_START:
                assert session is None
                session = event.session_id
            elif event.signal is Signal.SESSION_END:
                assert session == event.session_id
                session = None
            elif event.signal is Signal.PLAY:
                assert open_play is None
                assert session == event.session_id
                open_play = event.play.play_id
            else:
                assert event.play.play_id == open_play
                open_play = None if event.signal in TERMINALS else open_play
        assert (player.state.play.play_id if player.state.play else None) == open_play

    @given(evenings())
    @settings(max_examples=50, deadline=None)
    def test_terminals_keep_their_definitions(self, snaps):
        """Ratios lie in 0..1, a complete has half heard and an end near the end."""
        player = Player(PlayerState(player_id="p"))
        for event in [event for snap in snaps for event in player.observe(snap)]:
            if event.ending is None:
                continue
            assert event.ending.listened_ms >= 0
            assert 0 <= event.ending.ratio <= 1
            assert event.ending.end_pos <= event.play.item.duration_ms
            if event.signal is Signal.COMPLETE:
                assert event.ending.ratio >= 0.5
                assert event.play.item.duration_ms - event.ending.end_pos <= 15_000

    @given(evenings(), st.data())
    @settings(max_examples=50, deadline=None)
    def test_a_restart_changes_nothing(self, snaps, data):
        """A machine that is stored and read back between two polls tells the same story."""
        cut = data.draw(st.integers(0, len(snaps)))
        whole = Player(PlayerState(player_id="p"))
        expected = [event for snap in snaps for event in whole.observe(snap)]
        first = Player(PlayerState(player_id="p"))
        events = [event for snap in snaps[:cut] for event in first.observe(snap)]
        stored = msgspec.json.decode(msgspec.json.encode(first.state), type=PlayerState)
        second = Player(stored)
        events += [event for snap in snaps[cut:] for event in second.observe(snap)]
        assert events == expected

    @given(evenings(), st.integers(0, 10**12))
    @settings(max_examples=50, deadline=None)
    def test_the_axis_has_no_origin(self, snaps, shift):
        """The same evening at another time tells the same story at that time."""
        here = Player(PlayerState(player_id="p"))
        there = Player(PlayerState(player_id="p"))
        moved = [msgspec.structs.replace(snap, t=snap.t + shift) for snap in snaps]
        told_here = [(e.signal, e.t, e.ending) for s in snaps for e in here.observe(s)]
        told_there = [(e.signal, e.t - shift, e.ending) for s in moved for e in there.observe(s)]
        assert told_there == told_here
