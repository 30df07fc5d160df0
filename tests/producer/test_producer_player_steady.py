"""What the player state machine tells while one track stays in the player."""

from player_stories import at, full_story, nothing, runs, story

from musicrec.producer.playback import PlayerState
from musicrec.producer.player import Player


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

    def test_a_restart_after_just_about_half_is_a_play_if_positions_are_not_exact(self):
        """Half a track is 100 s, and positions off by 0.3 s cannot tell that from 99.5 s."""
        jittered = [at(10 * n, "A", max(0, 10 * n + (-1) ** n * 0.3)) for n in range(10)]
        assert story(jittered, at(100, "A", 0.2))[1:] == [
            "stop A @99.8 heard 99.5 ends 99.5 restarted",
            "play A @99.8 from 0 repeat",
        ]

    def test_a_restart_just_before_half_is_a_seek_if_positions_are_exact(self):
        """Then 99.8 s are less than 100 s."""
        assert story(runs("A", 0, 90), at(100, "A", 0.2))[1:] == ["seek A @99.8 99.8 to 0"]

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
