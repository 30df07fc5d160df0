"""Exports in, events out: each play once, every row accounted for."""

import json
import logging
import traceback
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from history_rows import OTHER, PERSONAL, TRACK, extended, short, write, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec import events
from musicrec.events import EventType, Source
from musicrec.local import exports
from musicrec.producer.history import Reason, opened
from musicrec.producer.history.files import NoHistoryError
from musicrec.producer.history.lookup import Lookup

DAY = 86_400_000


def ids(happened) -> set[str]:
    return {event.event_id for event in happened}


def reasons(report) -> dict[Reason, int]:
    return {reason: dropped.count for reason, dropped in report.dropped.items()}


class TestEvents:
    def test_a_row_becomes_a_play_and_its_end(self, take, tmp_path):
        """Times, lengths and names are the export's; the length of the track the catalogue's."""
        (play, end), _ = take(write(tmp_path / "a.json", [extended(reason_end="fwdbtn")]))
        assert (play.event_type, end.event_type) == (EventType.PLAY, EventType.SKIP)
        assert end.occurred_at - play.occurred_at == 60_000
        assert end.occurred_time.isoformat() == "2021-03-04T05:06:07+00:00"
        assert (end.listened_ms, play.listened_ms) == (60_000, None)
        assert (play.user_id, play.track_id, play.source) == ("acc-1", TRACK, Source.EXPORT)
        assert play.duration_ms == 230_666
        assert play.track.artists == ["Gen Hoshino"]
        for event in (play, end):
            assert events.decode(events.encode(event)) == event

    def test_plays_come_in_order_and_in_sessions(self, take, tmp_path):
        """Half an hour of silence begins a new session; files may come in any order."""
        late = write(tmp_path / "a.json", [extended("2021-03-04T09:00:00Z")])
        early = write(
            tmp_path / "b.json",
            [extended("2021-03-04T05:10:00Z"), extended("2021-03-04T05:06:00Z")],
        )
        happened, _ = take(late, early)
        plays = [event for event in happened if event.event_type is EventType.PLAY]
        assert [play.occurred_at for play in plays] == sorted(play.occurred_at for play in plays)
        first, second, third = (play.session_id for play in plays)
        assert first == second != third

    def test_an_unknown_track_is_taken_without_length(self, take, tmp_path):
        """Most of what people play is not in the catalogue."""
        row = extended(spotify_track_uri="spotify:track:" + "z" * 22)
        (play, _), _ = take(write(tmp_path / "a.json", [row]))
        assert play.duration_ms is None

    def test_a_stream_of_days_is_cut_to_what_an_event_allows(self, take, tmp_path):
        """A nonsensical length makes no invalid event."""
        (_, end), _ = take(write(tmp_path / "a.json", [extended(ms_played=10**20)]))
        assert end.listened_ms == DAY
        events.decode(events.encode(end))

    @settings(max_examples=60, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(sorted(extended())),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
        )
    )
    def test_whatever_stands_in_a_row_it_is_taken_or_dropped(self, tmp_path_factory, changes):
        """No value breaks an import, and every event keeps the event's rules."""
        path = tmp_path_factory.mktemp("row") / "a.json"
        path.write_text(json.dumps([extended(), extended("2022-01-01T00:00:00Z") | changes]))
        with opened([path], "acc-1", Lookup()) as history:
            for event in history.events():
                events.decode(events.encode(event))
            report = history.report
        assert report.rows == 2 == report.taken + report.left_out


