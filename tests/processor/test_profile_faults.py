"""Profiles in DynamoDB while writes fail, race or are repeated."""

import threading
from random import Random

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from profile_world import (
    TABLE,
    OneAtATime,
    Time,
    apply,
    client,
    event,
    folded,
    history,
    refusal,
    store,
    times,
)

from musicrec.processor import profile_item
from musicrec.processor.profile_item import UnreadableProfileError


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

    def test_slow_writes_end_in_time(self, dynamodb, flaky):
        """When each write takes long, those that fit are made and the others are handed back."""
        time = Time(60_000)
        flaky.before["put_item"] = lambda _: time.wait(7)
        events = [event(1, user=f"u{number}") for number in range(30)]
        report = apply(flaky, events, time)
        assert 8 <= report.events < 20
        assert len(report.failed) == 30 - report.events == 30 - flaky.calls["put_item"]
        assert not apply(dynamodb, events).failed

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
        assert set(report.refused) == {event(1, user="a").event_id}
        assert "ValidationException" in report.refused[event(1, user="a").event_id]
        assert not report.failed

    def test_an_unreadable_item_is_named_and_stops_nobody_else(self, dynamodb):
        """A foreign item fails its listener's events with what to do."""
        item = {**profile_item.key("a"), "state": {"B": b"?"}, "version": {"N": "1"}}
        dynamodb.put_item(TableName=TABLE, Item=item)
        report = apply(dynamodb, [event(1, user="a"), event(2, user="b")])
        assert "rebuild" in report.refused[event(1, user="a").event_id]
        assert report.events == 1
        with pytest.raises(UnreadableProfileError, match="'a'"):
            store(dynamodb).get("a")

    def test_a_missing_table_stops_the_batch(self):
        """What no record is to blame for comes through as AWS says it."""
        with mock_aws(), pytest.raises(ClientError, match="ResourceNotFound"):
            apply(client(), [event(1)])
