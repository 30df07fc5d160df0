"""Profiles made anew from the lake, while the stream may go on."""

from itertools import count as count_up
from random import Random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_world import TABLE, Time, apply, event, folded, history, lookup, store

from musicrec.events import to_mapping
from musicrec.processor import profile_item
from musicrec.processor.lake import SCHEMA, LakeCount, LakeDay
from musicrec.processor.profile_item import StoredProfile
from musicrec.processor.profile_rebuild import (
    Rebuilder,
    RebuildError,
    Verdict,
    first_difference,
)
from musicrec.processor.profile_rebuild import folded as folded_from_lake
from musicrec.processor.profile_spool import BUCKETS, Listener, Spool, bucket_of
from musicrec.processor.profile_table import ProfileTable
from musicrec.profile import Profile


def lake_of(events, user="u"):
    rows = [to_mapping(one) for one in sorted(events, key=lambda one: one.occurred_at)]
    return Listener(user, pa.Table.from_pylist(rows, schema=SCHEMA))


def rebuilder(dynamodb, tracks=lookup, time=None):
    retries = (time or Time()).retries
    return Rebuilder(ProfileTable(dynamodb, TABLE), store(dynamodb), tracks, retries)


def without_catalogue(_track_ids):
    return {}


def put_state(dynamodb, state, **more):
    item = {**profile_item.key("u"), "state": {"B": state}, **more}
    dynamodb.put_item(TableName=TABLE, Item=item)


listeners = (f"listener-{number}" for number in count_up())
"""A new one for each example of a property, so that they can share a table."""


class TestVerdict:
    def test_an_item_of_the_same_events_is_equal(self, dynamodb):
        """What the stream made of a listener's events is what the lake makes of them."""
        apply(dynamodb, history(1500, days=40)[::-1])
        found = rebuilder(dynamodb).compare(lake_of(history(1500, days=40)))
        assert (found.verdict, found.events, found.differs) == (Verdict.EQUAL, 1500, None)

    def test_a_listener_without_item_is_absent(self, dynamodb):
        """Nothing in the table is a finding, and a comparison leaves it so."""
        assert rebuilder(dynamodb).compare(lake_of(history(5))).verdict is Verdict.ABSENT
        assert store(dynamodb).get("u") is None

    def test_the_first_field_that_differs_is_named(self, dynamodb):
        """The same events with another catalogue make other genres, and the first is named."""
        store(dynamodb).apply(history(30), without_catalogue, Time().retries())
        found = rebuilder(dynamodb).compare(lake_of(history(30)))
        assert found.verdict is Verdict.DIFFERENT
        assert found.differs.startswith("genres['genre-")

    def test_missing_events_are_told_from_surplus_ones(self, dynamodb):
        """An item may lack events of the lake, or have taken in some that the lake lacks."""
        apply(dynamodb, history(20))
        compare = rebuilder(dynamodb).compare
        assert compare(lake_of(history(20))).verdict is Verdict.EQUAL
        assert compare(lake_of(history(20)[:19])).verdict is Verdict.AHEAD
        more = [*history(20), event(1000)]
        assert compare(lake_of(more)).verdict is Verdict.BEHIND

    def test_an_item_of_another_kind_is_unreadable(self, dynamodb):
        """What is not ours is neither equal nor different."""
        put_state(dynamodb, b"?", version={"N": "7"})
        found = rebuilder(dynamodb).compare(lake_of(history(5)))
        assert (found.verdict, found.left) == (Verdict.UNREADABLE, None)


