"""Solutions that train by themselves, under slow transitions or an advanced clock."""

import pytest

from musicrec.local.personalize.auto_training import FIRST
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.life_cycle import LifeCycle
from musicrec.local.personalize.training_schedule import DAY, interval

BRIEF = dict.fromkeys(
    ("dataset-group", "dataset", "dataset-import-job", "event-tracker", "solution"), 0.0
)
SLOW = LifeCycle(transitions="slow", durations=BRIEF | {"solution-version": 60.0})


@pytest.fixture
def slow(embedded_at):
    """A region with data under slow transitions, and its clock."""
    server, clock = embedded_at
    server.app.life_cycle = SLOW
    return server.world().load(), clock


def versions(world, solution):
    """The solution's versions, oldest first, once none is being trained."""
    listed = world.control.list_solution_versions(solutionArn=solution)["solutionVersions"]
    return [
        world.control.describe_solution_version(solutionVersionArn=entry["solutionVersionArn"])[
            "solutionVersion"
        ]
        for entry in listed
    ]


def listen(world, second):
    """One more interaction."""
    world.send("u001", {"eventType": "play", "itemId": "i1-00", "sentAt": second})


class TestAutomaticTraining:
    def test_first_version_comes_within_an_hour_of_active(self, slow):
        """It says that nobody asked for it."""
        world, clock = slow
        solution = world.solution()
        clock.now += FIRST - 1
        assert versions(world, solution) == []
        clock.now += 1
        (version,) = versions(world, solution)
        assert version["trainingType"] == "AUTOMATIC"
        assert version["trainingMode"] == "FULL"
        clock.now += 61
        assert versions(world, solution)[0]["status"] == "ACTIVE"

    def test_training_by_hand_takes_its_place(self, slow):
        """The next one comes an interval after that."""
        world, clock = slow
        solution = world.solution()
        world.control.create_solution_version(solutionArn=solution)
        listen(world, 1_800_000_000)
        clock.now += 7 * DAY - 1
        assert [entry["trainingType"] for entry in versions(world, solution)] == ["MANUAL"]
        clock.now += 1
        found = [entry["trainingType"] for entry in versions(world, solution)]
        assert found == ["MANUAL", "AUTOMATIC"]

    def test_interval_without_news_is_passed_over(self, slow):
        """What comes afterwards waits for the next one."""
        world, clock = slow
        config = {"autoTrainingConfig": {"schedulingExpression": "rate(2 days)"}}
        solution = world.solution(solutionConfig=config)
        world.control.create_solution_version(solutionArn=solution)
        clock.now += 2 * DAY
        assert len(versions(world, solution)) == 1
        listen(world, 1_800_000_000)
        clock.now += DAY
        assert len(versions(world, solution)) == 1
        clock.now += DAY
        assert len(versions(world, solution)) == 2

    def test_switched_off_means_never(self, slow):
        """At once or later."""
        world, clock = slow
        never = world.solution(performAutoTraining=False)
        clock.now += 30 * DAY
        assert versions(world, never) == []

    def test_instant_transitions_train_nothing_until_the_clock_is_advanced(self, embedded_at):
        """Nobody is surprised by a training; whoever advances the clock asks for it."""
        server, clock = embedded_at
        world = server.world().load()
        solution = world.solution()
        clock.now += 30 * DAY
        assert versions(world, solution) == []
        server.app.advance(1)
        assert [entry["status"] for entry in versions(world, solution)] == ["ACTIVE"]

    def test_campaigns_can_follow(self, slow):
        """`$LATEST` serves what was trained automatically."""
        world, clock = slow
        solution = world.solution()
        clock.now += FIRST
        versions(world, solution)
        clock.now += 61
        assert versions(world, solution)[0]["status"] == "ACTIVE"
        arn = world.control.create_campaign(
            name="live",
            solutionVersionArn=f"{solution}/$LATEST",
            campaignConfig={"syncWithLatestSolutionVersion": True},
        )["campaignArn"]
        listen(world, 1_800_000_000)
        clock.now += 7 * DAY
        versions(world, solution)
        clock.now += 61
        newest = versions(world, solution)[1]["solutionVersionArn"]
        served = world.control.describe_campaign(campaignArn=arn)["campaign"]
        assert served["solutionVersionArn"] == newest


class TestInterval:
    def test_a_week_unless_said_otherwise(self):
        """The documented default."""
        assert interval({}) == 7 * DAY

    @pytest.mark.parametrize(("text", "days"), [("rate(1 day)", 1), ("rate(30 days)", 30)])
    def test_days(self, text, days):
        """One or several."""
        assert interval({"autoTrainingConfig": {"schedulingExpression": text}}) == days * DAY

    @pytest.mark.parametrize("text", ["rate(0 days)", "rate(31 days)", "rate(5 hours)"])
    def test_other_expressions_are_refused(self, text):
        """The message shows the form."""
        with pytest.raises(InvalidInputError, match="rate\\(value days\\)"):
            interval({"autoTrainingConfig": {"schedulingExpression": text}})
