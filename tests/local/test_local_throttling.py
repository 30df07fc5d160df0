"""A stream that takes no more: what the API answers, what producers do, and that nothing is lost."""

import random
import time
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest
import requests

from musicrec import events
from musicrec.cli import SAMPLE
from musicrec.local.demo import filling, stations
from musicrec.local.running import running
from musicrec.producer.ingest import IngestionApi

pytestmark = pytest.mark.slow

TRACK_ID = "5SuOikwiRyPMVoIQDJUgSV"


class Clock:
    """The time that the stream goes by; it stands still unless it is moved on."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        """Epoch seconds."""
        return self.now

    def advance(self, seconds):
        """Let time pass."""
        self.now += seconds


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def running_stack(clock):
    with running(clock=clock) as stack:
        stack.prepare(SAMPLE)
        yield stack


@pytest.fixture
def stack(running_stack, clock):
    """The stack, its stream well rested."""
    clock.advance(10)
    return running_stack


def listening(user_id, count):
    """Completed plays of one listener, whose records all go to one shard."""
    return [
        events.ListeningEvent(
            event_id=events.new_event_id("throttling", f"{user_id}-{number}"),
            schema_version=1,
            user_id=user_id,
            session_id="s-1",
            track_id=TRACK_ID,
            event_type=events.EventType.COMPLETE,
            occurred_at=1_767_600_000_000 + 1_000 * number,
            listened_ms=200_000,
            duration_ms=210_000,
            source=events.Source.SIMULATED,
        )
        for number in range(count)
    ]


class Recording(requests.Session):
    """A session that keeps the event ids of every request, and what was answered."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def post(self, url, data, **more):
        """POST, and note it."""
        ids = [event["event_id"] for event in msgspec.json.decode(data)["events"]]
        answer = super().post(url, data=data, **more)
        self.sent.append((ids, answer.status_code, answer.json()))
        return answer


def stored(stack, user_id):
    """How often each event of a listener is on the stream."""
    kinesis = stack.server.aws.client("kinesis")
    found = Counter()
    for shard in kinesis.list_shards(StreamName=stack.deployment.stream)["Shards"]:
        for data in stations._shard_data(kinesis, stack.deployment.stream, shard["ShardId"]):
            event = events.decode(data)
            found[event.event_id] += event.user_id == user_id
    return +found


class TestApi:
    def test_207_names_the_events_that_were_throttled(self, stack):
        """Beyond a shard's rate the answer has one result an event; just the failed are missing."""
        session = Recording()
        api = IngestionApi(stack.deployment.api_url, stack.api_key, session=session, attempts=1)
        sent = listening("hot", 1_600)
        results = [api.send(sent[start : start + 400]) for start in range(0, 1_600, 400)]
        assert [len(result.failed) for result in results] == [0, 0, 200, 400]
        ids, status, body = session.sent[2]
        assert status == 207
        assert (body["accepted"], body["failed"]) == (200, 200)
        assert [row["index"] for row in body["results"]] == list(range(400))
        named = {ids[row["index"]] for row in body["results"] if row["status"] == "failed"}
        assert named == set(results[2].failed) == set(ids[200:])
        assert body["results"][-1]["error"] == "ProvisionedThroughputExceededException"
        assert "Rate exceeded for shard shardId-" in body["results"][-1]["message"]
        assert stored(stack, "hot") == Counter(event.event_id for event in sent[:1_000])


class TestProducer:
    def test_only_the_throttled_events_are_sent_again(self, stack, clock):
        """The producer gets everything onto the stream once, resending just what was refused."""
        session = Recording()
        api = IngestionApi(
            stack.deployment.api_url,
            stack.api_key,
            session=session,
            sleep=clock.advance,
            rng=random.Random(5),
        )
        sent = listening("busy", 1_900)
        assert api.send(sent).accepted == 1_900
        statuses = [status for _, status, _ in session.sent]
        assert statuses[:3] == [200, 200, 207]
        refused = []
        for ids, _, body in session.sent:
            assert not refused or ids == refused
            rows = body.get("results", [])
            refused = [ids[row["index"]] for row in rows if row["status"] == "failed"]
        assert stored(stack, "busy") == Counter(event.event_id for event in sent)


class TestWholePath:
    def test_stations_agree_over_throttling_and_reshards(self, stack):
        """Lake, profiles and Personalize hold each event once, with reshards under way."""
        stream, kinesis = stack.deployment.stream, stack.server.aws.client("kinesis")
        sent = [event for user in ("hot", "busy") for event in listening(user, 1_900)]
        on_stream = stored(stack, "hot") | stored(stack, "busy")
        sent = [event for event in sent if event.event_id in on_stream]
        for number, target in enumerate((2, 3, 6)):
            groups = [listening(f"listener-{number}-{each}", 30) for each in range(10)]
            sent += filling.send(stack, groups).events
            kinesis.update_shard_count(
                StreamName=stream, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
            )
        filling.drain(stack)
        counted = stations.count(stack, sent, len(sent), datetime.now(UTC))
        assert [station for station in counted if not station.agrees] == []
