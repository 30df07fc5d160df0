"""What Firehose takes for an event is what the consumers of the stream take for one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from musicrec import events, stack
from musicrec.events import EventType, InvalidEventError, Source
from musicrec.local.firehose.partitioning import Partitioner

PARTITIONER = Partitioner(stack.partition_query())

EVENT: dict[str, Any] = {
    "event_id": events.new_event_id("partition"),
    "schema_version": 1,
    "user_id": "björk",
    "session_id": "s-1",
    "track_id": "5SuOikwiRyPMVoIQDJUgSV",
    "event_type": "complete",
    "occurred_at": 1_767_600_000_123,
    "source": "live",
    "listened_ms": 200_000,
    "duration_ms": 210_000,
    "track": {"name": "宇多田ヒカル", "artists": ["Björk"]},
}

names = st.text(min_size=1, max_size=3) | st.sampled_from(["x" * n for n in (40, 64, 256, 257)])
numbers = st.sampled_from(
    [
        -1,
        0,
        1,
        1.5,
        2.0,
        86_400_000,
        86_400_001,
        946_684_800_000,
        946_684_799_999,
        4_102_444_800_000,
    ]
) | st.integers(-(2**40), 2**43)
anything = st.one_of(
    st.none(), st.booleans(), numbers, names, st.lists(names, max_size=2), st.just({}), st.just("")
)
tracks = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(names, st.just("n" * 1001), anything),
        "artists": st.one_of(st.lists(names, max_size=3), st.just(["a"] * 51), anything),
        "album": anything,
        "label": names,
    },
)
members = st.fixed_dictionaries(
    {},
    optional={
        "user_id": anything,
        "session_id": anything,
        "schema_version": st.sampled_from([1, 2, 1.0, "1", None, True]),
        "event_type": st.one_of(st.sampled_from([kind.value for kind in EventType]), anything),
        "source": st.one_of(st.sampled_from([source.value for source in Source]), anything),
        "occurred_at": anything,
        "listened_ms": anything,
        "duration_ms": anything,
        "position_ms": anything,
        "context_uri": anything,
        "device_type": anything,
        "recommendation_id": anything,
        "event_id": st.one_of(st.just("e" * 35), anything),
        "track_id": st.one_of(st.just("t" * 23), anything),
        "track": st.one_of(tracks, anything),
        "ip": names,
    },
)


def refusal(payload: bytes) -> str | None:
    """Why the stream's consumers call it poison, None if they don't."""
    try:
        events.decode(payload)
    except InvalidEventError as error:
        return str(error)
    return None


def partition(payload: bytes) -> str | None:
    """The day that Firehose puts it under, None if it goes to the errors."""
    (keys,) = PARTITIONER.keys([payload])
    return None if isinstance(keys, str) else dict(keys)["dt"]


class TestPartitionQuery:
    @given(changes=members, missing=st.sets(st.sampled_from(sorted(EVENT)), max_size=1))
    @example(changes={"user_id": ["somebody"]}, missing=set())
    @example(changes={"ip": "10.0.0.1"}, missing=set())
    @example(changes={}, missing={"session_id"})
    def test_takes_what_the_consumers_take(self, changes, missing):
        """Whatever is changed in an event, lake and consumers agree whether it is one."""
        document = {key: value for key, value in EVENT.items() if key not in missing} | changes
        payload = msgspec.json.encode(document)
        day = partition(payload)
        reason = refusal(payload)
        assert (day is None) == (reason is not None), reason

    @given(st.integers(events.MIN_OCCURRED_AT, events.MAX_OCCURRED_AT))
    def test_day_is_that_of_the_event(self, occurred_at):
        """The partition is the UTC day on which the event happened."""
        event = events.decode(msgspec.json.encode({**EVENT, "occurred_at": occurred_at}))
        assert partition(events.encode(event)) == event.occurred_on

    @pytest.mark.parametrize("payload", [b"[]", b"1", b'"text"', b"null", b"{}", b"{", b"\xff"])
    def test_what_is_no_object_is_an_error(self, payload):
        """It goes where failed records go."""
        assert partition(payload) is None

    def test_fits_into_a_parameter(self):
        """Firehose takes 5,120 characters on one line."""
        query = stack.partition_query()
        assert len(query) <= 5120
        assert "\n" not in query
