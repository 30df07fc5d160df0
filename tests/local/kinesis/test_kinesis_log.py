"""How a shard keeps its records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.local.kinesis import log
from musicrec.local.kinesis.log import INDEX_BYTES, ShardLog


def filled(arrivals, size=3):
    """A log of records that arrived at these times, numbered by tens."""
    kept = ShardLog()
    for number, arrival in enumerate(arrivals, start=1):
        kept.append(10 * number, arrival, b"key", bytes([number % 256]) * size)
    return kept


def numbers(records):
    return [record.sequence for record in records]


class TestReading:
    def test_reads_on_behind_a_position(self):
        """A position need not be a record's number; reading goes on with the next one."""
        kept = filled([1, 2, 3])
        assert numbers(kept.read(0, 10, 99)) == [10, 20, 30]
        assert numbers(kept.read(10, 10, 99)) == numbers(kept.read(19, 10, 99)) == [20, 30]
        assert kept.read(30, 10, 99) == []

    def test_gives_back_what_was_stored(self):
        """Key and data come back as they were, whatever their characters."""
        kept = ShardLog()
        kept.append(7, 5, "宇多田".encode(), b"\x00\xff")
        kept.append(8, 6, b"", b"")
        assert kept.read(0, 9, 9) == [(7, 5, "宇多田", b"\x00\xff"), (8, 6, "", b"")]

    def test_stops_at_the_count_and_at_the_bytes(self):
        """A read ends at whichever limit comes first, but returns one record at least."""
        kept = filled([1, 2, 3, 4], size=10)
        assert numbers(kept.read(0, 2, 999)) == [10, 20]
        assert numbers(kept.read(0, 9, 30)) == [10, 20, 30]
        assert numbers(kept.read(0, 9, 5)) == [10]

    def test_a_clock_that_steps_back_does_not_unsort_the_records(self):
        """A record never counts as older than the one before it."""
        kept = filled([5, 3, 4])
        assert [record.arrival for record in kept.read(0, 9, 99)] == [5, 5, 5]


class TestForgetting:
    def test_forgets_exactly_what_is_older(self):
        """A record at the horizon stays, one before it goes."""
        kept = filled([1, 2, 2, 3])
        kept.trim(2)
        assert numbers(kept.read(0, 9, 99)) == [20, 30, 40]
        assert len(kept) == 3

    def test_memory_follows(self, monkeypatch):
        """Whole segments are given back; what waits in the first one is less than a segment."""
        monkeypatch.setattr(log, "SEGMENT_RECORDS", 10)
        kept = filled(range(100))
        assert kept.nbytes == 100 * (3 + 3 + INDEX_BYTES)
        kept.trim(55)
        assert (len(kept), kept.nbytes) == (45, 50 * (6 + INDEX_BYTES))
        kept.trim(1_000)
        assert (len(kept), kept.nbytes) == (0, 0)

    def test_the_newest_number_outlives_its_record(self):
        """A log that has forgotten everything still knows where it stands."""
        kept = filled([1, 2])
        kept.trim(9)
        assert kept.newest == kept.position_at(9) == 20
        assert kept.arrival_after(0) is None

    @settings(deadline=None)
    @given(
        arrivals=st.lists(st.integers(0, 50), max_size=60).map(sorted),
        horizons=st.lists(st.integers(0, 60), max_size=4).map(sorted),
        position=st.integers(0, 700),
        moment=st.integers(0, 60),
    )
    def test_answers_as_a_plain_list_would(self, arrivals, horizons, position, moment):
        """Reads, positions by time and counts are those of a list of the records that are left."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "SEGMENT_RECORDS", 7)
            kept = filled(arrivals)
        for horizon in horizons:
            kept.trim(horizon)
        left = [
            (10 * number, arrival)
            for number, arrival in enumerate(arrivals, start=1)
            if arrival >= max(horizons, default=0)
        ]
        read = kept.read(position, 1_000, 1 << 20)
        assert [(r.sequence, r.arrival) for r in read] == [r for r in left if r[0] > position]
        assert len(kept) == len(left)
        later = [sequence for sequence, arrival in left if arrival >= moment]
        assert numbers(kept.read(kept.position_at(moment), 1_000, 1 << 20)) == later


class TestCost:
    @pytest.mark.parametrize("stored", [10, 20_000])
    def test_append_touches_the_last_segment_only(self, stored):
        """Whatever is stored, an append changes one segment and begins one at most."""
        kept = filled(range(stored))
        before = [(id(segment), len(segment.ends)) for segment in kept._segments]
        kept.append(10 * stored + 10, stored, b"key", b"x")
        after = [(id(segment), len(segment.ends)) for segment in kept._segments]
        assert after[: len(before) - 1] == before[:-1]
        assert len(after) - len(before) <= 1
