"""Slow changes: nothing takes effect before its time, and nothing else may touch it until then."""

import pytest
from botocore import xform_name
from personalize_data import avro, item_rows, listening_rows
from personalize_world import ROLE

from musicrec.local.personalize.life_cycle import LifeCycle

WIDER = ["ITEM_ID:string", "GENRE:string|?", "TEMPO:float?", "YEAR:int?", "MOOD:string|?"]
"""The fields of the usual Items schema, and one more."""

SLOW = LifeCycle(
    transitions="slow",
    durations={
        "dataset": 100,
        "dataset-import-job": 100,
        "data-deletion-job": 100,
        "solution": 100,
        "campaign": 100,
        "event-tracker": 100,
        "deletion": 0,
        "filter": 0,
        "dataset-export-job": 0,
    },
)


@pytest.fixture
def slow(embedded_at):
    """A region with data, a solution and a version, and slow steps from then on; and the clock."""
    embedded, clock = embedded_at
    world = embedded.world().load(items=item_rows())
    world.arns["solution"] = world.solution()
    world.arns["version"] = world.train(world.arns["solution"])["solutionVersionArn"]
    embedded.app.life_cycle = SLOW
    return world, clock


def computed(world, arn):
    """Wait until the work of a job is done, whatever its state shows."""
    job = world.embedded.app._region(world.region).find(arn)
    assert job.finished.wait(30)


def describing(world, noun, arn):
    """Wait until the work of a job is done; a function that describes it."""
    computed(world, arn)
    describe = getattr(world.control, f"describe_{xform_name(noun)}")
    return lambda: describe(**{f"{noun}Arn": arn})[noun]


def started(world, kind, header, rows, **options):
    """Begin an import; a function that describes it."""
    arn = world.control.create_dataset_import_job(
        jobName="slow",
        datasetArn=world.arns[kind],
        dataSource={"dataLocation": world.put_csv("slow.csv", header, rows)},
        roleArn=ROLE,
        **options,
    )["datasetImportJobArn"]
    return describing(world, "datasetImportJob", arn)


class TestImports:
    def test_data_appear_when_the_job_is_active(self, slow):
        """Not while it is in progress, however soon they were read."""
        world, clock = slow
        rows = listening_rows()[:2000]
        header = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
        describe = started(world, "Interactions", header, rows)
        before = len(world.export(name="first"))
        assert before > 2000
        clock.now += 99
        assert describe()["status"] == "CREATE IN_PROGRESS"
        assert len(world.export(name="second")) == before
        clock.now += 1
        assert describe()["status"] == "ACTIVE"
        assert len(world.export(name="third")) == 2000

    def test_dataset_stays_as_long(self, slow):
        """It is neither deleted nor given another schema while data come in."""
        world, _ = slow
        header = ["ITEM_ID", "GENRE", "TEMPO", "YEAR"]
        started(world, "Items", header, item_rows())
        wider = world.control.create_schema(name="wider", schema=avro("Items", *WIDER))["schemaArn"]
        in_use = world.control.exceptions.ResourceInUseException
        with pytest.raises(in_use):
            world.control.delete_dataset(datasetArn=world.arns["Items"])
        with pytest.raises(in_use):
            world.control.update_dataset(datasetArn=world.arns["Items"], schemaArn=wider)


class TestDeletionJobs:
    def test_users_go_when_the_job_is_completed(self, slow):
        """And the number of what was deleted is known then."""
        world, clock = slow
        location = world.put_csv("gone.csv", ["USER_ID"], [("u001",)])
        arn = world.control.create_data_deletion_job(
            jobName="slow",
            datasetGroupArn=world.arns["group"],
            dataSource={"dataLocation": location},
            roleArn=ROLE,
        )["dataDeletionJobArn"]
        describe = describing(world, "dataDeletionJob", arn)
        clock.now += 50
        assert describe()["status"] == "IN_PROGRESS"
        assert "u001" in {row["USER_ID"] for row in world.export(name="before")}
        world.control.delete_event_tracker(eventTrackerArn=world.arns["tracker"])
        with pytest.raises(world.control.exceptions.ResourceInUseException, match="deletion-job"):
            world.control.delete_dataset(datasetArn=world.arns["Interactions"])
        clock.now += 50
        assert describe()["status"] == "COMPLETED"
        assert describe()["numDeleted"] > 0
        assert "u001" not in {row["USER_ID"] for row in world.export(name="after")}


