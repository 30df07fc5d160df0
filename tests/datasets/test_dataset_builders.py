from collections import Counter

import pyarrow as pa
import pytest
from aws_world import known_tracks, listening, track_id
from curated_world import Bucket
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec import catalog, events
from musicrec.catalog import Catalog, Track
from musicrec.datasets import interactions, items, users
from musicrec.datasets.interactions import DayToImport
from musicrec.datasets.items import SeenTracks
from musicrec.datasets.schemas import MAX_TEXT_CHARACTERS, RESERVED_WORDS
from musicrec.datasets.text import categories, category, is_usable_id, usable_ids
from musicrec.processor import curated_store, lake
from musicrec.processor.curated_store import CuratedStore
from musicrec.processor.curation import curate
from musicrec.processor.hot_path import event_value
from musicrec.profile import Profile, fold

PLAY = listening(users=1, plays=1)[0]


class Made:
    """INTERACTIONS of some events, by way of a raw lake and the curated table."""

    def __init__(self, happened, since=0):
        bucket = Bucket()
        for event in happened:
            row = events.to_mapping(event)
            bucket.deliver(event.occurred_on, str(len(bucket.objects)), [row])
        curate(bucket, "b", "2026-03-02")
        store = CuratedStore(bucket, "b")
        self.dropped: Counter[str] = Counter()
        self.rows = [
            row
            for one in store.standing().values()
            for day in [DayToImport(standing=one, since=since)]
            for piece in interactions.pieces(store, day, self.dropped)
            for row in piece.table.to_pylist()
        ]


def named(happened):
    """Events as the items' builder reads them."""
    columns = [lake.SCHEMA.field(name) for name in interactions.NAMES]
    rows = [events.to_mapping(event) for event in happened]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def changed(event, **fields):
    """An event with some fields changed."""
    return events.from_mapping(events.to_mapping(event) | fields)


lengths = st.none() | st.integers(0, 10_000_000)
some_events = st.builds(
    lambda kind, listened, duration, second: changed(
        PLAY,
        event_id=events.new_event_id(kind, second),
        event_type=kind,
        listened_ms=listened,
        duration_ms=duration,
        occurred_at=PLAY.occurred_at + 1000 * second,
    ),
    st.sampled_from(["play", "complete", "skip"]),
    lengths,
    lengths,
    st.integers(0, 1000),
)


