"""Slow transitions by a clock that the test moves, failures on demand, lenient schemas."""

import pytest
from personalize_world import Clock, Embedded

from musicrec.local.personalize.life_cycle import (
    SCHEMA_CHECKS_VARIABLE,
    TRANSITIONS_VARIABLE,
    LifeCycle,
    Passage,
    kind_of,
)

DURATIONS = {
    "dataset-group": 100,
    "campaign": 100,
    "solution-version": 1000,
    "deletion": 100,
    "dataset": 0,
    "filter": 0,
    "event-tracker": 0,
    "dataset-import-job": 0,
    "solution": 0,
}


@pytest.fixture
def slow(embedded_at):
    """A region with data and slow steps from then on, the clock, and the application."""
    embedded, clock = embedded_at
    world = embedded.world().load()
    embedded.app.life_cycle = LifeCycle(transitions="slow", durations=DURATIONS)
    return world, clock, embedded.app


def statuses(clock, describe, *waits):
    """The states that are seen after each wait."""
    found = []
    for seconds in waits:
        clock.now += seconds
        found.append(describe()["status"])
    return found


class TestPassage:
    def test_phases_follow_the_clock(self):
        """Pending for a tenth of the time, then in progress, then over."""
        clock = Clock()
        passage = Passage(clock, clock(), 100)
        assert passage.phase("p", "i") == "p"
        clock.now += 10
        assert (passage.phase("p", "i"), passage.reached) == ("i", clock.now)
        clock.now += 90
        assert (passage.phase("p", "i"), passage.over) == (None, True)


class TestSettings:
    def test_environment_gives_them(self):
        """Defaults where it is silent."""
        assert LifeCycle.from_environment({}) == LifeCycle()
        given = {TRANSITIONS_VARIABLE: "slow", SCHEMA_CHECKS_VARIABLE: "lenient"}
        assert LifeCycle.from_environment(given) == LifeCycle(
            transitions="slow", schema_checks="lenient"
        )

    def test_kinds_are_read_from_arns(self):
        """A version is told from its solution."""
        prefix = "arn:aws:personalize:us-east-1:123456789012:"
        assert kind_of(prefix + "solution/a") == "solution"
        assert kind_of(prefix + "solution/a/0123abcd") == "solution-version"
        assert kind_of(prefix + "dataset/a/ITEMS") == "dataset"