class TestDatasets:
    def test_new_schema_counts_when_the_update_is_active(self, slow):
        """Until then the dataset shows the old one and takes no other change."""
        world, clock = slow
        control, dataset = world.control, world.arns["Items"]
        wider = control.create_schema(name="wider", schema=avro("Items", *WIDER))["schemaArn"]
        control.update_dataset(datasetArn=dataset, schemaArn=wider)

        def describe():
            return control.describe_dataset(datasetArn=dataset)["dataset"]

        assert describe()["status"] == "ACTIVE"
        assert describe()["schemaArn"] != wider
        assert describe()["latestDatasetUpdate"]["schemaArn"] == wider
        assert describe()["latestDatasetUpdate"]["status"] == "CREATE PENDING"
        in_use = control.exceptions.ResourceInUseException
        with pytest.raises(in_use):
            control.update_dataset(datasetArn=dataset, schemaArn=wider)
        with pytest.raises(in_use):
            control.delete_dataset(datasetArn=dataset)
        with pytest.raises(in_use):
            started(world, "Items", ["ITEM_ID"], [])
        with pytest.raises(world.events.exceptions.ResourceInUseException):
            world.events.put_items(datasetArn=dataset, items=[{"itemId": "a", "properties": "{}"}])
        with pytest.raises(control.exceptions.InvalidInputException, match="no field MOOD"):
            world.filter('INCLUDE ItemID WHERE Items.MOOD IN ("x")')
        clock.now += 50
        assert describe()["latestDatasetUpdate"]["status"] == "CREATE IN_PROGRESS"
        clock.now += 50
        found = describe()
        assert (found["schemaArn"], found["latestDatasetUpdate"]["status"]) == (wider, "ACTIVE")
        assert found["latestDatasetUpdate"]["lastUpdatedDateTime"].timestamp() == clock.now
        world.filter('INCLUDE ItemID WHERE Items.MOOD IN ("x")')

    def test_old_schema_is_free_then(self, slow):
        """And is held until then."""
        world, clock = slow
        control, dataset = world.control, world.arns["Items"]
        old = control.describe_dataset(datasetArn=dataset)["dataset"]["schemaArn"]
        wider = control.create_schema(name="wider", schema=avro("Items", *WIDER))["schemaArn"]
        control.update_dataset(datasetArn=dataset, schemaArn=wider)
        for schema in (old, wider):
            with pytest.raises(control.exceptions.ResourceInUseException):
                control.delete_schema(schemaArn=schema)
        clock.now += 100
        control.delete_schema(schemaArn=old)


class TestSolutions:
    def test_update_takes_its_time(self, slow):
        """Trainings, deletion and another update wait for it."""
        world, clock = slow
        control, solution = world.control, world.arns["solution"]
        control.update_solution(solutionArn=solution, performAutoTraining=False)

        def describe():
            return control.describe_solution(solutionArn=solution)["solution"]

        assert describe()["performAutoTraining"] is True
        assert describe()["latestSolutionUpdate"]["performAutoTraining"] is False
        assert describe()["latestSolutionUpdate"]["status"] == "CREATE PENDING"
        in_use = control.exceptions.ResourceInUseException
        with pytest.raises(in_use):
            control.update_solution(solutionArn=solution, performAutoTraining=True)
        with pytest.raises(in_use):
            control.create_solution_version(solutionArn=solution)
        with pytest.raises(in_use):
            control.delete_solution(solutionArn=solution)
        clock.now += 100
        found = describe()
        assert found["performAutoTraining"] is False
        assert found["latestSolutionUpdate"]["status"] == "ACTIVE"
        control.delete_solution(solutionArn=solution)


