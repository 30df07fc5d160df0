"""The figures computed from known events, and the simulated people against the published ranges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from musicrec.catalog import Track
from musicrec.events import EventType, ListeningEvent, Source, TrackInfo, new_event_id
from musicrec.local.listeners import calibration, demo_listeners
from musicrec.local.listeners.calibration import PUBLISHED, across, measure, population, table
from musicrec.local.listeners.figures import figures

MONDAY = 1_767_571_200_000
MINUTE = 60_000

# How far the simulated median may be from the published one, as a factor either way. A window of
# four months meets more tracks for the first time than years do, hence the wider ones.
TOLERANCE = 1.25
WIDER = {
    "ended by stop": 1.6,
    "share heard, 25th percentile": 2.5,
    "distinct tracks / plays": 1.5,
    "rank-frequency slope": 1.6,
}
# Deliberately not as published: a demo needs tracks that the catalogue can name.
DIFFERENT = {"in the catalogue"}


def track(number: int, artist: str, genre: str) -> Track:
    return Track(
        track_id=f"{number:022d}", name="n", artists=(artist,), genres=(genre,), duration_ms=200_000
    )


CATALOG = [track(1, "A", "tango"), track(2, "A", "tango"), track(3, "B", "sleep")]


def play(number: int, at: int, ending: EventType, heard: int, info=None) -> list[ListeningEvent]:
    common = {
        "user_id": "u", "session_id": "s", "track_id": f"{number:022d}", "schema_version": 1,
        "source": Source.SIMULATED, "duration_ms": 200_000, "track": info,
    }  # fmt: skip
    return [
        ListeningEvent(
            event_id=new_event_id(at, 0), event_type=EventType.PLAY, occurred_at=at, **common
        ),
        ListeningEvent(
            event_id=new_event_id(at, 1), event_type=ending, occurred_at=at + heard,
            listened_ms=heard, **common,
        ),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def known_day() -> dict[str, float]:
    """Five plays: two sessions on the first of two days, one on the second."""
    done, skip, stop = EventType.COMPLETE, EventType.SKIP, EventType.STOP
    told = [
        *play(1, MONDAY, done, 200_000),
        *play(2, MONDAY + 4 * MINUTE, skip, 2_000),
        *play(3, MONDAY + 5 * MINUTE, skip, 40_000),
        *play(9, MONDAY + 60 * MINUTE, stop, 100_000, TrackInfo(name="x", artists=["A"])),
        *play(9, MONDAY + 1440 * MINUTE, done, 200_000, TrackInfo(name="x", artists=["A"])),
    ]
    return figures(told, CATALOG, {"u": {"0" * 21 + "1"}})["u"]


class TestFigures:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("plays on an active day", 2.5),
            ("active days", 1.0),
            ("plays of a session, median", 1.0),
            ("minutes of a session, median", 200_000 / 60_000),
            ("ended by complete", 0.4),
            ("ended by skip, back button included", 0.4),
            ("ended by stop", 0.2),
            ("heard under 30 s", 0.2),
            ("seconds before a skip, median", 21.0),
            ("skips within 30 s", 0.5),
            ("share heard, median", 0.5),
            ("skip after a skip", 0.5),
            ("skip after a complete", 1.0),
            ("same track again at once", 0.25),
            ("track heard before", 0.4),
            ("track among the last 50 plays", 0.2),
            ("same artist, another track", 0.25),
            ("distinct tracks / plays", 0.8),
            ("top ten tracks", 1.0),
            ("same genre as the play before", 0.5),
            ("same genre by chance", 5 / 9),
            ("in the catalogue", 0.6),
        ],
    )
    def test_computes_a_figure_as_defined(self, known_day, name, value):
        """Each figure of a day worked out by hand."""
        assert known_day[name] == pytest.approx(value)

    def test_names_are_those_published(self, known_day):
        """Every published figure is computed and no other."""
        assert known_day.keys() == PUBLISHED.keys()

    def test_what_cannot_be_known_is_not_a_number(self):
        """One completed play says nothing about skips or what follows what."""
        alone = figures(play(1, MONDAY, EventType.COMPLETE, 200_000), CATALOG)["u"]
        assert math.isnan(alone["seconds before a skip, median"])
        assert math.isnan(alone["skip after a complete"])
        assert math.isnan(alone["rank-frequency slope"])


class TestTable:
    def test_has_a_line_for_each_figure(self, sample_tracks):
        """The table shows each published range beside the simulated one."""
        simulation = demo_listeners(sample_tracks, listeners=3)
        lines = table(across(measure(simulation, sample_tracks))).splitlines()
        assert len(lines) == 2 + len(PUBLISHED)
        assert lines[2].startswith("| plays on an active day | 19 to 138 (25) | ")

    def test_the_command_wants_one_file(self, capsys):
        """Without a file the command says how to call it."""
        assert calibration.main([]) == 2
        assert "KAGGLE_FILE" in capsys.readouterr().err


@pytest.fixture(scope="module")
def measured(sample_tracks) -> dict[str, dict[str, float]]:
    return measure(population(sample_tracks), sample_tracks)


@pytest.mark.slow
class TestCalibration:
    @pytest.mark.parametrize("name", sorted(PUBLISHED.keys() - DIFFERENT))
    def test_the_median_listener_is_like_the_published_one(self, measured, name):
        """The simulated median lies within the published range and near the published median."""
        published, middle = PUBLISHED[name], across(measured)[name].median
        if published.low is not None:
            assert published.low <= middle <= published.high
        if published.median is not None:
            factor = WIDER.get(name, TOLERANCE)
            assert published.median / factor <= middle <= published.median * factor

    @pytest.mark.parametrize(
        "name", sorted(name for name in PUBLISHED if PUBLISHED[name].low and name not in DIFFERENT)
    )
    def test_most_listeners_are_within_the_published_range(self, measured, name):
        """Four in five lie in the published range, widened by a tenth: it is that of seven people."""
        published = PUBLISHED[name]
        values = np.array([person[name] for person in measured.values()])
        inside = (published.low * 0.9 <= values) & (values <= published.high * 1.1)
        assert inside.mean() >= 0.8

    def test_people_differ(self, measured):
        """The simulated listeners fill at least a third of each published range, in its logarithm."""
        narrow = []
        for name in PUBLISHED.keys() - DIFFERENT:
            published, simulated = PUBLISHED[name], across(measured)[name]
            if published.low:
                width = math.log(published.high / published.low)
                if math.log(simulated.high / simulated.low) < width / 3:
                    narrow.append(name)
        assert narrow == []

    def test_genres_persist_about_three_times_over_chance(self, measured):
        """The next play is of the same genre far more often than the listener's own mix makes it."""
        ratios = [
            person["same genre as the play before"] / person["same genre by chance"]
            for person in measured.values()
        ]
        assert 2.0 <= float(np.median(ratios)) <= 4.5

    def test_the_catalogue_covers_more_than_in_reality(self, measured):
        """The default share of catalogued plays is meant to be 0.7."""
        assert across(measured)["in the catalogue"].median == pytest.approx(0.7, abs=0.06)


@pytest.mark.slow
class TestDemoScale:
    def test_the_demo_has_its_listeners_and_events(self, sample_tracks):
        """The defaults give at least 200 listeners with events, and 55 to 60 thousand events."""
        played = list(demo_listeners(sample_tracks).events())
        assert len({event.user_id for event in played}) >= 200
        assert 55_000 <= len(played) <= 60_000
