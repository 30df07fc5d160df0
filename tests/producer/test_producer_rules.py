"""The definitions by which plays are judged."""

import pytest

from musicrec.producer import rules
from musicrec.producer.playback import Item, Signal

NEXT = (Signal.SKIP, "next")
GAP = (Signal.STOP, "gap")


class TestJudging:
    @pytest.mark.parametrize(
        ("duration_s", "window_s"), [(10, 3), (30, 3), (45, 4.5), (100, 10), (150, 15), (600, 15)]
    )
    def test_the_end_window_is_a_tenth_within_bounds(self, duration_s, window_s):
        """A tenth of the track, at least 3 s and at most 15 s."""
        assert rules.end_window_ms(duration_s * 1000) == window_s * 1000

    @pytest.mark.parametrize(
        ("heard_s", "end_s", "otherwise", "verdict"),
        [
            (200, 200, NEXT, (Signal.COMPLETE, "natural_end")),
            (198.5, 198.5, NEXT, (Signal.COMPLETE, "natural_end")),
            (190, 190, NEXT, (Signal.COMPLETE, "near_end")),
            (185, 185, GAP, (Signal.COMPLETE, "near_end")),
            (184.9, 184.9, NEXT, NEXT),
            (100, 200, NEXT, (Signal.COMPLETE, "natural_end")),
            (99, 200, NEXT, (Signal.SKIP, "seeked_to_end")),
            (99, 200, GAP, GAP),
            (50, 50, GAP, GAP),
        ],
    )
    def test_verdicts(self, heard_s, end_s, otherwise, verdict):
        """Near the end with half heard is complete; scrubbing there is a skip; a gap is neutral."""
        heard, end = round(heard_s * 1000), round(end_s * 1000)
        assert rules.judge(heard, end, 200_000, otherwise) == verdict

    @pytest.mark.parametrize(
        ("heard_s", "duration_s", "counts"),
        [(30, 30, False), (15.5, 31, True), (15, 31, False), (240, 900, True), (239, 900, False)],
    )
    def test_qualified_is_the_rule_of_last_fm(self, heard_s, duration_s, counts):
        """Longer than 30 s, and half of it or four minutes."""
        assert rules.is_qualified(round(heard_s * 1000), duration_s * 1000) is counts


class TestIdentity:
    TRACK = Item("spotify:track:1", 200_000, isrc="GB1", name="First Love", artists=("Ana", "Bo"))

    @pytest.mark.parametrize(
        "other",
        [
            Item("spotify:track:1", 5),
            Item("spotify:track:2", 5, isrc="GB1"),
            Item("spotify:track:2", 201_999, name="FIRST  LOVE!", artists=("ana",)),
            Item("spotify:track:2", 200_000, isrc="GB2", name="first love", artists=("Ana",)),
        ],
    )
    def test_copies_of_a_recording_are_one(self, other):
        """The URI, else the recording's code, else title, first artist and length decide."""
        assert rules.same_track(self.TRACK, other)

    @pytest.mark.parametrize(
        "other",
        [
            None,
            Item("spotify:track:2", 200_000),
            Item("spotify:track:2", 203_000, name="First Love", artists=("Ana",)),
            Item("spotify:track:2", 200_000, name="First Love", artists=("Bo",)),
            Item("spotify:track:2", 200_000, name="Last Love", artists=("Ana",)),
        ],
    )
    def test_different_recordings_are_two(self, other):
        """Another length, artist or title is another track, and nothing is no track."""
        assert not rules.same_track(self.TRACK, other)

    def test_titles_without_letters_are_compared_as_they_are(self):
        """Two titles of signs alone are not one title."""
        one, other = (
            Item(f"u{sign}", 200_000, name=sign, artists=("Ana",)) for sign in ("???", "!!!")
        )
        assert not rules.same_track(one, other)