class TestSlowTransitions:
    def test_group_becomes_active_in_aws_s_steps(self, slow):
        """And is of no use before."""
        world, clock, _ = slow
        arn = world.group("slow")

        def describe():
            return world.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]

        with pytest.raises(world.control.exceptions.ResourceInUseException):
            world.solution()
        with pytest.raises(world.control.exceptions.ResourceInUseException):
            world.control.delete_dataset_group(datasetGroupArn=arn)
        seen = statuses(clock, describe, 0, 50, 50)
        assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
        assert describe()["lastUpdatedDateTime"].timestamp() == clock.now

    def test_deleted_group_goes_in_steps(self, slow):
        """It is listed until the end, and its name is free then."""
        world, clock, _ = slow
        arn = world.group("leaving")
        clock.now += 100
        world.control.delete_dataset_group(datasetGroupArn=arn)

        def describe():
            return world.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]

        with pytest.raises(world.control.exceptions.ResourceAlreadyExistsException):
            world.group("leaving")
        assert statuses(clock, describe, 0, 50) == ["DELETE PENDING", "DELETE IN_PROGRESS"]
        assert len(world.control.list_dataset_groups()["datasetGroups"]) == 2
        clock.now += 50
        with pytest.raises(world.control.exceptions.ResourceNotFoundException):
            describe()
        assert world.group("leaving") == arn

    def test_training_and_campaign_take_their_time(self, slow):
        """A campaign serves once it is ACTIVE, and the old version until an update is."""
        world, clock, _ = slow
        solution = world.solution()
        control, runtime = world.control, world.runtime

        def train():
            arn = control.create_solution_version(solutionArn=solution)["solutionVersionArn"]

            def describe():
                return control.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]

            assert statuses(clock, describe, 0, 500) == ["CREATE PENDING", "CREATE IN_PROGRESS"]
            assert "trainingHours" not in describe()
            clock.now += 500
            assert world.finished(describe)["status"] == "ACTIVE"
            return arn

        first = train()
        campaign = control.create_campaign(name="c", solutionVersionArn=first)["campaignArn"]
        with pytest.raises(runtime.exceptions.InvalidInputException, match="CREATE PENDING"):
            world.recommend(campaign, userId="u001")
        clock.now += 100
        assert world.recommend(campaign, userId="u001")
        second = train()
        control.update_campaign(campaignArn=campaign, solutionVersionArn=second)

        def describe():
            return control.describe_campaign(campaignArn=campaign)["campaign"]

        assert describe()["status"] == "ACTIVE"
        assert describe()["latestCampaignUpdate"]["status"] == "CREATE PENDING"
        assert describe()["solutionVersionArn"] == first
        with pytest.raises(control.exceptions.ResourceInUseException):
            control.update_campaign(campaignArn=campaign, minProvisionedTPS=2)
        clock.now += 100
        assert describe()["latestCampaignUpdate"]["status"] == "ACTIVE"
        assert describe()["solutionVersionArn"] == second

    def test_training_can_be_stopped_while_its_time_runs(self, slow):
        """Even when the computation was done long before."""
        world, clock, _ = slow
        arn = world.control.create_solution_version(solutionArn=world.solution())[
            "solutionVersionArn"
        ]
        clock.now += 500
        world.control.stop_solution_version_creation(solutionVersionArn=arn)
        done = world.finished(
            lambda: world.control.describe_solution_version(solutionVersionArn=arn)[
                "solutionVersion"
            ]
        )
        assert done["status"] == "CREATE STOPPED"
        clock.now += 5000
        found = world.control.describe_solution_version(solutionVersionArn=arn)
        assert found["solutionVersion"]["status"] == "CREATE STOPPED"


class TestFailures:
    def test_what_fits_the_pattern_fails(self, slow):
        """With the reason given, after its time; others are spared."""
        world, clock, app = slow
        app.life_cycle = LifeCycle(
            transitions="slow",
            durations=DURATIONS,
            failures={"dataset-group/bad*": "no luck", "solution/doomed/*": "out of memory"},
        )
        arn = world.group("bad-one")
        found = world.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
        assert found["status"] == "CREATE PENDING"
        assert "failureReason" not in found
        clock.now += 100
        found = world.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
        assert (found["status"], found["failureReason"]) == ("CREATE FAILED", "no luck")
        world.control.delete_dataset_group(datasetGroupArn=arn)

    def test_job_fails_without_its_effect(self, world):
        """The training is not done at all."""
        app = world.embedded.app
        world.load()
        app.life_cycle = LifeCycle(failures={"solution/doomed/*": "out of memory"})
        try:
            done = world.train(world.solution(name="doomed"))
            spared = world.train(world.solution(name="spared"))
        finally:
            app.life_cycle = LifeCycle()
        assert (done["status"], done["failureReason"]) == ("CREATE FAILED", "out of memory")
        assert spared["status"] == "ACTIVE"


class TestLenientSchemas:
    def test_any_text_is_kept(self):
        """But no dataset can be made with one that is no schema."""
        server = Embedded(life_cycle=LifeCycle(schema_checks="lenient"))
        try:
            world = server.world()
            made = world.control.create_schema(name="s", schema="sth", domain="ECOMMERCE")
            found = world.control.describe_schema(schemaArn=made["schemaArn"])["schema"]
            assert (found["schema"], found["domain"]) == ("sth", "ECOMMERCE")
            world.group()
            with pytest.raises(world.control.exceptions.InvalidInputException, match="not ITEMS"):
                world.control.create_dataset(
                    name="d",
                    schemaArn=made["schemaArn"],
                    datasetGroupArn=world.arns["group"],
                    datasetType="Items",
                )
        finally:
            server.stop()
