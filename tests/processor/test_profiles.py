"""Profiles in DynamoDB: what is applied, how it is stored, and read again."""

from itertools import count as count_up
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_world import (
    MAX_ITEM_BYTES,
    NOON,
    TABLE,
    apply,
    event,
    folded,
    history,
    store,
    times,
    track,
)

from musicrec.events import DAY_MS, EventType, ListeningEvent, Source, TrackInfo
from musicrec.processor import profile_item
from musicrec.processor.profile_item import EVENTS_PER_WRITE, SEEN_LIMIT, Seen, StoredProfile
from musicrec.profile import ARTIST_BYTES, Profile, fold

listeners = (f"listener-{number}" for number in count_up())
"""A new one for each example of a property, so that they can share a table."""


class TestApply:
    def test_events_of_many_listeners_enter_their_profiles(self, dynamodb):
        """More listeners than one read takes each get their own profile."""
        events = [one for n in range(130) for one in history(5, f"user-{n}", seed=n)]
        Random(1).shuffle(events)
        report = apply(dynamodb, events)
        assert (report.events, report.writes, report.duplicates) == (650, 130, 0)
        assert not report.failed
        for n in range(130):
            user = f"user-{n}"
            expected = folded(history(5, user, seed=n), user)
            assert store(dynamodb).get(user) == expected

    def test_copies_count_once(self, dynamodb):
        """Copies in a batch and across batches change nothing, and are counted as such."""
        events = history(20)
        apply(dynamodb, events + events[:5])
        report = apply(dynamodb, events[10:] + history(25)[20:])
        assert (report.events, report.duplicates) == (len(history(25)[20:]), 10)
        assert store(dynamodb).get("u").event_count == 25

    def test_nothing_new_writes_nothing(self, dynamodb):
        """A redelivered batch costs reads alone."""
        apply(dynamodb, history(20))
        assert apply(dynamodb, history(20)).writes == 0

    def test_a_large_batch_of_one_listener_takes_several_writes(self, dynamodb):
        """Many events of one listener are taken in bit by bit, all of them."""
        events = history(EVENTS_PER_WRITE * 2 + 10)
        assert apply(dynamodb, events).writes == 3
        assert store(dynamodb).get("u") == folded(events)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_years_shuffled_and_copied_count_once(self, dynamodb, seed):
        """With ids on pages, any order and copies of any age still give the profile of the lake."""
        random = Random(seed)
        events = history(1000, days=300)
        sent = events + random.sample(events, 300)
        random.shuffle(sent)
        for start in range(0, len(sent), 170):
            assert not apply(dynamodb, sent[start : start + 170]).failed
        assert apply(dynamodb, random.sample(events, 300)).events == 0
        assert store(dynamodb).get("u") == folded(events)

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(1, 60))
    def test_any_order_copies_and_batches_make_the_lakes_profile(
        self, dynamodb, random, size, count
    ):
        """The stream's profile equals the fold over the distinct events."""
        user = next(listeners)
        events = history(count, user, days=3)
        sent = events + random.choices(events, k=count // 2)
        random.shuffle(sent)
        for start in range(0, len(sent), size):
            apply(dynamodb, sent[start : start + size])
        assert store(dynamodb).get(user) == folded(events, user)

    def test_an_unknown_listener_has_no_profile(self, dynamodb):
        """Before the first event there is nothing."""
        assert store(dynamodb).get("nobody") is None


class TestPages:
    def items(self, dynamodb):
        return dynamodb.scan(TableName=TABLE)["Items"]

    def test_every_id_is_in_the_main_item_or_on_its_days_page(self, dynamodb):
        """After many events each id can be found where a copy would look for it."""
        events = history(2000, days=40)
        for start in range(0, len(events), 200):
            apply(dynamodb, events[start : start + 200])
        items = {one["part"]["S"]: one for one in self.items(dynamodb)}
        main = profile_item.from_item(items["profile"])
        assert len(main.seen.times) <= SEEN_LIMIT
        for one in events:
            known = main.seen.times.keys() | set(
                items.get(profile_item.page_part(one.occurred_at), {}).get("ids", {}).get("BS", [])
            )
            assert bytes.fromhex(one.event_id.replace("-", "")) in known

    def test_fresh_events_ask_no_page(self, dynamodb, flaky):
        """Only an event older than the newest page costs another read."""
        events = history(1500, days=40)
        for start in range(0, 1400, 200):
            apply(dynamodb, events[start : start + 200])
        apply(flaky, events[1400:])
        assert flaky.calls["batch_get_item"] == 1
        apply(flaky, events[:1])
        assert flaky.calls["batch_get_item"] == 3

    def test_a_crash_between_page_and_main_item_is_harmless(self, dynamodb, flaky):
        """When only the page was written, the repeated batch counts each event once."""
        events = history(1200, days=40)
        late = events[3]
        sent = [one for one in events if one is not late]
        for start in range(0, 1000, 200):
            apply(dynamodb, sent[start : start + 200])
        flaky.before["put_item"] = times(1, RuntimeError("the environment died"))
        with pytest.raises(RuntimeError):
            apply(flaky, [*sent[1000:], late])
        assert flaky.calls["update_item"] > 0
        report = apply(dynamodb, [*sent[1000:], late])
        assert report.events == len(sent[1000:]) + 1
        assert store(dynamodb).get("u") == folded(events)

    def test_ids_that_move_while_another_reads_are_found(self, dynamodb, flaky):
        """A writer that read before ids moved to a page loses, reads again and finds the copy."""
        events = history(1300, days=40)
        for start in range(0, 1000, 200):
            apply(dynamodb, events[start : start + 200])
        interruptions = iter([lambda: apply(dynamodb, events[1000:1250])])

        def interrupt(_):
            next(interruptions, lambda: None)()

        flaky.before["put_item"] = interrupt
        report = apply(flaky, [events[0], events[1299]])
        assert (report.events, report.duplicates, report.conflicts) == (1, 1, 1)
        expected = folded([*events[:1250], events[1299]])
        assert store(dynamodb).get("u") == expected


class TestScan:
    def test_it_gives_profiles_and_no_pages(self, dynamodb):
        """All listeners' profiles come, once each, whatever else is in the table."""
        events = history(1500, "a", days=40) + history(20, "b")
        apply(dynamodb, events)
        found = {profile.user_id: profile for profile in store(dynamodb).scan()}
        assert set(found) == {"a", "b"}
        assert found["a"] == folded(history(1500, "a", days=40), "a")


class TestItem:
    def test_the_summary_is_readable(self, dynamodb):
        """People see counts, rates, favourites and times beside the packed state."""
        track_info = {"name": "Jóga", "artists": ["Björk"]}
        apply(
            dynamodb,
            [event(1), event(2, "complete", track=track_info), event(3, "skip"), event(4, "pause")],
        )
        item = dynamodb.get_item(TableName=TABLE, Key=profile_item.key("u"))["Item"]
        assert {name: next(iter(value.values())) for name, value in item.items()} | {
            "state": b"", "events_by_type": {}
        } == {
            "user_id": "u", "part": "profile", "version": "1", "state": b"",
            "events": "4", "events_by_type": {}, "plays": "1", "completes": "1", "skips": "1",
            "stops": "0", "listened_ms": "0", "skip_rate": "0.5", "completion_rate": "0.5",
            "top_genre": "genre-002", "top_artist": "Björk", "last_track": f"{1:022}",
            "first_seen": "2026-03-01T12:00:00.000+00:00",
            "last_seen": "2026-03-01T12:00:00.000+00:00",
        }  # fmt: skip

    def test_it_survives_the_round_trip(self):
        """What is written is read back unchanged."""
        events = history(500, days=4000)
        seen = Seen(paged_until=5).with_events(events)
        stored = StoredProfile(profile=folded(events), seen=seen, version=7)
        assert profile_item.from_item(profile_item.to_item(stored)) == stored

    @pytest.mark.slow
    def test_ten_years_stay_under_64_kb(self):
        """The main item is bounded for a listener of ten years, 110 events a day, of all genres."""
        profile = Profile(user_id="宇" * 256)
        for year in range(10):
            profile = fold(profile, heavy_year(profile.user_id, year))
        newest = [*profile.plays, *profile.listens][-1].occurred_at
        times = {number.to_bytes(16, "big"): newest + number for number in range(SEEN_LIMIT)}
        stored = StoredProfile(
            profile=profile, seen=Seen(times=times, paged_until=newest), version=10**6
        )
        assert profile.event_count == 10 * 365 * 110
        assert len(profile.genres) == 114
        assert all(len(one.artist.encode()) == ARTIST_BYTES for one in profile.listens)
        assert 40_000 < _size(profile_item.to_item(stored)) < MAX_ITEM_BYTES


def heavy_year(user, year):
    """55 plays a day, heard to the end, by artists with the longest names, at every hour."""
    tracks = [track(number) for number in range(2000)]
    named = TrackInfo(name="n", artists=["宇" * 300])
    for place in range(365 * 110):
        number = year * 365 * 110 + place
        played = tracks[number * 7 % 2000]
        yield (
            ListeningEvent(
                event_id=f"00000000-0000-4000-8000-{number:012x}",
                user_id=user,
                session_id="s",
                track_id=played.track_id,
                event_type=EventType.COMPLETE if place % 2 else EventType.PLAY,
                occurred_at=NOON - 3650 * DAY_MS + number * (DAY_MS // 110),
                source=Source.LIVE,
                schema_version=1,
                listened_ms=200_000,
                duration_ms=200_000,
                track=named,
            ),
            played,
        )


def _size(value):
    """An item's size as DynamoDB counts it, near enough from above."""
    if isinstance(value, dict):
        return sum(len(key.encode()) + 3 + _size(inner) for key, inner in value.items())
    return len(value.encode() if isinstance(value, str) else value)