class TestDropped:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"spotify_track_uri": None, "episode_name": "E"}, Reason.PODCAST),
            (
                {"spotify_track_uri": None, "spotify_episode_uri": "spotify:episode:x"},
                Reason.PODCAST,
            ),
            ({"spotify_track_uri": None, "audiobook_uri": "spotify:show:x"}, Reason.AUDIOBOOK),
            ({"spotify_track_uri": None}, Reason.NO_TRACK),
            ({"spotify_track_uri": "spotify:track:short"}, Reason.NO_TRACK),
            ({"spotify_track_uri": "spotify:local:a:b:c:1"}, Reason.LOCAL),
            ({"incognito_mode": True}, Reason.PRIVATE),
            ({"ms_played": 0}, Reason.SILENT),
            ({"ms_played": None}, Reason.UNREADABLE),
            ({"ms_played": -5}, Reason.UNREADABLE),
            ({"ts": "yesterday"}, Reason.TIME),
            ({"ts": "1970-01-01T00:00:00Z"}, Reason.TIME),
            ({"ts": "9999-12-31T23:59:59Z"}, Reason.TIME),
        ],
    )
    def test_with_its_reason(self, take, tmp_path, changes, reason):
        """What is not music, was private, or cannot be read is counted, with its place."""
        happened, report = take(write(tmp_path / "a.json", [extended(), extended() | changes]))
        assert len(happened) == 2
        assert reasons(report) == {reason: 1}
        assert report.dropped[reason].examples == {"a.json": [2]}

    def test_a_row_that_is_no_object(self, take, tmp_path):
        """Something else among the rows is one unreadable row."""
        _, report = take(write(tmp_path / "a.json", [extended(), 7, None, []]))
        assert reasons(report) == {Reason.UNREADABLE: 3}

    def test_a_skip_at_once_stays(self, take, tmp_path):
        """A stream of 0 ms that somebody ended by Next or Previous says something."""
        rows = [extended(ms_played=0, reason_end=reason) for reason in ("fwdbtn", "backbtn")]
        rows[1]["ts"] = "2021-03-04T06:06:07Z"
        assert take(write(tmp_path / "a.json", rows))[1].plays == {"skip": 2}

    def test_the_account_is_for_people(self, take, tmp_path):
        """Counts, days, reasons with places, and files that were not read."""
        rows = [extended(), *(extended(incognito_mode=True) for _ in range(5))]
        path = zipped(tmp_path / "x.zip", endsong_0=rows, Userdata={"username": PERSONAL[0]})
        text = "\n".join(take(path)[1].lines())
        assert "1 plays taken (1 stop), 2021-03-04 to 2021-03-04" in text
        assert "5 dropped: private session (e.g. x.zip:endsong_0.json row 2, 3, 4)" in text
        assert "x.zip:Userdata.json is not a JSON array: left alone" in text


class TestOnce:
    def test_importing_again_adds_nothing(self, take, tmp_path):
        """The same file gives the same ids."""
        rows = [extended(), extended("2021-03-05T05:06:07Z", offline_timestamp=1_614_900_000)]
        path = write(tmp_path / "a.json", rows)
        assert take(path)[0] == take(path)[0]

    def test_overlapping_files_give_each_play_once(self, take, tmp_path):
        """A play in two files is one, whichever comes first."""
        rows = [extended(f"2021-03-{day:02}T05:06:07Z") for day in range(1, 9)]
        one = write(tmp_path / "a.json", rows[:5])
        two = write(tmp_path / "b.json", rows[2:])
        happened, report = take(one, two)
        assert len(happened) == 16
        assert reasons(report) == {Reason.DUPLICATE: 3}
        assert ids(happened) == ids(take(two, one)[0]) == ids(take(one)[0]) | ids(take(two)[0])

    def test_two_lengths_of_one_stream_are_the_longer(self, take, tmp_path):
        """The same track cannot end twice in a second."""
        rows = [extended(ms_played=5_000), extended(), extended(ms_played=30_000)]
        happened, report = take(write(tmp_path / "a.json", rows))
        assert [event.listened_ms for event in happened] == [None, 60_000]
        assert reasons(report) == {Reason.DUPLICATE: 2}

    def test_two_starts_make_two_plays(self, take, tmp_path):
        """Rows that were uploaded together share their end; their starts tell them apart."""
        rows = [
            extended(offline_timestamp=1_614_831_000),
            extended(ms_played=5_000, offline_timestamp=1_614_832_000),
        ]
        assert len(take(write(tmp_path / "a.json", rows))[0]) == 4

    def test_both_vintages_of_a_start_are_one(self, take, tmp_path):
        """Older exports give the start in milliseconds, newer ones in seconds."""
        old = extended(offline_timestamp=1_614_831_000_123)
        new = extended(offline_timestamp=1_614_831_000)
        happened, _ = take(write(tmp_path / "a.json", [old, new]))
        assert len(happened) == 2

    def test_different_tracks_in_one_second_stay(self, take, tmp_path):
        """Only the same track can be the same play."""
        rows = [extended(), extended(spotify_track_uri=f"spotify:track:{OTHER}")]
        assert len(take(write(tmp_path / "a.json", rows))[0]) == 4

    def test_listeners_have_events_of_their_own(self, lookup, tmp_path):
        """The same file of two listeners gives different ids."""
        path = write(tmp_path / "a.json", [extended()])
        taken = []
        for user in ("a", "b"):
            with opened([path], user, lookup) as history:
                taken.append(ids(history.events()))
        assert not taken[0] & taken[1]


