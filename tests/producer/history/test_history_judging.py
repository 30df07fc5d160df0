"""When a stream ran and how it ended."""

import pytest

from musicrec.events import EventType
from musicrec.producer.history.files import Format
from musicrec.producer.history.judging import Span, ending, span
from musicrec.producer.history.rows import Stream

END = 1_614_834_367_000
LENGTH = 200_000


def stream(ms_played: int = 60_000, reason_end: str | None = None, **changes) -> Stream:
    fields = {
        "kind": Format.EXTENDED,
        "ended_at": END,
        "ms_played": ms_played,
        "track_id": "5SuOikwiRyPMVoIQDJUgSV",
        "name": "Comedy",
        "artist": "Gen Hoshino",
    }
    return Stream(**(fields | {"reason_end": reason_end} | changes))


class TestEnding:
    @pytest.mark.parametrize(
        ("reason", "ms_played", "skipped", "expected"),
        [
            ("trackdone", 200_000, None, "complete"),
            ("trackdone", 110_000, True, "complete"),
            ("trackdone", 90_000, None, "skip"),
            ("fwdbtn", 60_000, None, "skip"),
            ("fwdbtn", 0, False, "skip"),
            ("nextbtn", 60_000, None, "skip"),
            ("backbtn", 60_000, None, "skip"),
            ("clickrow", 60_000, None, "skip"),
            ("uriopen", 60_000, None, "skip"),
            ("fwdbtn", 190_000, True, "complete"),
            ("endplay", 60_000, False, "stop"),
            ("endplay", 60_000, True, "skip"),
            ("logout", 60_000, None, "stop"),
            ("unexpected-exit", 190_000, None, "complete"),
            ("unexpected-exit-while-paused", 185_000, None, "complete"),
            ("remote", 182_000, None, "stop"),
            ("trackerror", 60_000, None, "stop"),
            ("switched-to-video", 60_000, None, "stop"),
            (None, 60_000, None, "stop"),
            (None, 182_000, None, "complete"),
            (None, 182_000, True, "skip"),
            ("", 60_000, True, "skip"),
            ("unknown", 60_000, False, "stop"),
            ("some-new-reason", 60_000, None, "stop"),
            ("some-new-reason", 199_000, None, "complete"),
        ],
    )
    def test_of_a_known_length(self, reason, ms_played, skipped, expected):
        """The end of the track first, then the reason, then Spotify's own flag."""
        told = stream(ms_played, reason, skipped=skipped)
        assert ending(told, LENGTH) is EventType(expected)

    @pytest.mark.parametrize(
        ("reason", "skipped", "expected"),
        [
            ("trackdone", None, "complete"),
            ("fwdbtn", None, "skip"),
            ("endplay", None, "stop"),
            (None, None, "stop"),
            (None, True, "skip"),
        ],
    )
    def test_of_an_unknown_length(self, reason, skipped, expected):
        """Without a length the reason decides alone."""
        assert ending(stream(500_000, reason, skipped=skipped), None) is EventType(expected)

    def test_a_very_short_track_is_not_complete_unheard(self):
        """The last seconds of a five second track are more than half of it."""
        assert ending(stream(2_100, "fwdbtn"), 5_000) is EventType.SKIP

    @pytest.mark.parametrize(
        ("ms_played", "length", "expected"),
        [
            (180_000, LENGTH, "complete"),
            (179_000, LENGTH, "stop"),
            (29_000, LENGTH, "skip"),
            (31_000, LENGTH, "stop"),
            (29_000, 40_000, "stop"),
            (29_000, None, "stop"),
        ],
    )
    def test_of_the_short_format(self, ms_played, length, expected):
        """Without reasons only what was heard decides, in doubt neutrally."""
        told = stream(ms_played, kind=Format.SHORT)
        assert ending(told, length) is EventType(expected)


class TestSpan:
    def started(self, seconds_before_end: float, **changes) -> Span:
        return span(stream(offline_s=int(END / 1000 - seconds_before_end), **changes))

    def test_ends_at_its_time(self):
        """The time of a row is its end."""
        assert span(stream()) == Span(END - 60_000, END)

    def test_a_difference_of_seconds_is_the_clocks(self):
        """The device's clock is off by a second or two: the server's time holds."""
        assert self.started(65) == Span(END - 60_000, END)

    def test_an_earlier_start_means_pauses(self):
        """A start an hour ago with a minute heard was paused in between."""
        assert self.started(3600) == Span(END - 3_600_000, END)

    def test_a_start_of_days_ago_is_ignored(self):
        """Nobody pauses for days."""
        assert self.started(80_000) == Span(END - 60_000, END)

    @pytest.mark.parametrize(
        "reason", ["logout", "unexpected-exit", "unexpected-exit-while-paused"]
    )
    def test_a_closed_app_ended_then(self, reason):
        """The row was written at the app's next start: the play is dated by its own."""
        start = END - 80_000_000
        assert self.started(80_000, reason_end=reason) == Span(start, start + 60_000, True)

    def test_a_later_start_is_ignored(self):
        """A start after the end is a wrong clock."""
        assert self.started(-5) == Span(END - 60_000, END)