class TestCampaigns:
    def test_update_leaves_everything_as_it_was_until_its_end(self, slow):
        """Configuration as well as version; and the campaign cannot go meanwhile."""
        world, clock = slow
        control = world.control
        campaign = control.create_campaign(name="c", solutionVersionArn=world.arns["version"])[
            "campaignArn"
        ]
        clock.now += 100
        control.update_campaign(campaignArn=campaign, minProvisionedTPS=3)

        def describe():
            return control.describe_campaign(campaignArn=campaign)["campaign"]

        assert describe()["minProvisionedTPS"] == 1
        assert describe()["latestCampaignUpdate"]["minProvisionedTPS"] == 3
        with pytest.raises(control.exceptions.ResourceInUseException):
            control.delete_campaign(campaignArn=campaign)
        assert world.recommend(campaign, userId="u001")
        due = clock.now + 100
        clock.now += 5000
        assert describe()["minProvisionedTPS"] == 3
        assert describe()["lastUpdatedDateTime"].timestamp() == due
        control.delete_campaign(campaignArn=campaign)

    def test_update_can_be_made_to_fail(self, slow):
        """At the end of its time; what was serves on, and holds nothing of what was to come."""
        world, clock = slow
        control, app = world.control, world.embedded.app
        campaign = control.create_campaign(name="c", solutionVersionArn=world.arns["version"])[
            "campaignArn"
        ]
        other = world.solution("aws-sims")
        clock.now += 100
        app.life_cycle = LifeCycle(transitions="slow", failures={"campaign/c": "no capacity"})
        version = control.create_solution_version(solutionArn=other)["solutionVersionArn"]
        computed(world, version)
        clock.now += 3000
        control.update_campaign(campaignArn=campaign, solutionVersionArn=version)

        def describe():
            return control.describe_campaign(campaignArn=campaign)["campaign"]

        assert describe()["latestCampaignUpdate"]["status"] == "CREATE PENDING"
        clock.now += 510
        found = describe()["latestCampaignUpdate"]
        assert (found["status"], found["failureReason"]) == ("CREATE FAILED", "no capacity")
        assert found["solutionVersionArn"] == version
        assert describe()["solutionVersionArn"] == world.arns["version"]
        assert world.recommend(campaign, userId="u001")
        control.delete_solution(solutionArn=other)
        app.life_cycle = SLOW
        control.update_campaign(campaignArn=campaign, minProvisionedTPS=2)

    def test_ranking_influence_is_refused(self, slow):
        """Rather than kept without effect."""
        world, _ = slow
        with pytest.raises(
            world.control.exceptions.InvalidInputException, match="rankingInfluence"
        ):
            world.control.create_campaign(
                name="c",
                solutionVersionArn=world.arns["version"],
                campaignConfig={"rankingInfluence": {"FRESHNESS": 0.5}},
            )

    def test_version_of_another_group_is_refused(self, slow):
        """A campaign is one of its dataset group's; another solution of the group will do."""
        world, _ = slow
        control = world.control
        world.embedded.app.life_cycle = LifeCycle()
        campaign = control.create_campaign(name="c", solutionVersionArn=world.arns["version"])[
            "campaignArn"
        ]
        sims = world.train(world.solution("aws-sims"))["solutionVersionArn"]
        control.update_campaign(campaignArn=campaign, solutionVersionArn=sims)
        world.group("other")
        world.dataset("Interactions", name="other")
        world.import_csv("Interactions", f"s3://{world.bucket}/Interactions.csv", "other")
        foreign = world.solution(name="foreign")
        foreign_version = world.train(foreign)["solutionVersionArn"]
        for arn in (foreign_version, f"{foreign}/$LATEST"):
            with pytest.raises(control.exceptions.InvalidInputException, match="another dataset"):
                control.update_campaign(campaignArn=campaign, solutionVersionArn=arn)
        found = control.describe_campaign(campaignArn=campaign)["campaign"]
        assert found["solutionVersionArn"] == sims

    def test_failed_one_can_be_updated(self, slow):
        """It serves when the update is done; while it is failed it does not hold the dataset."""
        world, clock = slow
        control, app = world.control, world.embedded.app
        app.life_cycle = LifeCycle(failures={"campaign/*": "no capacity"})
        campaign = control.create_campaign(name="c", solutionVersionArn=world.arns["version"])[
            "campaignArn"
        ]
        app.life_cycle = SLOW
        with pytest.raises(world.runtime.exceptions.InvalidInputException, match="CREATE FAILED"):
            world.recommend(campaign, userId="u001")
        control.update_campaign(campaignArn=campaign, minProvisionedTPS=2)
        clock.now += 99
        with pytest.raises(world.runtime.exceptions.InvalidInputException, match="CREATE FAILED"):
            world.recommend(campaign, userId="u001")
        clock.now += 1
        assert world.recommend(campaign, userId="u001")
        found = control.describe_campaign(campaignArn=campaign)["campaign"]
        assert (found["status"], "failureReason" in found) == ("ACTIVE", False)


class TestDeletionOrder:
    def test_failed_campaign_does_not_hold_a_dataset(self, world):
        """An ACTIVE one does."""
        world.load(items=item_rows())
        world.control.delete_event_tracker(eventTrackerArn=world.arns["tracker"])
        version = world.train(world.solution())["solutionVersionArn"]
        app = world.embedded.app
        app.life_cycle = LifeCycle(failures={"campaign/bad": "no capacity"})
        try:
            world.control.create_campaign(name="bad", solutionVersionArn=version)
        finally:
            app.life_cycle = LifeCycle()
        good = world.control.create_campaign(name="good", solutionVersionArn=version)["campaignArn"]
        with pytest.raises(world.control.exceptions.ResourceInUseException, match="campaign/good"):
            world.control.delete_dataset(datasetArn=world.arns["Items"])
        world.control.delete_campaign(campaignArn=good)
        world.control.delete_dataset(datasetArn=world.arns["Items"])


class TestTrackers:
    def test_tracker_takes_events_once_it_is_active(self, slow):
        """And not before; PutEvents declares InvalidInput only."""
        world, clock = slow
        world.control.delete_event_tracker(eventTrackerArn=world.arns["tracker"])
        world.arns["tracking_id"] = world.control.create_event_tracker(
            name="late", datasetGroupArn=world.arns["group"]
        )["trackingId"]
        event = {"eventType": "play", "itemId": "i0-00", "sentAt": 1_800_000_000}
        with pytest.raises(world.events.exceptions.InvalidInputException, match="CREATE PENDING"):
            world.send("u001", event)
        clock.now += 100
        world.send("u001", event)
