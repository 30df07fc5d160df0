import threading
from collections import Counter
from random import Random

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.events import DAY_MS, from_mapping, new_event_id
from musicrec.processor import profile_item
from musicrec.processor.profile_item import (
    EVENTS_PER_WRITE,
    SEEN_LIMIT,
    Seen,
    StoredProfile,
    UnreadableProfileError,
)
from musicrec.processor.profiles import ProfileStore
from musicrec.profile import Profile, fold
from musicrec.retry import Retries

TABLE = "profiles"
NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z
GENRES = tuple(f"genre-{number:03}" for number in range(114))
MAX_ITEM_BYTES = 64 * 1024


def track(number):
    return Track(
        track_id=f"{number:022}",
        name=f"Track {number}",
        artists=(f"Artist {number % 500}",),
        genres=(GENRES[number % 114], GENRES[(number * 7 + 1) % 114]),
        features=dict.fromkeys(AUDIO_FEATURES, number % 97 / 97),
    )


def lookup(track_ids):
    return {one: track(int(one)) for one in track_ids if int(one) < 5000}


def with_tracks(events):
    tracks = lookup({one.track_id for one in events})
    return [(one, tracks.get(one.track_id)) for one in events]


def folded(events, user="u"):
    return fold(Profile(user_id=user), with_tracks(events))


def event(number, kind="play", user="u", at=NOON, **fields):
    return from_mapping(
        {
            "event_id": new_event_id(user, number),
            "user_id": user,
            "session_id": "s",
            "track_id": f"{number % 6000:022}",
            "event_type": kind,
            "occurred_at": at,
            "source": "live",
            "schema_version": 1,
        }
        | fields
    )


def history(count, user="u", days=30, seed=1):
    """Plays and their ends, `count` events in the order of time."""
    random = Random(seed)
    times = sorted(random.randrange(days * DAY_MS) for _ in range(count))
    kinds = ("play", "complete", "play", "skip", "play", "stop", "pause")
    return [
        event(
            number,
            kinds[number % 7],
            user,
            NOON - days * DAY_MS + at,
            duration_ms=200_000,
            listened_ms=random.randrange(200_000),
        )
        for number, at in enumerate(times)
    ]


class Time:
    def __init__(self, remaining_ms=1_000_000.0):
        self.remaining_ms = remaining_ms

    def wait(self, seconds):
        self.remaining_ms -= seconds * 1000

    def retries(self):
        return Retries(remaining_ms=lambda: self.remaining_ms, wait=self.wait, random=Random(3))


def client():
    return boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def create_table(dynamodb):
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "part", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "part", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def dynamodb():
    with mock_aws():
        made = client()
        create_table(made)
        yield made


class Flaky:
    """A DynamoDB client in whose calls a test may put faults."""

    def __init__(self, dynamodb):
        self._dynamodb = dynamodb
        self.before = {}
        self.after = {}
        self.calls = Counter()

    def __getattr__(self, name):
        call = getattr(self._dynamodb, name)

        def watched(**arguments):
            self.calls[name] += 1
            self.before.get(name, lambda _: None)(arguments)
            answer = call(**arguments)
            return self.after.get(name, lambda given: given)(answer)

        return watched


class OneAtATime:
    """A DynamoDB client whose calls are atomic; moto's are not when threads make them."""

    def __init__(self, dynamodb):
        self._dynamodb, self._lock = dynamodb, threading.Lock()

    def __getattr__(self, name):
        def alone(**arguments):
            with self._lock:
                return getattr(self._dynamodb, name)(**arguments)

        return alone


@pytest.fixture
def flaky(dynamodb):
    return Flaky(dynamodb)


def store(dynamodb):
    return ProfileStore(dynamodb, TABLE)


def apply(dynamodb, events, time=None):
    return store(dynamodb).apply(events, lookup, (time or Time()).retries())


def refusal(code, status=400):
    answer = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutItem")


