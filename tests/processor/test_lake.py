import pytest
from aws_world import BUCKET, DEPLOYMENT, listening

from musicrec import events
from musicrec.processor.lake import COLUMNS, KEY_COLUMNS, Lake, LakeCount


@pytest.fixture
def lake(aws):
    """The empty lake of a stack."""
    return Lake.of(DEPLOYMENT, aws.clients.session)


@pytest.fixture
def happened():
    """A few listeners' events over some days."""
    return listening(users=3, plays=10)


class TestDays:
    def test_are_the_partitions_in_order(self, aws, lake, happened):
        """Each day on which something happened is listed once, ascending."""
        aws.put_in_lake(happened)
        assert lake.days() == sorted({event.occurred_on for event in happened})

    def test_can_be_bounded_on_both_sides(self, aws, lake, happened):
        """Both bounds belong to the range."""
        aws.put_in_lake(happened)
        days = lake.days()
        assert lake.days(days[1], days[2]) == days[1:3]

    def test_ignore_folders_that_are_no_day(self, aws, lake):
        """What is not named by a date is not part of the lake."""
        key = "raw/dt=__HIVE_DEFAULT_PARTITION__/x.parquet"
        aws.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
        assert lake.days() == []

    def test_refuse_a_bound_that_is_no_day(self, lake):
        """A bound in another format is an error, not an empty range."""
        with pytest.raises(ValueError, match="March"):
            lake.days("1 March")


class TestDay:
    def test_of_nothing_is_empty_with_the_same_columns(self, lake):
        """A day without files has no events and no surprise in its columns."""
        day = lake.day("2026-03-01")
        assert day.count == LakeCount(rows=0, events=0, invalid=0)
        assert day.table.column_names == list(COLUMNS)

    def test_reads_only_what_is_asked_for(self, aws, lake, happened):
        """Columns that nobody asked for are not read."""
        aws.put_in_lake(happened)
        table = lake.day(lake.days()[0], ("duration_ms",)).table
        assert set(table.column_names) == {*KEY_COLUMNS, "duration_ms"}

    def test_order_depends_on_the_events_alone(self, aws, lake, happened):
        """However files were cut, a day's events come by time, then id."""
        aws.put_in_lake(happened[::-1])
        day = lake.days()[0]
        table = lake.day(day).table
        keys = list(
            zip(table["occurred_at"].to_pylist(), table["event_id"].to_pylist(), strict=True)
        )
        assert keys == sorted(keys)

    def test_counts_rows_events_and_what_is_invalid(self, aws, lake, happened):
        """Copies count as duplicates, rows that break the event's rules as invalid."""
        row = events.to_mapping(happened[0])
        rows = [row, row, row | {"user_id": ""}, row | {"event_type": "like"}]
        aws.put_rows(happened[0].occurred_on, rows)
        count = lake.day(happened[0].occurred_on).count
        assert (count.rows, count.events, count.duplicates, count.invalid) == (4, 1, 1, 2)

    @pytest.mark.parametrize(
        "broken",
        [
            {"event_id": "not a uuid"},
            {"track_id": "a" * 23},
            {"user_id": "u" * 257},
            {"user_id": None},
            {"occurred_at": 1_700_000_000},
            {"occurred_at": None},
            {"event_type": None},
        ],
    )
    def test_leaves_out_what_breaks_a_rule(self, aws, lake, happened, broken):
        """Whoever bypasses the API cannot put a bad value into a dataset."""
        aws.put_rows("2026-03-01", [events.to_mapping(happened[0]) | broken])
        assert lake.day("2026-03-01").table.num_rows == 0


class TestLake:
    def test_counts_each_event_once(self, aws, lake, happened):
        """A redelivered batch adds rows but no events."""
        aws.put_in_lake(happened)
        aws.put_in_lake(happened)
        assert lake.event_count() == len(happened)
        assert lake.event_ids() == {event.event_id for event in happened}
        assert sum(count.duplicates for count in lake.counts().values()) == len(happened)

    def test_gives_events_back_as_they_were(self, aws, lake, happened):
        """What went in comes out equal, names in any script included."""
        aws.put_in_lake(happened)
        by_id = {event.event_id: event for event in lake.events()}
        assert by_id == {event.event_id: event for event in happened}

    def test_skips_rows_whose_other_fields_are_invalid(self, aws, lake, happened):
        """A row of which only a minor field is bad is no event for a rebuild."""
        row = events.to_mapping(happened[0]) | {"source": "telepathy"}
        aws.put_rows(happened[0].occurred_on, [row])
        assert list(lake.events()) == []

    def test_reads_a_range_as_a_frame(self, aws, lake, happened):
        """Exploring gets one row an event, and an empty frame with columns for no events."""
        aws.put_in_lake(happened)
        assert len(lake.read()) == len(happened)
        empty = lake.read(("device_type",), first="2030-01-01")
        assert list(empty.columns) == [*KEY_COLUMNS, "device_type"]
        assert empty.empty
