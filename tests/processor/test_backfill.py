"""Events of the past in the lake and the profiles."""

from random import Random

import pytest
from aws_world import DEPLOYMENT, listening

from musicrec.processor import backfill
from musicrec.processor.backfill import Backfill, BackfillError
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import Applied, ProfileStore
from musicrec.profile import Profile, fold
from musicrec.retry import Retries


def patiently() -> Retries:
    return Retries(remaining_ms=lambda: 60_000, wait=lambda _: None, random=Random(0))


@pytest.fixture
def happened():
    """One listener's events over some days."""
    return listening(users=1, plays=40)


@pytest.fixture
def writing(aws):
    """A backfill of the stack."""
    store = ProfileStore(aws.clients.dynamodb, DEPLOYMENT.profile_table)
    return Backfill(aws.clients.s3, DEPLOYMENT.bucket, store, lambda _: {}, patiently)


def test_the_lake_and_the_profile_hold_every_event_once(aws, writing, happened, monkeypatch):
    """Written twice, in pieces of any size, everything is there once, at its own time."""
    lake = Lake.of(DEPLOYMENT, aws.clients.session)
    for size in (7, 1000):
        monkeypatch.setattr(backfill, "PIECE", size)
        assert sum(writing.write(happened)) == len(happened)
    key = lambda event: (event.occurred_at, event.event_id)  # noqa: E731 - used twice below
    assert sorted(lake.events(), key=key) == sorted(happened, key=key)
    user = happened[0].user_id
    stored = ProfileStore(aws.clients.dynamodb, DEPLOYMENT.profile_table).get(user)
    assert stored == fold(Profile(user_id=user), ((event, None) for event in happened))


def test_writing_again_makes_no_more_files(aws, writing, happened):
    """Files are named by what they hold."""

    def names() -> set[str]:
        found = aws.clients.s3.list_objects_v2(Bucket=DEPLOYMENT.bucket, Prefix="raw/")
        return {row["Key"] for row in found["Contents"]}

    list(writing.write(happened))
    before = names()
    list(writing.write(reversed(happened)))
    assert names() == before
    assert all("/dt=20" in name for name in before)


def test_a_profile_that_takes_nothing_ends_it(writing, happened, monkeypatch):
    """The listener is told that the import may be repeated."""
    monkeypatch.setattr(
        writing._store, "apply", lambda *_: Applied(failed={"some event": "conflict"})
    )
    with pytest.raises(BackfillError, match="not doubled"):
        list(writing.write(happened))