class TestRebuild:
    @pytest.mark.parametrize("count", [5, 1500])
    def test_a_lost_item_is_made_again(self, dynamodb, count):
        """An empty table gets the very item that the stream would have made; copies still count."""
        events = history(count, days=40)
        assert rebuilder(dynamodb).rebuild(lake_of(events)).verdict is Verdict.ABSENT
        assert store(dynamodb).get("u") == folded(events)
        assert apply(dynamodb, Random(1).sample(events, 5)).events == 0

    def test_a_profile_that_differs_is_replaced_in_one_write(self, dynamodb, flaky):
        """With the same events known, a new profile costs one write and forgets no id."""
        events = history(1500, days=40)
        store(dynamodb).apply(events, without_catalogue, Time().retries())
        rebuilder(flaky).rebuild(lake_of(events))
        assert (flaky.calls["put_item"], flaky.calls["update_item"]) == (1, 0)
        assert store(dynamodb).get("u") == folded(events)
        assert apply(dynamodb, events[:300]).events == 0

    def test_what_is_behind_and_different_becomes_the_lakes(self, dynamodb):
        """Missing events are added, and what the old ones had made is corrected."""
        events = history(60)
        store(dynamodb).apply(events[:30], without_catalogue, Time().retries())
        assert rebuilder(dynamodb).rebuild(lake_of(events)).verdict is Verdict.BEHIND
        assert store(dynamodb).get("u") == folded(events)

    def test_an_equal_item_is_not_written(self, dynamodb, flaky):
        """A second rebuild costs reads alone."""
        rebuilder(dynamodb).rebuild(lake_of(history(50)))
        assert rebuilder(flaky).rebuild(lake_of(history(50))).verdict is Verdict.EQUAL
        assert not flaky.calls

    def test_an_item_ahead_of_the_lake_keeps_what_it_knows(self, dynamodb):
        """Events that only the stream delivered so far stay; those that only the lake has join."""
        events = history(60)
        apply(dynamodb, events[20:])
        found = rebuilder(dynamodb).rebuild(lake_of(events[:40]))
        assert found.verdict is Verdict.AHEAD
        assert store(dynamodb).get("u") == folded(events)

    @pytest.mark.parametrize("count", [20, 1500])
    def test_an_unreadable_item_is_replaced(self, dynamodb, count):
        """An item that only its version can be read of is made again, and copies still count."""
        events = history(count, days=40)
        put_state(dynamodb, b"?", version={"N": "7"})
        assert rebuilder(dynamodb).rebuild(lake_of(events)).verdict is Verdict.UNREADABLE
        assert store(dynamodb).get("u") == folded(events)
        assert apply(dynamodb, events[:100]).events == 0

    def test_a_foreign_item_is_left_with_a_reason(self, dynamodb):
        """Without a version nobody can tell who else writes: the item is not touched."""
        put_state(dynamodb, b"?")
        found = rebuilder(dynamodb).rebuild(lake_of(history(5)))
        assert "delete it" in found.left
        assert dynamodb.get_item(TableName=TABLE, Key=profile_item.key("u"))["Item"]["state"]

    def test_the_stream_may_write_in_between(self, dynamodb, flaky):
        """A writer that comes between reading and replacing loses nothing, and is not lost."""
        events = history(40)
        store(dynamodb).apply(events[:39], without_catalogue, Time().retries())
        interruptions = iter([lambda: apply(dynamodb, events[39:])])
        flaky.before["put_item"] = lambda _: next(interruptions, lambda: None)()
        rebuilder(flaky).rebuild(lake_of(events[:39]))
        kept = store(dynamodb).get("u")
        assert kept.event_count == 40
        assert rebuilder(dynamodb).rebuild(lake_of(events)).verdict is Verdict.DIFFERENT
        assert store(dynamodb).get("u") == folded(events)

    def test_what_cannot_be_written_in_time_stops_with_a_name(self, dynamodb, flaky):
        """When other writers win every time, the command stops and says that it can go on."""
        store(dynamodb).apply(history(9), without_catalogue, Time().retries())

        def win(arguments):
            version = {"N": str(int(arguments["Item"]["version"]["N"]) + 1)}
            newer = arguments["Item"] | {"version": version}
            stored = profile_item.from_item(newer)
            other = StoredProfile(
                profile=Profile(user_id="u"), seen=stored.seen, version=stored.version
            )
            dynamodb.put_item(TableName=TABLE, Item=profile_item.to_item(other))

        flaky.before["put_item"] = win
        with pytest.raises(RebuildError, match=r"'u'.*goes on"):
            rebuilder(flaky, time=Time(12_000)).rebuild(lake_of(history(9)))


class TestProperties:
    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.randoms(use_true_random=False), st.integers(1, 30), st.integers(1, 60))
    def test_the_streams_profile_is_the_lakes(self, dynamodb, random, size, count):
        """Any order, copies and batches, with a rebuild at any moment: the item is the lake's."""
        user = next(listeners)
        events = history(count, user, days=3)
        sent = events + random.choices(events, k=count // 2)
        random.shuffle(sent)
        middle = random.randrange(len(sent) + 1)
        for start in range(0, middle, size):
            apply(dynamodb, sent[start : min(start + size, middle)])
        rebuilder(dynamodb).rebuild(lake_of(random.sample(events, count // 2), user))
        for start in range(middle, len(sent), size):
            apply(dynamodb, sent[start : start + size])
        lake = lake_of(events, user)
        assert rebuilder(dynamodb).compare(lake).verdict is Verdict.EQUAL
        assert store(dynamodb).get(user) == folded_from_lake(lake, lookup).profile


def test_the_first_difference_of_plain_fields_is_their_name():
    """A field that is no mapping is named alone; equal profiles have no difference."""
    one = Profile(user_id="u", listened_ms=1)
    assert first_difference(one, Profile(user_id="u", listened_ms=2)) == "listened_ms"
    assert first_difference(one, Profile(user_id="u", listened_ms=1)) is None


class TestSpool:
    def day(self, events):
        rows = pa.Table.from_pylist([to_mapping(one) for one in events], schema=SCHEMA)
        count = LakeCount(rows=len(events), events=len(events), invalid=0)
        return LakeDay(day="2026-03-01", table=rows, count=count)

    def test_every_listener_has_all_events_in_one_bucket(self, tmp_path, monkeypatch):
        """However the days are cut, a listener's events of all days come together, once."""
        monkeypatch.setattr("musicrec.processor.profile_spool.ROWS_IN_HAND", 50)
        users = [f"listener-{number}" for number in range(40)] + ["宇"]
        events = [one for user in users for one in history(7, user)]
        Random(3).shuffle(events)
        spool = Spool(tmp_path / "spool")
        days = [self.day(events[start : start + 30]) for start in range(0, len(events), 30)]
        assert len(list(spool.fill(days))) == len(days)
        found = {
            listener.user_id: [one.event_id for piece in listener.events() for one in piece]
            for bucket in range(BUCKETS)
            for listener in spool.listeners(bucket)
        }
        assert {user: sorted(ids) for user, ids in found.items()} == {
            user: sorted(one.event_id for one in events if one.user_id == user) for user in users
        }
        assert [one.user_id for one in spool.listeners(bucket_of("宇"))] == ["宇"]

    def test_an_empty_lake_has_no_listeners(self, tmp_path):
        """No days make buckets that are empty."""
        spool = Spool(tmp_path)
        assert list(spool.fill([])) == []
        assert [list(spool.listeners(bucket)) for bucket in (0, BUCKETS - 1)] == [[], []]
