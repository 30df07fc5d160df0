"""The hot path under Lambda's rules for batches: what is handed back comes again, in order."""

import json
import threading
from collections import defaultdict
from random import Random

import msgspec
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec import records
from musicrec.events import encode, from_mapping, new_event_id
from musicrec.local.batches import BatchRunner
from musicrec.local.batches import Record as StreamRecord
from musicrec.local.mappings import Mapping
from musicrec.local.parts import InvokeResult
from musicrec.processor import hot_path
from musicrec.retry import Retries

AT = 1_772_366_400_987
MAPPING = Mapping(
    uuid="m",
    stream_arn="arn:aws:kinesis:us-east-1:123456789012:stream/s",
    function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
    role_arn="arn:aws:iam::123456789012:role/r",
    starting_position="TRIM_HORIZON",
    bisect=True,
    partial_responses=True,
)


def play(number, session):
    return from_mapping(
        {
            "event_id": new_event_id(number),
            "user_id": f"user-{session % 2}",
            "session_id": f"session-{session}",
            "track_id": f"{number:022}",
            "event_type": "play",
            "occurred_at": AT + number,
            "source": "live",
            "schema_version": 1,
        }
    )


class Personalize:
    """Takes events, and throttles as often as a seed says."""

    def __init__(self, seed, share):
        self._random, self._share = Random(seed), share
        self._lock = threading.Lock()
        self.arrived = defaultdict(list)
        self.times = defaultdict(set)

    def put_events(self, *, userId, sessionId, eventList, **_):  # noqa: N803 # AWS's names
        with self._lock:
            if self._random.random() < self._share:
                answer = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
                raise ClientError(answer, "PutEvents")
            for event in eventList:
                first = not self.times[event["eventId"]]
                self.times[event["eventId"]].add(event["sentAt"])
                if first:
                    self.arrived[userId, sessionId].append(event["eventId"])


class Queue:
    def __init__(self):
        self.taken = []

    def send(self, poison, _retries):
        self.taken += poison
        return []


class Clock:
    """An invocation that has time for a few waits only."""

    def __init__(self):
        self.left = 8_400.0
        self._lock = threading.Lock()

    def wait(self, seconds):
        with self._lock:
            self.left -= seconds * 1000


def stream(sessions, poison):
    """Records of a shard: a play each, every so often something unreadable."""
    made = []
    for number, session in enumerate(sessions):
        data = b"\xff" if number in poison else encode(play(number, session))
        made.append(StreamRecord(str(49_000 + number * 3), "k", data, AT / 1000))
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.sets(st.integers(0, 79), max_size=5),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.3, 0.7]),
)
def test_throttling_loses_nothing_and_keeps_each_sessions_order(sessions, poison, seed, share):
    """Whatever is throttled and handed back, every event arrives, first arrivals in their order."""
    personalize, queue = Personalize(seed, share), Queue()

    def invoke(_, event):
        clock = Clock()
        retries = Retries(remaining_ms=lambda: clock.left, wait=clock.wait, random=Random(seed))
        outcome = hot_path.process(
            records.decode(json.loads(event)),
            personalize=personalize,
            tracking_id="t",
            queue=queue,
            retries=retries,
        )
        return InvokeResult(msgspec.json.encode(records.response(outcome.failed)))

    shard, done = stream(sessions, poison), []
    runner = BatchRunner(
        mapping=MAPPING, shard_id="shardId-000000000000", invoke=invoke,
        discard=lambda _: None, wait=lambda _: False, clock=lambda: AT / 1000,
    )  # fmt: skip
    runner.run(shard, done.append)
    assert sum(done) == len(shard)
    expected = defaultdict(list)
    for number, session in enumerate(sessions):
        if number not in poison:
            expected[f"user-{session % 2}", f"session-{session}"].append(new_event_id(number))
    assert personalize.arrived == expected
    assert all(len(times) == 1 for times in personalize.times.values())
    unreadable = {shard[number].sequence_number for number in poison if number < len(shard)}
    assert {one.sequence_number for one in queue.taken} == unreadable
