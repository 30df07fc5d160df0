"""Listeners, their events and a table of profiles that can fail, for tests of the profile store."""

import threading
from collections import Counter
from random import Random

import boto3
import pytest
from aws_world import create_profile_table
from botocore.exceptions import ClientError
from moto import mock_aws

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.events import DAY_MS, from_mapping, new_event_id
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


@pytest.fixture
def dynamodb():
    with mock_aws():
        made = client()
        create_profile_table(made, TABLE)
        yield made


class Flaky:
    """A DynamoDB client in whose calls a test may put faults."""

    def __init__(self, dynamodb):
        self._dynamodb = dynamodb
        self.before = {}
        self.after = {}
        self.calls = Counter()

    def get_paginator(self, name):
        return self._dynamodb.get_paginator(name)

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
