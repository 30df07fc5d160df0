"""What a listener wishes, asked of a trained campaign through the filters that the stack makes."""

import time
from random import Random

import msgspec
import pytest
from aws_world import DEPLOYMENT, known_tracks, listening, world

from musicrec.datasets import daily, popular_list
from musicrec.events import EventType
from musicrec.personalize import campaigns, filters, foundation, imports, serving, solutions
from musicrec.personalize.answers import Applied
from musicrec.personalize.question import Question
from musicrec.research import reading
from musicrec.retry import Retries

pytestmark = pytest.mark.slow

RECIPE = "aws-user-personalization-v2"
USER = "user-003"
EXPLICIT = {track.track_id for track in known_tracks(30)[::3]}
PATIENT = Retries(remaining_ms=lambda: 10_000, wait=time.sleep, random=Random(1))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A trained stack with both filters; every third track is explicit."""
    with pytest.MonkeyPatch.context() as environment, world(environment) as aws:
        happened = listening()
        tracks = [
            msgspec.structs.replace(track, explicit=track.track_id in EXPLICIT)
            for track in known_tracks(30)
        ]
        aws.publish_catalog(tracks, tmp_path_factory.mktemp("catalog"))
        aws.put_in_lake(happened)
        aws.put_in_profiles(happened, tracks)
        for arn in daily.build(aws.clients, "musicrec", "2026-03-02").import_jobs.values():
            imports.wait(aws.clients, arn)
        ground = foundation.load(aws.clients, DEPLOYMENT)
        filters.ensure_no_skips(aws.clients, DEPLOYMENT, ground)
        filters.ensure_on_request(aws.clients, DEPLOYMENT, ground)
        weights = solutions.EVENT_WEIGHTS
        solution = solutions.ensure(aws.clients, ground, "s", RECIPE, event_weights=weights)
        campaigns.ensure(aws.clients, DEPLOYMENT, solutions.train(aws.clients, solution))
        yield aws


def heard(kind):
    """What the listener did with tracks, by event type."""
    return {e.track_id for e in listening() if e.user_id == USER and e.event_type is kind}


def ask(stack, **wishes):
    recommender = reading.recommender(stack.clients, DEPLOYMENT)
    question = Question(user_id=USER, num_results=30, **wishes)
    found = recommender.recommend(question, PATIENT)
    return {item.track_id for item in found.items}, found


class TestWishes:
    def test_without_wishes_everything_may_come(self, stack):
        """The other tests would also pass on an empty list."""
        tracks, _ = ask(stack, filter="none")
        assert tracks & EXPLICIT
        assert tracks & heard(EventType.PLAY)
        assert tracks & heard(EventType.SKIP)

    def test_skips_are_left_out(self, stack):
        """By the fixed filter."""
        tracks, _ = ask(stack)
        assert tracks
        assert not tracks & heard(EventType.SKIP)

    def test_explicit_tracks_are_left_out(self, stack):
        """Skips stay out as well."""
        tracks, found = ask(stack, explicit=False)
        assert tracks
        assert not tracks & (EXPLICIT | heard(EventType.SKIP))
        assert found.applied == Applied(filter="personalize", explicit="personalize")

    def test_what_was_played_is_left_out(self, stack):
        """And with explicit=false the explicit rest too; each wish alone leaves more."""
        unheard, _ = ask(stack, filter="none", exclude_recent=True)
        assert unheard
        assert not unheard & heard(EventType.PLAY)
        clean, found = ask(stack, filter="none", exclude_recent=True, explicit=False)
        assert clean == unheard - EXPLICIT != unheard
        assert found.filter_arn.endswith("filter/musicrec-on-request")

    def test_the_popular_list_stands_in(self, stack):
        """Where the campaign is gone the listener gets what the daily build counted."""

        class Gone:
            def get_all(self, names):
                return dict.fromkeys(names)

        recommender = reading.recommender(stack.clients, DEPLOYMENT)
        recommender._parameters = Gone()
        standing = popular_list.standing(stack.clients.s3, DEPLOYMENT.bucket)
        answer = serving.answer(
            Question(user_id=USER, explicit=False), recommender, lambda: standing, PATIENT
        )
        assert answer.fallback.reason == "NO_CAMPAIGN"
        assert not {item.track_id for item in answer.items} & EXPLICIT
        assert answer.items