def times(count, fault):
    """Raise `fault` in the first `count` calls."""
    left = iter(range(count))

    def before(_):
        if next(left, None) is not None:
            raise fault

    return before


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
        events = history(2000, days=300)
        sent = events + random.sample(events, 600)
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
    def test_any_order_copies_and_batches_make_the_lakes_profile(self, random, size, count):
        """The stream's profile equals the fold over the distinct events."""
        events = history(count, days=3)
        sent = events + random.choices(events, k=count // 2)
        random.shuffle(sent)
        with mock_aws():
            dynamodb = client()
            create_table(dynamodb)
            for start in range(0, len(sent), size):
                apply(dynamodb, sent[start : start + size])
            assert store(dynamodb).get("u") == folded(events)

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


class TestFaults:
    def test_a_lost_write_is_repeated_on_what_won(self, dynamodb, flaky):
        """When another writer was faster, both writers' events are in the profile."""
        events = history(30)
        apply(dynamodb, events[:10])
        interruptions = iter([lambda: apply(dynamodb, events[10:20])])
        flaky.before["put_item"] = lambda _: next(interruptions, lambda: None)()
        report = apply(flaky, events[15:])
        assert (report.conflicts, report.events, report.duplicates) == (1, 10, 5)
        assert store(dynamodb).get("u") == folded(events)

    def test_concurrent_writers_lose_nothing(self, dynamodb):
        """Four writers with overlapping events of one listener leave each event once."""
        events = history(200)
        reports = []
        atomic = OneAtATime(dynamodb)

        def write(seed):
            mine = Random(seed).sample(events, 150)
            batches = [mine[start : start + 30] for start in range(0, 150, 30)]
            reports.extend(apply(atomic, batch) for batch in batches)

        threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [report.failed for report in reports] == [{}] * 20
        taken = {one.event_id for seed in range(4) for one in Random(seed).sample(events, 150)}
        assert store(dynamodb).get("u") == folded([e for e in events if e.event_id in taken])

    def test_a_write_whose_answer_was_lost_counts_once(self, dynamodb, flaky):
        """A write that arrived although its answer did not is recognised when repeated."""
        faults = iter([refusal("InternalServerError", 500)])

        def lose(answer):
            fault = next(faults, None)
            if fault:
                raise fault
            return answer

        flaky.after["put_item"] = lose
        report = apply(flaky, history(20))
        assert not report.failed
        assert store(dynamodb).get("u") == folded(history(20))

    @pytest.mark.parametrize("operation", ["batch_get_item", "update_item", "put_item"])
    def test_throttling_is_repeated(self, dynamodb, flaky, operation):
        """Throttled reads and writes are made again within the time."""
        events = history(1200, days=40)
        for start in range(0, 1000, 200):
            apply(dynamodb, events[start : start + 200])
        throttled = refusal("ProvisionedThroughputExceededException")
        flaky.before[operation] = times(3, throttled)
        assert not apply(flaky, events[1000:]).failed
        assert store(dynamodb).get("u") == folded(events)

    def test_keys_left_unprocessed_are_read_again(self, dynamodb, flaky):
        """A read that leaves keys out is completed before anything is written for them."""
        apply(dynamodb, history(10, "a") + history(10, "b"))
        left = iter([profile_item.key("b")])

        def leave_out(answer):
            key = next(left, None)
            if key is None:
                return answer
            items = [one for one in answer["Responses"][TABLE] if one["user_id"]["S"] != "b"]
            return {"Responses": {TABLE: items}, "UnprocessedKeys": {TABLE: {"Keys": [key]}}}

        flaky.after["batch_get_item"] = leave_out
        report = apply(flaky, history(12, "a", seed=2) + history(12, "b", seed=2))
        assert (report.events, report.conflicts) == (4, 1)

    def test_without_time_the_listeners_events_are_handed_back(self, flaky):
        """Events that could not be written in time are named with a reason; others are in."""
        throttled = refusal("ThrottlingException")

        def refuse(arguments):
            if arguments["Item"]["user_id"]["S"] == "a":
                raise throttled

        flaky.before["put_item"] = refuse
        report = apply(flaky, [event(1, user="a"), event(2, user="b")], Time(20_000))
        assert set(report.failed) == {event(1, user="a").event_id}
        assert report.events == 1

    def test_no_time_at_all_writes_nothing(self, flaky):
        """An invocation about to end hands everything back."""
        report = apply(flaky, [event(1)], Time(10))
        assert set(report.failed) == {event(1).event_id}
        assert not flaky.calls

    def test_an_item_that_dynamodb_refuses_does_not_stop_others(self, flaky):
        """One listener's impossible item fails that listener's events alone."""

        def refuse(arguments):
            if arguments["Item"]["user_id"]["S"] == "a":
                raise refusal("ValidationException")

        flaky.before["put_item"] = refuse
        report = apply(flaky, [event(1, user="a"), event(2, user="b")])
        assert set(report.failed) == {event(1, user="a").event_id}
        assert "ValidationException" in report.failed[event(1, user="a").event_id]

    def test_an_unreadable_item_is_named_and_stops_nobody_else(self, dynamodb):
        """A foreign item fails its listener's events with what to do."""
        item = {**profile_item.key("a"), "state": {"B": b"?"}, "version": {"N": "1"}}
        dynamodb.put_item(TableName=TABLE, Item=item)
        report = apply(dynamodb, [event(1, user="a"), event(2, user="b")])
        assert "rebuild" in report.failed[event(1, user="a").event_id]
        assert report.events == 1
        with pytest.raises(UnreadableProfileError, match="'a'"):
            store(dynamodb).get("a")

    def test_a_missing_table_stops_the_batch(self):
        """What no record is to blame for comes through as AWS says it."""
        with mock_aws(), pytest.raises(ClientError, match="ResourceNotFound"):
            apply(client(), [event(1)])


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

    def test_ten_years_stay_under_64_kb(self):
        """The main item is bounded for a listener of ten years of all genres and hours."""
        events = history(60_000, days=3650)
        events += [
            event(
                100_000 + number,
                "complete",
                at=NOON + number,
                track={"name": "n", "artists": ["宇" * 300 + str(number)]},
                track_id=f"{number:022}",
            )
            for number in range(200)
        ]
        seen = Seen(paged_until=NOON).with_events(events[-SEEN_LIMIT:])
        stored = StoredProfile(profile=folded(events), seen=seen, version=10**6)
        assert len(stored.profile.genres) == 114
        assert _size(profile_item.to_item(stored)) < MAX_ITEM_BYTES


def _size(value):
    """An item's size as DynamoDB counts it, near enough from above."""
    if isinstance(value, dict):
        return sum(len(key.encode()) + 3 + _size(inner) for key, inner in value.items())
    return len(value.encode() if isinstance(value, str) else value)
