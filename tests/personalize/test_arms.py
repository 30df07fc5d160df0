"""Arms: who is dealt where, sessions that nobody trains on, and what is taken down again."""

from datetime import UTC, datetime

import msgspec
import pytest
from aws_world import DEPLOYMENT
from hypothesis import given
from hypothesis import strategies as st
from live_world import Live

from musicrec.events import EventType, ListeningEvent, Source
from musicrec.personalize import (
    arms,
    campaigns,
    exports,
    filters,
    journal,
    solutions,
    teardown,
)


class TestAssigned:
    @given(st.text(min_size=1), st.text(min_size=1))
    def test_stays(self, name, listener):
        """The same listener has the same arm in the same experiment."""
        first, second = (arms.assigned(name, listener, ["a", "b"]) for _ in range(2))
        assert first == second

    def test_arms_are_equally_large_and_dealt_anew(self):
        """Of two thousand listeners half are in each arm, and half of these in another experiment."""
        dealt = [
            (arms.assigned("x", str(n), "ab"), arms.assigned("y", str(n), "ab"))
            for n in range(2000)
        ]
        assert sum(one == "a" for one, _ in dealt) == pytest.approx(1000, abs=100)
        assert sum(pair == ("a", "a") for pair in dealt) == pytest.approx(500, abs=80)


@pytest.fixture
def campaign(aws, imported):
    """A campaign of User-Personalization-v2."""
    made = solutions.ensure(aws.clients, imported, "ours", "aws-user-personalization-v2")
    return campaigns.ensure(aws.clients, DEPLOYMENT, solutions.train(aws.clients, made))


def played(session, track_ids, kind=EventType.COMPLETE):
    return [
        ListeningEvent(
            event_id=f"00000000-0000-0000-0000-{number:012}",
            user_id=session,
            session_id=session,
            track_id=track_id,
            event_type=kind,
            occurred_at=1_772_323_200_000 + number * 60_000,
            source=Source.SIMULATED,
            schema_version=1,
            recommendation_id="RID-1",
        )
        for number, track_id in enumerate(track_ids)
    ]


@pytest.mark.slow
class TestSessions:
    def test_plays_move_the_list_and_belong_to_nobody(self, aws, imported, campaign):
        """Personalize answers the session by what it played, and holds no new interaction."""
        before, _ = arms.ask(aws.clients, campaign, "a session", 5)
        held = exports.count_interactions(aws.clients, DEPLOYMENT, imported, now=datetime.now(UTC))
        sent = arms.stream(
            aws.clients, imported.tracking_id, "a session", played("a session", before[::-1] * 3)
        )
        after, recommendation_id = arms.ask(aws.clients, campaign, "a session", 5)
        assert sent == 15
        assert after != before
        assert recommendation_id
        again = exports.count_interactions(aws.clients, DEPLOYMENT, imported, now=datetime.now(UTC))
        assert again.rows == held.rows

    def test_filter_leaves_out_what_the_session_skipped(self, aws, imported, campaign):
        """A filter sees a session's events as it sees a user's."""
        chosen = filters.ensure_no_skips(aws.clients, DEPLOYMENT, imported)
        before, _ = arms.ask(aws.clients, campaign, "b session", 3)
        skipped = played("b session", before[:1], EventType.SKIP)
        arms.stream(aws.clients, imported.tracking_id, "b session", skipped)
        after, _ = arms.ask(aws.clients, campaign, "b session", 3, filter_arn=chosen)
        assert before[0] not in after

    def test_an_arm_is_taken_down_alone(self, aws, campaign):
        """The stack's own campaign goes on answering; a campaign that is not there needs no step."""
        described = aws.clients.personalize.describe_campaign(campaignArn=campaign)["campaign"]
        version = described["solutionVersionArn"]
        campaigns.ensure(aws.clients, DEPLOYMENT, version, name="musicrec-other")
        steps = campaigns.removal(aws.clients, "musicrec-other")
        assert [(step.kind, step.name) for step in steps] == [("campaign", "musicrec-other")]
        teardown.execute(aws.clients, steps, dry_run=False)
        assert campaigns.removal(aws.clients, "musicrec-other") == []
        assert arms.ask(aws.clients, campaign, "somebody", 2)[0]


def test_what_is_no_interaction_is_not_sent():
    """A pause says nothing about liking, so no call is made."""
    live = Live()
    assert arms.stream(live, "tracker", "a session", played("a", ["a" * 22], EventType.PAUSE)) == 0
    assert live.personalize_events.calls == []


class Entry(msgspec.Struct):
    number: int


class TestJournal:
    def kept(self, aws):
        return journal.kept(aws.clients.s3, DEPLOYMENT.bucket, "first/lists", Entry)

    def test_goes_on_with_what_was_kept(self, aws):
        """The second block finds what the first appended."""
        with self.kept(aws) as entries:
            assert entries == []
            entries.append(Entry(1))
        with self.kept(aws) as entries:
            entries.append(Entry(2))
        with self.kept(aws) as entries:
            assert entries == [Entry(1), Entry(2)]

    def test_failure_loses_nothing(self, aws):
        """What was done before an error is kept, and the error is raised."""

        def fail():
            with self.kept(aws) as entries:
                entries.append(Entry(1))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        with self.kept(aws) as entries:
            assert entries == [Entry(1)]

    def test_reading_alone_writes_nothing(self, aws):
        """A block that appends nothing leaves no object behind."""
        with self.kept(aws):
            pass
        listed = aws.clients.s3.list_objects_v2(
            Bucket=DEPLOYMENT.bucket, Prefix=f"{journal.PREFIX}first"
        )
        assert listed["KeyCount"] == 0


class TestRecipes:
    def test_only_the_second_generation_takes_weights(self):
        """Weights leave skips out of training; earlier recipes refuse them."""
        assert solutions.weights_for("aws-user-personalization-v2") == solutions.EVENT_WEIGHTS
        assert solutions.weights_for("aws-sims") is None

    def test_trainings_are_priced_by_their_family(self):
        """One line a recipe, by its name: interactions for v2, hours for earlier ones."""
        found = solutions.estimate(["aws-user-personalization-v2", "aws-sims"], 100_000)
        assert [(line.what, line.unit) for line in found.lines] == [
            ("train user-personalization-v2", "1000 interactions"),
            ("train sims", "training hours"),
        ]
        assert found.once == pytest.approx(0.2 + 2.135 * 0.24)
        assert solutions.estimate([], 1).once == 0

    def test_metrics_have_short_names(self):
        """Depths stay; a metric without a short name keeps its own in words."""
        found = solutions.short_metrics(
            {
                "normalized_discounted_cumulative_gain_at_10": 0.1,
                "normalized_discounted_cumulative_gain_with_event_weights_at_5": 0.2,
                "mean_reciprocal_rank_at_25": 0.3,
                "average_rewards_at_k": 0.4,
                "coverage": 0.5,
            }
        )
        assert found == {
            "NDCG@10": 0.1,
            "NDCG by event weight@5": 0.2,
            "MRR@25": 0.3,
            "average rewards at k": 0.4,
            "coverage": 0.5,
        }
