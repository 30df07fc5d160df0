"""How the player state machine begins and ends plays, one listening situation after another."""

import msgspec
import pytest
from player_stories import at, full_story, nothing, runs, story, told

from musicrec.producer.playback import Item, Kind, PastPlay, PlayerState, Signal
from musicrec.producer.player import Player
from musicrec.producer.scenarios import Poll, described, snapshot


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
