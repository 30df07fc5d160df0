"""Curated interactions under every kind of delivery, crash and archive."""

import io
from collections import Counter
from random import Random

import pyarrow.parquet as pq
import pytest
from aws_world import BUCKET as AWS_BUCKET
from aws_world import listening
from curated_world import Bucket, KilledError, expected, held
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec import events
from musicrec.processor import curation, raw_objects
from musicrec.processor.curated_store import CuratedStore, DayChangedError
from musicrec.processor.curation import curate, due

TODAY = "2026-03-02"
HAPPENED = listening(users=4, plays=12)


def delivered(happened, files, seed, copies=2):
    """Files of a raw lake, in the order of their arrival: shuffled, doubled, cut anywhere."""
    random = Random(seed)
    everything = list(happened) * copies
    random.shuffle(everything)
    cuts = sorted(random.randrange(len(everything) + 1) for _ in range(files - 1))
    pieces = [everything[a:b] for a, b in zip([0, *cuts], [*cuts, len(everything)], strict=True)]
    made = []
    for number, piece in enumerate(pieces):
        days = {}
        for event in piece:
            days.setdefault(event.occurred_on, []).append(events.to_mapping(event))
        made += [(day, f"{number:04}", rows) for day, rows in days.items()]
    return made


def surviving(bucket, run_date=TODAY, step=1):
    """Curate, killed after every `step` more calls and begun again, until it comes through."""
    kills = 0
    while True:
        bucket.left = kills * step
        try:
            curate(bucket, "b", run_date)
        except KilledError:
            kills += 1
        else:
            bucket.left = None
            return kills