class TestShort:
    def test_is_resolved_by_the_catalogue(self, take, tmp_path):
        """Title and artist find the track, whatever their case and width."""
        rows = [short(trackName="comedy", artistName="GEN HOSHINO")]
        (play, end), _ = take(write(tmp_path / "a.json", rows))
        assert (play.track_id, end.event_type) == (TRACK, EventType.STOP)
        assert end.occurred_time.isoformat() == "2021-03-04T05:06:00+00:00"

    def test_drops_what_the_catalogue_lacks_and_podcasts(self, take, tmp_path):
        """Without an id nothing can be recommended from it."""
        podcast = {"endTime": "2021-03-04 05:06", "podcastName": "P", "episodeName": "E"}
        rows = [short(), short(trackName="No Such Song"), podcast | {"msPlayed": 5}]
        report = take(write(tmp_path / "a.json", rows))[1]
        assert reasons(report) == {Reason.UNRESOLVED: 1, Reason.PODCAST: 1}

    def test_is_not_taken_for_the_period_of_the_extended_one(self, take, tmp_path):
        """The better format wins for its whole period; before and after the short one fills in."""
        full = [extended("2021-03-02T00:00:00Z"), extended("2021-03-06T00:00:00Z")]
        rows = [short(f"2021-03-{day:02} 05:06") for day in (1, 3, 5, 7)]
        happened, report = take(write(tmp_path / "a.json", rows), write(tmp_path / "b.json", full))
        assert reasons(report) == {Reason.COVERED: 2}
        assert len(happened) == 8

    def test_is_not_taken_for_a_period_imported_before(self, take, tmp_path):
        """The period of an earlier import counts as well."""
        path = write(tmp_path / "a.json", [short(), short("2022-03-04 05:06")])
        _, report = take(path, covered=[(0, 1_640_000_000_000)])
        assert reasons(report) == {Reason.COVERED: 1}

    def test_a_short_song_twice_in_a_minute_stays_twice(self, take, tmp_path):
        """Two equal rows of a file are two plays if both fit into the minute, else one."""
        one = write(
            tmp_path / "a.json", [short(msPlayed=25_000)] * 2 + [short(msPlayed=90_000)] * 2
        )
        assert len(take(one)[0]) == 6
        again = write(tmp_path / "b.json", [short(msPlayed=25_000)] * 2)
        assert len(take(one, again)[0]) == 6


class TestFiles:
    def test_are_found_by_what_they_hold(self, take, tmp_path):
        """Names do not matter, folders and archives are opened, other files are named."""
        (tmp_path / "folder").mkdir()
        write(tmp_path / "folder" / "whatever.json", [extended()])
        write(tmp_path / "folder" / "Playlist1.json", {"playlists": []})
        path = zipped(tmp_path / "x.zip", anything=[extended("2021-05-04T05:06:07Z")], Library=[])
        happened, report = take(tmp_path / "folder", path)
        assert len(happened) == 4
        assert set(report.ignored) == {"Playlist1.json", "x.zip:Library.json"}

    def test_a_broken_file_costs_what_follows_in_it(self, take, tmp_path):
        """Rows before the break and all other files count, and the break is told."""
        broken = tmp_path / "b.json"
        broken.write_text(json.dumps([extended(), extended("2021-05-04T05:06:07Z")])[:-40])
        whole = write(tmp_path / "c.json", [extended("2021-06-04T05:06:07Z")])
        torn = tmp_path / "d.zip"
        torn.write_bytes(zipped(tmp_path / "e.zip", a=[extended()]).read_bytes()[:90])
        happened, report = take(broken, whole, torn)
        assert len(happened) == 4
        assert set(report.broken) | set(report.ignored) == {"b.json", "d.zip"}

    def test_without_any_history_says_what_to_give(self, take, tmp_path):
        """A listener who gives the wrong file learns which one is meant."""
        with pytest.raises(NoHistoryError, match=r"Extended streaming history"):
            take(write(tmp_path / "a.json", {"a": 1}))

    def test_progress_comes_to_its_end(self, take, tmp_path):
        """The bytes told add up to those of all files."""
        told = []
        path = zipped(tmp_path / "x.zip", a=[extended()] * 50, b=[short()])
        take(path, tell=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] > 10_000


