"""Plays that were tracked live, and the same plays in an export."""

import pytest
from history_rows import OTHER, TRACK, extended, short, write

from musicrec.events import EventType, ListeningEvent, Source, TrackInfo, new_event_id
from musicrec.local import exports
from musicrec.producer.history import Reason, opened
from musicrec.producer.known_plays import MINUTE_SLACK_MS
from musicrec.producer.outbox import Memory, Outbox
from musicrec.producer.playback import PlayerState

END = 1_614_834_367_000
"""When `extended()` ends, epoch milliseconds."""

MEMORY = Memory(state=PlayerState(player_id="p"), t=0, wall_ms=0)


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "outbox.sqlite")
    yield box
    box.close()


def lived(started_at: int, ended_at: int | None, track_id: str = TRACK, name: str = "Comedy"):
    """The events of one play as the tracker makes them."""
    common = {
        "user_id": "acc-1",
        "session_id": "s",
        "track_id": track_id,
        "source": Source.LIVE,
        "schema_version": 1,
        "duration_ms": 230_666,
        "track": TrackInfo(name=name, artists=["Gen Hoshino"]),
    }
    play = ListeningEvent(
        event_id=new_event_id("live", started_at),
        event_type=EventType.PLAY,
        occurred_at=started_at,
        **common,
    )
    if ended_at is None:
        return [play]
    end = ListeningEvent(
        event_id=new_event_id("live end", started_at),
        event_type=EventType.SKIP,
        occurred_at=ended_at,
        **common,
    )
    return [play, end]


@pytest.fixture
def reconcile(outbox, lookup, tmp_path):
    """Import rows after live plays were tracked; confirmations are kept as the command does."""

    def run(rows, *plays):
        for play in plays:
            outbox.record("acc-1", MEMORY, play)
        with outbox.known_plays() as known:
            before = known.of("acc-1")
        path = write(tmp_path / "a.json", rows)
        with opened([path], "acc-1", lookup, known=before) as history:
            happened = list(history.events())
            with outbox.known_plays() as known:
                known.confirm(history.matched)
        return len(happened) // 2, history.report

    return run


class TestMatching:
    def test_a_tracked_play_is_not_added(self, reconcile):
        """Two seconds apart it is the same play."""
        taken, report = reconcile([extended()], lived(END - 58_000, END + 2_000))
        assert taken == 0
        assert report.dropped[Reason.TRACKED].count == 1

    def test_another_play_of_the_track_is_added(self, reconcile):
        """An hour later the same track is another play."""
        assert reconcile([extended()], lived(END - 3_660_000, END - 3_600_000))[0] == 1

    def test_another_track_is_added(self, reconcile):
        """At the same time another track is another play."""
        play = lived(END - 60_000, END, track_id=OTHER, name="Ghost")
        assert reconcile([extended()], play)[0] == 1

    def test_another_id_of_the_recording_is_the_same(self, reconcile):
        """Live and in the export a recording may have different ids: title and artist tell."""
        assert reconcile([extended()], lived(END - 60_000, END, track_id="z" * 22))[0] == 0

    def test_one_live_play_takes_one_row(self, reconcile):
        """A song played twice in a row and tracked once is added once, the nearer row is known."""
        rows = [extended(), extended("2021-03-04T05:07:07Z")]
        taken, report = reconcile(rows, lived(END + 500, END + 60_000))
        assert taken == 1
        assert report.dropped[Reason.TRACKED].examples == {"a.json": [2]}

    def test_two_live_plays_take_two_rows(self, reconcile):
        """A song played twice and tracked twice adds nothing."""
        rows = [extended(), extended("2021-03-04T05:07:07Z")]
        plays = lived(END - 60_000, END), lived(END + 500, END + 60_000)
        assert reconcile(rows, *plays)[0] == 0

    def test_a_play_that_was_left_open_counts(self, reconcile):
        """A tracker that was killed in a play knows when it would have ended."""
        assert reconcile([extended()], lived(END - 60_000, None))[0] == 0

    def test_a_long_pause_lies_within_the_play(self, reconcile):
        """A tracked play that was given up after an hour's pause is the row that ended before it."""
        assert reconcile([extended()], lived(END - 60_000, END + 3_600_000))[0] == 0

    def test_a_minute_of_the_short_format_is_enough(self, reconcile):
        """A play of a few seconds at the end of a minute has the minute's beginning as its end."""
        at = 1_614_834_360_000
        rows = [short(msPlayed=5_000)]
        assert reconcile(rows, lived(at + 45_000, at + 50_000))[0] == 0


class TestAgain:
    def test_the_same_import_finds_the_same(self, reconcile):
        """Imported again, the known play is known by the same row."""
        rows = [extended(), extended("2021-03-04T05:07:07Z")]
        play = lived(END + 500, END + 60_000)
        assert reconcile(rows, play)[1] == reconcile(rows)[1]

    def test_a_confirmed_play_takes_no_other_row(self, reconcile):
        """What one file's row has confirmed, a row of another file is not."""
        assert reconcile([extended()], lived(END - 58_000, END))[0] == 0
        assert reconcile([extended("2021-03-04T05:06:20Z", ms_played=10_000)])[0] == 1

    def test_a_short_history_is_known_to_the_extended_one(
        self, outbox, lookup, reconcile, tmp_path
    ):
        """Who imports the short format first and the extended one later has each play once."""
        path = write(tmp_path / "short.json", [short(), short("2021-03-05 05:06")])
        with opened([path], "acc-1", lookup) as first, outbox.known_plays() as known:
            for event in first.short_events():
                known.note(event, MINUTE_SLACK_MS)
        rows = [extended(), extended("2021-04-05T05:06:07Z")]
        assert reconcile(rows)[0] == 1

    def test_a_short_history_again_is_sent_again(self, outbox, lookup, tmp_path):
        """Its plays are known by their own ids, which is no reason to withhold them from a new stack."""
        path = write(tmp_path / "short.json", [short()])
        for _ in range(2):
            with outbox.known_plays() as known:
                before = known.of("acc-1")
            with opened([path], "acc-1", lookup, known=before) as history:
                assert len(list(history.events())) == 2
                with outbox.known_plays() as known:
                    for event in history.short_events():
                        known.note(event, MINUTE_SLACK_MS)

    def test_periods_are_remembered_by_target(self, outbox):
        """What went to one stack says nothing about another."""
        with outbox.known_plays() as known:
            known.cover("acc-1", "a", 1, 2)
            known.cover("acc-1", "a", 1, 2)
            assert known.covered("acc-1", "a") == [(1, 2)]
            assert known.covered("acc-1", "b") == known.covered("other", "a") == []


@pytest.mark.slow
def test_an_export_of_what_was_tracked_adds_nothing(outbox, lookup, sample_tracks, tmp_path):
    """A month tracked live and then exported: each row of music is found to be known, one to one."""
    played = exports.one_listener(sample_tracks, 600, seed=9)
    for play in played:
        outbox.record(play.start.user_id, MEMORY, [play.start, play.end])
    truth = exports.write_extended(tmp_path / "x.zip", played, sample_tracks, seed=9)
    user = played[0].start.user_id
    with outbox.known_plays() as known:
        before = known.of(user)
    with opened([tmp_path / "x.zip"], user, lookup, known=before) as history:
        left = sum(event.is_terminal for event in history.events())
    # Ends that the export dates hours late, without a start to tell, look like other plays.
    assert left <= 0.01 * truth.ends.total()