class TestInteractions:
    @given(st.lists(some_events, min_size=1, unique_by=lambda event: event.occurred_at))
    @settings(max_examples=25, deadline=None)
    def test_values_are_bit_for_bit_those_of_the_hot_path(self, happened):
        """Whatever the lengths, the bulk value is the streamed one."""
        values = {row["TIMESTAMP"]: row["EVENT_VALUE"] for row in Made(happened).rows}
        assert values == {event.occurred_at // 1000: event_value(event) for event in happened}

    def test_time_is_cut_to_whole_seconds(self):
        """Milliseconds are cut off, not rounded, as in the stream."""
        (row,) = Made([changed(PLAY, occurred_at=1_772_323_200_999)]).rows
        assert row["TIMESTAMP"] == 1_772_323_200

    def test_two_events_that_are_one_interaction_count_once(self):
        """Personalize keeps one of two rows that are equal in every column, so do we."""
        again = changed(PLAY, event_id=events.new_event_id("again"))
        made = Made([PLAY, again])
        assert (len(made.rows), made.dropped["same interaction"]) == (1, 1)

    def test_one_interaction_across_two_pieces_counts_once(self, monkeypatch):
        """Where a day is read in pieces, the last row of one is looked at with the next."""
        monkeypatch.setattr(curated_store, "ROW_GROUP", 2)
        copies = [changed(PLAY, event_id=events.new_event_id(number)) for number in range(5)]
        made = Made(copies)
        assert (len(made.rows), made.dropped["same interaction"]) == (1, 4)

    @pytest.mark.parametrize("user", ["line\nbreak", "VALUE"])
    def test_unusable_users_are_dropped_and_counted(self, user):
        """An id that a CSV line cannot hold, or that is a reserved word, stays out."""
        made = Made([PLAY, changed(PLAY, user_id=user, event_id=events.new_event_id(user))])
        assert (len(made.rows), made.dropped["unusable user id"]) == (1, 1)

    def test_order_does_not_depend_on_the_order_of_events(self):
        """The same events in another order give the same rows in the same order."""
        happened = listening(users=3, plays=5)
        assert Made(happened).rows == Made(happened[::-1]).rows

    def test_rows_lie_by_time_user_item_type_and_value(self):
        """The order is that of the columns, texts by their bytes."""
        keys = [
            (row["TIMESTAMP"], row["USER_ID"], row["ITEM_ID"], row["EVENT_TYPE"])
            for row in Made(listening(users=3, plays=5)).rows
        ]
        assert keys == sorted(keys)

    def test_what_is_imported_already_gives_no_row(self):
        """Of a day whose first generation was imported only later ones are news."""
        assert Made([PLAY], since=1).rows == []


def show(seen, happened):
    """Show a day of events to the items' builder."""
    table = named(happened)
    seen.observe(table["track_id"], lambda: table)
    seen.end_day()


class TestSeenTracks:
    @pytest.fixture
    def known(self, tmp_path):
        """A catalogue of three tracks."""
        catalog.write(known_tracks(3), tmp_path / "c.sqlite")
        with Catalog(tmp_path / "c.sqlite") as opened:
            yield opened

    def test_first_event_that_names_a_track_wins(self, known):
        """Later names change nothing, so a track's row stays the same from day to day."""
        seen = SeenTracks(known)
        names = ({"name": ""}, {"name": "First", "artists": ["宇多田ヒカル"]}, {"name": "Later"})
        for number, track in enumerate(names):
            event = changed(
                PLAY,
                track_id=track_id(9),
                track=track,
                event_id=events.new_event_id(number),
                occurred_at=PLAY.occurred_at + number,
            )
            show(seen, [event])
        assert seen.tracks[track_id(9)].name == "First"
        assert seen.tracks[track_id(9)].artists == ("宇多田ヒカル",)

    def test_first_name_of_a_day_is_by_time_not_by_place(self, known):
        """Within a day the rows lie otherwise; the earliest event counts all the same."""
        late, early = (
            changed(
                PLAY,
                track_id=track_id(9),
                track={"name": name},
                event_id=events.new_event_id(name),
                occurred_at=PLAY.occurred_at + moment,
            )
            for name, moment in (("Late", 2), ("Early", 1))
        )
        seen = SeenTracks(known)
        show(seen, [late, early])
        assert seen.tracks[track_id(9)].name == "Early"

    def test_tracks_of_the_catalogue_are_not_seen_ones(self, known):
        """What the catalogue knows better is left to it."""
        seen = SeenTracks(known)
        show(seen, [changed(PLAY, track_id=track_id(1))])
        assert seen.tracks == {}

    def test_tracks_that_nothing_names_are_left_out(self, known):
        """A row of nothing but an id would teach and show nothing."""
        seen = SeenTracks(known)
        bare = events.to_mapping(changed(PLAY, track_id=track_id(9)))
        del bare["track"]
        show(seen, [events.from_mapping(bare)])
        assert seen.tracks == {}

    def test_merging_prefers_the_catalogue(self, known):
        """A track known to both comes once, with what the catalogue says."""
        doubted = Track(track_id=track_id(1), name="Wrong", artists=())
        new = Track(track_id=track_id(7), name="New", artists=())
        merged = list(items.merged(known, {doubted.track_id: doubted, new.track_id: new}))
        assert [track.name for track in merged] == ["Song 0", "Song 1", "Song 2", "New"]

    def test_rows_are_by_id(self, known):
        """The file's order depends on the tracks alone."""
        seen = {track_id(9): Track(track_id=track_id(9), name="New", artists=())}
        (table,) = items.build(known, seen)
        assert table["ITEM_ID"].to_pylist() == [track_id(number) for number in (0, 1, 2, 9)]


class TestUsers:
    def rows(self, profiles, run_date="2026-03-02"):
        """All rows, and what was dropped."""
        dropped: Counter[str] = Counter()
        tables = list(users.build(profiles, run_date, dropped))
        return [row for table in tables for row in table.to_pylist()], dropped

    def test_are_sorted_by_id(self):
        """The table's scan has no order, the file has."""
        rows, _ = self.rows([Profile(user_id=user) for user in ("b", "ä", "a")])
        assert [row["USER_ID"] for row in rows] == ["a", "b", "ä"]

    def test_unusable_ids_are_dropped_and_counted(self):
        """An id that no line can hold is left out with its reason."""
        rows, dropped = self.rows([Profile(user_id="a\nb"), Profile(user_id="c")])
        assert [row["USER_ID"] for row in rows] == ["c"]
        assert dropped["unusable user id"] == 1

    def test_activity_is_of_the_run_date(self):
        """Who listened half a year ago is lapsed today."""
        happened = [(event, None) for event in listening(users=1, plays=30, start="2026-02-20")]
        profile = fold(Profile(user_id="user-000"), happened)
        (recent,), _ = self.rows([profile])
        (later,), _ = self.rows([profile], "2027-02-20")
        assert recent["ACTIVITY"] != "lapsed"
        assert later["ACTIVITY"] == "lapsed"


class TestText:
    @given(st.text())
    def test_category_is_always_importable(self, text):
        """Any name becomes one value without line break, separator or reserved word, or nothing."""
        made = category(text)
        if made is not None:
            assert 0 < len(made) <= MAX_TEXT_CHARACTERS
            assert not set(made) & set("|\r\n\t")
            assert made not in RESERVED_WORDS

    @pytest.mark.parametrize(
        ("text", "made"),
        [
            ("AC/DC", "AC/DC"),
            ("one\ntwo", "one two"),
            ("a|b", "a/b"),
            ("VALUE", "Value"),
            ("  ", None),
            (None, None),
        ],
    )
    def test_category_changes_as_little_as_it_can(self, text, made):
        """Ordinary names stay, awkward ones stay readable."""
        assert category(text) == made

    def test_categories_are_cut_between_names(self):
        """Of too many genres the last ones go, none is cut in the middle."""
        cell = categories(["g" * 300] * 5)
        assert cell == "|".join(["g" * 300] * 3)

    @given(st.lists(st.text(max_size=300) | st.sampled_from(sorted(RESERVED_WORDS)), min_size=1))
    def test_usable_ids_in_bulk_are_those_one_by_one(self, identifiers):
        """The column rule is the rule of a single identifier."""
        made = usable_ids(pa.array(identifiers)).to_pylist()
        assert made == [is_usable_id(identifier) for identifier in identifiers]

    @given(st.text(min_size=1, max_size=300))
    def test_usable_ids_fit_the_limits(self, identifier):
        """An id that passes is short enough and stands on one line."""
        if is_usable_id(identifier):
            assert len(identifier) <= 256
            assert len(identifier.split("\n")) == 1