class TestPersonalFields:
    def test_stay_in_the_file(self, take, tmp_path, caplog):
        """Addresses, user agents and names are in no event, no line of the account, no log."""
        caplog.set_level(logging.DEBUG)
        rows = [
            extended(),
            extended(username=7, ms_played=PERSONAL[0]),
            extended(ip_addr=PERSONAL[1], ts="x"),
            {"ts": PERSONAL[0], "ms_played": 5},
            PERSONAL[2],
        ]
        happened, report = take(write(tmp_path / "a.json", rows))
        told = b"\n".join(map(events.encode, happened)).decode() + "\n".join(report.lines())
        assert len(happened) == 2
        for value in (*PERSONAL, "Android", "conn_country"):
            assert value not in told + caplog.text

    @pytest.mark.parametrize("cut", range(200, 500, 20))
    def test_stay_in_a_broken_file(self, take, tmp_path, cut):
        """Wherever a file breaks, no error shows what stood there, not even with local variables."""
        path = tmp_path / "a.json"
        path.write_text(json.dumps([extended()])[:cut] + '"\x00')
        try:
            _, report = take(path)
            told = "\n".join(report.lines())
        except NoHistoryError as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            told = "\n".join(shown.format())
        assert not [value for value in PERSONAL if value in told]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(lookup, tmp_path):
    """Four times the rows, out of order and half of them double, need no more memory."""

    def peak(rows: int) -> int:
        times = [
            datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=n * 7919 % rows)
            for n in range(rows)
        ]
        told = [extended(time.strftime("%Y-%m-%dT%H:%M:%SZ")) for time in times]
        path = write(tmp_path / f"{rows}.json", told + told)
        tracemalloc.start()
        with opened([path], "acc-1", lookup) as history:
            assert sum(1 for _ in history.events()) == 2 * rows
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(6_000) < peak(1_500) + 2_000_000


@pytest.fixture(scope="module")
def simulated(sample_tracks):
    """A simulated listener's plays."""
    return exports.one_listener(sample_tracks, 1_500, seed=5)


@pytest.mark.slow
class TestSimulatedExport:
    def test_every_row_is_accounted_for(self, take, simulated, sample_tracks, tmp_path):
        """Each oddity that the generator made is counted under its reason, and nothing else."""
        truth = exports.write_extended(tmp_path / "x.zip", simulated, sample_tracks, seed=5)
        happened, report = take(tmp_path / "x.zip")
        told = {
            "podcast": Reason.PODCAST,
            "audiobook": Reason.AUDIOBOOK,
            "nameless": Reason.NO_TRACK,
            "private": Reason.PRIVATE,
            "silent": Reason.SILENT,
            "duplicate": Reason.DUPLICATE,
        }
        assert reasons(report) == {told[what]: count for what, count in truth.others.items()}
        assert report.taken == truth.ends.total() == len(happened) / 2
        assert report.rows == truth.rows
        assert len(ids(happened)) == len(happened)

    def test_ends_are_as_they_were(self, take, simulated, sample_tracks, tmp_path):
        """The export tells a skip from a completed track nearly always."""
        exports.write_extended(tmp_path / "x.zip", simulated, sample_tracks, seed=5)
        happened, _ = take(tmp_path / "x.zip")
        really = {
            (play.end.track_id, play.end.listened_ms): play.end.event_type for play in simulated
        }
        ends = [event for event in happened if event.is_terminal]
        same = [really[end.track_id, end.listened_ms] is end.event_type for end in ends]
        assert sum(same) / len(same) > 0.95

    def test_personal_values_stay_in_it(self, take, simulated, sample_tracks, tmp_path):
        """Nothing of what the generator marks as personal is in an event."""
        exports.write_extended(tmp_path / "x.zip", simulated, sample_tracks, seed=5)
        told = b"\n".join(map(events.encode, take(tmp_path / "x.zip")[0])).decode()
        assert not [value for value in exports.PERSONAL if value in told]

    def test_the_short_export_gives_what_the_catalogue_knows(
        self, take, simulated, sample_tracks, tmp_path
    ):
        """Every play of a catalogue track comes back, under an id of that title."""
        known = {track.track_id for track in sample_tracks}
        exports.write_short(tmp_path / "s.zip", simulated, sample_tracks)
        _, report = take(tmp_path / "s.zip")
        resolvable = sum(play.start.track_id in known for play in simulated)
        assert report.taken + reasons(report).get(Reason.DUPLICATE, 0) >= resolvable