class TestCurate:
    @given(st.integers(1, 6), st.integers(0, 10_000), st.integers(1, 3))
    @settings(max_examples=10, deadline=None)
    def test_holds_each_interaction_once(self, files, seed, copies):
        """Any order, duplication, splitting and lateness gives the oracle's rows, each once."""
        bucket = Bucket()
        for day, name, rows in delivered(HAPPENED, files, seed, copies):
            bucket.deliver(day, name, rows)
            if int(name) % 2:
                curate(bucket, "b", TODAY)
        curate(bucket, "b", TODAY)
        found = held(CuratedStore(bucket, "b"))
        assert sorted(found) == sorted(expected(HAPPENED).items())

    @given(st.integers(0, 10_000))
    @settings(max_examples=2, deadline=None)
    def test_killed_after_any_call_it_loses_and_doubles_nothing(self, seed):
        """Killed after its first, second, third ... request it is done right in the end."""
        bucket, happened = Bucket(), listening(users=1, plays=6)
        for day, name, rows in delivered(happened, 3, seed):
            bucket.deliver(day, name, rows)
            surviving(bucket, step=2)
        assert sorted(held(CuratedStore(bucket, "b"))) == sorted(expected(happened).items())

    def test_readers_never_see_half_a_day(self):
        """Whatever call it dies after, a day holds what it held before or what it holds after."""
        happened = listening(users=1, plays=5)
        first, second = happened[::2], happened[1::2]
        probe, kills = Bucket(), 0
        before, after = expected(first).keys(), expected(happened).keys()
        while kills == 0 or probe.left < 0:
            probe = Bucket()
            for day, name, rows in delivered(first, 1, 1, 1):
                probe.deliver(day, f"a{name}", rows)
            curate(probe, "b", TODAY)
            for day, name, rows in delivered(second, 1, 1, 1):
                probe.deliver(day, f"b{name}", rows)
            probe.left = kills
            try:
                curate(probe, "b", TODAY)
            except KilledError:
                kills += 1
            probe.left, died = None, probe.left
            days = {}
            for event_id, row in held(CuratedStore(probe, "b")):
                days.setdefault(row[0], set()).add(event_id)
            for day, ids in days.items():
                of_day = {event.event_id for event in happened if event.occurred_on == day}
                assert ids in (of_day & before, of_day & after)
            probe.left = died
        assert kills > 15

    def test_second_run_writes_nothing(self):
        """Without news no object is written, and none of the data is read."""
        bucket = Bucket()
        for day, name, rows in delivered(HAPPENED, 3, 1):
            bucket.deliver(day, name, rows)
        curate(bucket, "b", TODAY)
        bucket.calls.clear()
        assert curate(bucket, "b", TODAY).taken == {}
        kinds = Counter(call for call, _ in bucket.calls)
        assert set(kinds) == {"list", "get"}
        assert all(
            key.startswith("curated-records/") for call, key in bucket.calls if call == "get"
        )

    def test_writes_what_lambdas_pyarrow_can(self):
        """Parquet is compressed as the layer of the builder can read and write it: not by Zstandard.

        That pyarrow is built with Snappy and zlib alone (aws-sdk-pandas, build-lambda-layer.sh).
        """
        bucket = Bucket()
        for day, name, rows in delivered(HAPPENED, 1, 3):
            bucket.deliver(day, name, rows)
        curate(bucket, "b", TODAY)
        bodies = [body for key, (body, _) in bucket.objects.items() if key.startswith("curated/")]
        groups = [pq.read_metadata(io.BytesIO(body)).row_group(0) for body in bodies]
        columns = [group.column(number) for group in groups for number in range(group.num_columns)]
        assert {column.compression for column in columns} <= {"GZIP", "SNAPPY", "UNCOMPRESSED"}

    def test_leaves_one_record_a_day(self):
        """What crashes left of records goes with the day's next rewriting."""
        bucket = Bucket()
        for day, name, rows in delivered(HAPPENED, 1, 3):
            bucket.deliver(day, name, rows)
        surviving(bucket, step=3)
        for day, _, rows in delivered(HAPPENED, 1, 4):
            bucket.deliver(day, "more", rows)
        curate(bucket, "b", TODAY)
        records = [key for key in bucket.objects if key.startswith("curated-records/")]
        data = [key for key in bucket.objects if key.startswith("curated/")]
        assert len(records) == len(data) == len({event.occurred_on for event in HAPPENED})

    def test_counts_what_it_leaves_out(self):
        """Invalid rows, other events and copies are counted by the day's record."""
        bucket, play = Bucket(), HAPPENED[0]
        good = events.to_mapping(play)
        stop = good | {"event_type": "stop", "event_id": events.new_event_id("stop")}
        bad = [
            good | {"user_id": ""},
            good | {"source": "telepathy"},
            good | {"listened_ms": -1},
            good | {"session_id": None},
            good | {"track": {"name": "x" * 1001}},
            good | {"track": {"name": "x", "artists": ["y"] * 51}},
            good | {"track": {"name": "x", "artists": ["y" * 1001]}},
            good | {"track": {"artists": ["nameless"]}},
        ]
        bucket.deliver(play.occurred_on, "x", [good, good, stop, *bad])
        (taken,) = curate(bucket, "b", TODAY).taken.values()
        assert (taken.rows, taken.invalid, taken.other, taken.added) == (11, 8, 1, 1)
        assert taken.duplicates == 1

    def test_never_reads_what_is_archived(self):
        """Late events come into a day whose earlier objects S3 refuses to give."""
        bucket = Bucket()
        early, late = HAPPENED[::2], HAPPENED[1::2]
        for day, name, rows in delivered(early, 1, 1, 1):
            bucket.deliver(day, f"early-{name}", rows)
        curate(bucket, "b", TODAY)
        bucket.archived = {key for key in bucket.objects if key.startswith("raw/")}
        for day, name, rows in delivered(late, 1, 1, 1):
            bucket.deliver(day, f"late-{name}", rows)
        assert curate(bucket, "b", TODAY).unreadable == {}
        assert sorted(held(CuratedStore(bucket, "b"))) == sorted(expected(HAPPENED).items())

    def test_reports_what_was_archived_before_it_came(self):
        """An object that was never taken in and cannot be read is said; restored, it is taken in."""
        bucket, event = Bucket(), HAPPENED[0]
        bucket.deliver(event.occurred_on, "old", [events.to_mapping(event)])
        bucket.archived = set(bucket.objects)
        assert curate(bucket, "b", TODAY).unreadable == {event.occurred_on: 1}
        bucket.archived, bucket.restored = set(), bucket.archived
        assert curate(bucket, "b", TODAY).taken[event.occurred_on].added == 1

    def test_generations_tell_what_is_new(self):
        """A copy that arrives later does not make an interaction new again."""
        bucket, (one, two) = Bucket(), (HAPPENED[0], HAPPENED[1])
        day = one.occurred_on
        bucket.deliver(day, "a", [events.to_mapping(one)])
        curate(bucket, "b", TODAY)
        bucket.deliver(day, "b", [events.to_mapping(one), events.to_mapping(two)])
        curate(bucket, "b", TODAY)
        store = CuratedStore(bucket, "b")
        standing = store.standing()[day]
        rows = store.table(standing).to_pylist()
        assert {row["event_id"]: row["generation"] for row in rows} == {
            one.event_id: 1,
            two.event_id: 2,
        }
        assert standing.generation == 2
        assert store.record(standing).since(1).duplicates == 1

    def test_another_writer_at_the_same_time_loses_nothing(self):
        """Who comes second is refused and takes in what the first one left."""
        bucket, (one, two) = Bucket(), (HAPPENED[0], HAPPENED[1])
        day = one.occurred_on
        bucket.deliver(day, "a", [events.to_mapping(one)])
        store = CuratedStore(bucket, "b")
        inner = curation.ArrowDayWriter(store, raw_objects.RawObjects(bucket, "b"))

        class Rival:
            def write(self, news):
                if len(news.objects) == 1:
                    bucket.deliver(day, "b", [events.to_mapping(two)])
                    curate(bucket, "b", TODAY)
                return inner.write(news)

        curate(bucket, "b", TODAY, Rival())
        assert sorted(held(store)) == sorted(expected([one, two]).items())

    def test_a_rival_that_never_rests_ends_the_run(self):
        """After some attempts the run says that another one is going on."""
        bucket, one = Bucket(), HAPPENED[0]
        bucket.deliver(one.occurred_on, "a", [events.to_mapping(one)])

        class Refused:
            def write(self, news):
                raise DayChangedError(news.day)

        with pytest.raises(DayChangedError, match="run this one again"):
            curate(bucket, "b", TODAY, Refused())

    def test_works_on_s3_itself(self, aws):
        """The same through boto3, conditional writes included."""
        aws.put_in_lake(HAPPENED)
        aws.put_in_lake(HAPPENED[:20])
        curate(aws.clients.s3, AWS_BUCKET, TODAY)
        aws.put_in_lake(HAPPENED[5:30])
        curate(aws.clients.s3, AWS_BUCKET, TODAY)
        found = held(CuratedStore(aws.clients.s3, AWS_BUCKET))
        assert sorted(found) == sorted(expected(HAPPENED).items())


class TestDue:
    def test_days_without_curated_data_are_due(self):
        """A partition that is new is looked at, however long ago its day was."""
        assert due(["2001-01-01"], {}, {}, TODAY) == ["2001-01-01"]

    def test_recent_days_are_due_every_day(self):
        """Late events come within weeks."""
        days = ["2026-01-26", "2026-01-27", "2026-03-02", "2026-03-09"]
        assert due(days, days, {}, TODAY)[-3:] == days[1:]

    def test_every_old_day_is_due_once_a_week(self):
        """Seven runs in a row look at each old day exactly once."""
        old = [f"2019-0{month}-{day:02}" for month in range(1, 8) for day in range(1, 29)]
        seen = Counter(day for run in range(2, 9) for day in due(old, old, {}, f"2026-03-{run:02}"))
        assert set(seen.values()) == {1}
        assert set(seen) == set(old)

    def test_days_with_a_notice_are_due(self):
        """Whoever imports a history does not wait for the day's turn."""
        days = [f"2019-01-{day:02}" for day in range(1, 15)]
        assert set(due(days, days, days, TODAY)) == set(days)


class TestNotices:
    def test_bring_in_history_at_once_and_go(self):
        """A notice makes an old day due; once the day was looked at, it is gone."""
        bucket, event = Bucket(), listening(users=1, plays=1, start="2019-05-01")[0]
        day = event.occurred_on
        bucket.deliver(day, "first", [events.to_mapping(event)])
        curate(bucket, "b", "2026-03-02")
        other = events.from_mapping(
            events.to_mapping(event) | {"event_id": events.new_event_id("other")}
        )
        bucket.deliver(day, "backfill-1", [events.to_mapping(other)])
        assert [curate(bucket, "b", f"2026-03-0{n}").taken for n in (2, 3)] == [{}, {}]
        raw_objects.notify(bucket, "b", f"raw/dt={day}/backfill-1.parquet")
        assert curate(bucket, "b", "2026-03-03").taken[day].added == 1
        assert not [key for key in bucket.objects if key.startswith("notices/")]
