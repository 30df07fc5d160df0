"""Recommenders in time: new items come in, updates take their time and may fail, switches too."""

import json

import pytest
from personalize_data import video_rows, watching_rows
from personalize_domain import fill, listed, recommender

from musicrec.local.personalize.auto_update import INTERVAL
from musicrec.local.personalize.life_cycle import LifeCycle

LATEST = max(row[2] for row in watching_rows())
NEW = "brand-new"
WEEK = 7 * 86_400
SLOW = LifeCycle(
    transitions="slow", durations={"recommender": 1000, "switching": 100, "deletion": 0}
)
COLUMNS = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRES"]}}}


class Cinema:
    """A domain group with data, and a recommender that explores all it can."""

    def __init__(self, server, clock):
        self.app, self.clock = server.app, clock
        self.world = server.world()
        self.control = self.world.control
        fill(self.world)

    def open(self, recipe="aws-vod-top-picks", **config):
        """Make the recommender."""
        explored = {"itemExplorationConfig": {"explorationWeight": "1"}}
        given = (explored if recipe == "aws-vod-top-picks" else {}) | config
        self.arn = recommender(self.world, recipe, **given)
        return self.settle()

    def look(self):
        """The description of the moment."""
        return self.control.describe_recommender(recommenderArn=self.arn)["recommender"]

    def record(self):
        """What the application keeps of it."""
        return self.app._region(self.world.region).find(self.arn)

    def settle(self):
        """The description once no work is under way, whatever the states show."""
        record = self.record()
        for job in filter(None, (record, record.update)):
            assert job.finished.wait(30)
        return self.look()

    def update(self, **config):
        """Begin an update."""
        self.control.update_recommender(recommenderArn=self.arn, recommenderConfig=config)

    def state(self):
        """That of the latest update."""
        return self.look()["latestRecommenderUpdate"]["status"]

    def put(self, item=NEW):
        """A new video."""
        properties = {"genres": "g1|all", "creationTimestamp": LATEST}
        self.world.events.put_items(
            datasetArn=self.world.arns["Items"],
            items=[{"itemId": item, "properties": json.dumps(properties)}],
        )

    def list(self):
        """All that a user may be shown."""
        return listed(self.world, self.arn, userId="u001", numResults=500)


@pytest.fixture
def cinema(embedded_at):
    """A cinema on a server of its own."""
    return Cinema(*embedded_at)


class TestAutomaticUpdates:
    def test_new_item_comes_in_after_two_hours(self, cinema):
        """As with a campaign of User-Personalization."""
        cinema.open()
        cinema.put()
        cinema.clock.now += INTERVAL - 60
        assert NEW not in cinema.list()
        cinema.clock.now += 60
        assert NEW in cinema.list()

    def test_hours_count_from_when_it_is_active(self, cinema):
        """Not from when its training ended, long before its time."""
        cinema.app.life_cycle = SLOW
        cinema.open()
        cinema.put()
        cinema.clock.now += 1000 + INTERVAL - 60
        assert NEW not in cinema.list()
        cinema.clock.now += 60
        assert NEW in cinema.list()

    def test_hours_count_anew_with_a_new_model(self, cinema):
        """That of an update of the columns, which has learnt of the items itself."""
        cinema.open()
        cinema.app.life_cycle = SLOW
        cinema.put()
        cinema.update(**COLUMNS)
        cinema.settle()
        cinema.put("later")
        cinema.clock.now += 1000
        cinema.clock.now += INTERVAL - 60
        assert "later" not in cinema.list()
        cinema.clock.now += 60
        assert "later" in cinema.list()

    def test_use_cases_that_do_not_explore_take_in_nothing(self, cinema):
        """They wait for a training."""
        cinema.open("aws-vod-most-popular")
        cinema.put()
        cinema.clock.now += INTERVAL
        assert NEW not in cinema.list()


class TestUpdates:
    def test_update_takes_its_time(self, cinema):
        """Until its end the old settings hold, and nothing else may change."""
        before = cinema.open()["recommenderConfig"]
        cinema.app.life_cycle = SLOW
        begun = cinema.clock.now
        cinema.update(minRecommendationRequestsPerSecond=3)
        states = []
        for seconds in (0, 100, 899):
            cinema.clock.now += seconds
            states.append(cinema.state())
            assert cinema.look()["recommenderConfig"] == before
        assert states == ["CREATE PENDING", "CREATE IN_PROGRESS", "CREATE IN_PROGRESS"]
        assert cinema.look()["status"] == "ACTIVE"
        in_use = cinema.control.exceptions.ResourceInUseException
        for operation in ("stop", "delete"):
            with pytest.raises(in_use):
                getattr(cinema.control, f"{operation}_recommender")(recommenderArn=cinema.arn)
        with pytest.raises(in_use):
            cinema.update(minRecommendationRequestsPerSecond=4)
        assert cinema.list()
        cinema.clock.now += 51
        found = cinema.look()
        assert found["recommenderConfig"]["minRecommendationRequestsPerSecond"] == 3
        assert found["latestRecommenderUpdate"]["status"] == "ACTIVE"
        assert found["lastUpdatedDateTime"].timestamp() == begun + 1000

    def test_new_model_answers_when_the_update_is_active(self, cinema):
        """However soon it is trained; what it learnt of since is known then."""
        cinema.open()
        cinema.app.life_cycle = SLOW
        cinema.put()
        cinema.update(**COLUMNS)
        assert cinema.settle()["latestRecommenderUpdate"]["status"] == "CREATE PENDING"
        cinema.clock.now += 999
        assert NEW not in cinema.list()
        cinema.clock.now += 1
        assert cinema.state() == "ACTIVE"
        assert NEW in cinema.list()

    @pytest.mark.parametrize("config", [{"minRecommendationRequestsPerSecond": 3}, COLUMNS])
    def test_update_can_be_made_to_fail(self, cinema, config):
        """The reason is told, and all stays as it was; the next one may succeed."""
        before = cinema.open()["recommenderConfig"]
        cinema.app.life_cycle = LifeCycle(failures={"recommender/r": "no capacity"})
        cinema.update(**config)
        found = cinema.settle()
        assert found["latestRecommenderUpdate"]["status"] == "CREATE FAILED"
        assert found["latestRecommenderUpdate"]["failureReason"] == "no capacity"
        assert (found["status"], found["recommenderConfig"]) == ("ACTIVE", before)
        assert cinema.list()
        cinema.app.life_cycle = LifeCycle()
        cinema.update(**config)
        assert cinema.settle()["latestRecommenderUpdate"]["status"] == "ACTIVE"
        assert "failureReason" not in cinema.look()["latestRecommenderUpdate"]

    def test_training_that_fails_keeps_the_old_model(self, cinema):
        """Where the data have become too few meanwhile."""
        cinema.open()
        users = [(user,) for user in sorted({row[0] for row in watching_rows()})[2:]]
        location = cinema.world.put_csv("gone.csv", ["USER_ID"], users)
        job = cinema.control.create_data_deletion_job(
            jobName="gone",
            datasetGroupArn=cinema.world.arns["group"],
            dataSource={"dataLocation": location},
            roleArn="arn:aws:iam::123456789012:role/r",
        )["dataDeletionJobArn"]
        assert cinema.app._region(cinema.world.region).find(job).finished.wait(30)
        cinema.update(**COLUMNS)
        found = cinema.settle()
        assert "fewer than" in found["latestRecommenderUpdate"]["failureReason"]
        assert cinema.list()

    def test_stopped_one_is_not_updated(self, cinema):
        """It must be started first."""
        cinema.open()
        cinema.control.stop_recommender(recommenderArn=cinema.arn)
        with pytest.raises(cinema.control.exceptions.InvalidInputException, match="INACTIVE"):
            cinema.update(minRecommendationRequestsPerSecond=3)


class TestRetraining:
    """By the most popular videos, which a model learns of by training only."""

    def hit(self, cinema):
        """Everybody watches a new video."""
        for number in range(60):
            seen = {"eventType": "Watch", "itemId": NEW, "sentAt": LATEST + number}
            cinema.world.send(f"u{number:03}", seen)

    def open(self, cinema):
        """A recommender under slow transitions, ACTIVE, and the video then."""
        cinema.app.life_cycle = SLOW
        cinema.open("aws-vod-most-popular")
        cinema.clock.now += 1000
        cinema.world.arns["tracking_id"] = cinema.control.create_event_tracker(
            name="tracker", datasetGroupArn=cinema.world.arns["group"]
        )["trackingId"]
        cinema.clock.now += 60
        self.hit(cinema)

    def trained(self, cinema):
        """Whether a training was begun by itself; it is computed then."""
        cinema.look()
        record = cinema.record()
        return record.retraining is not None and record.retraining.finished.wait(30)

    def test_every_seven_days_it_learns_anew(self, cinema):
        """From when it was made; the old model answers until the training's time is over."""
        self.open(cinema)
        cinema.clock.now += WEEK - 1060 - 1
        assert not self.trained(cinema)
        cinema.clock.now += 1
        assert self.trained(cinema)
        assert NEW not in cinema.list()
        cinema.clock.now += 1000
        assert cinema.list()[0] == NEW
        assert "latestRecommenderUpdate" not in cinema.look()

    def test_stopped_it_learns_nothing(self, cinema):
        """Started again, it does what was due."""
        self.open(cinema)
        cinema.control.stop_recommender(recommenderArn=cinema.arn)
        cinema.clock.now += 2 * WEEK
        assert not self.trained(cinema)
        cinema.control.start_recommender(recommenderArn=cinema.arn)
        cinema.clock.now += 100
        assert self.trained(cinema)

    def test_update_of_the_columns_goes_before(self, cinema):
        """What was trained by the old ones is dropped; the next seven days begin with the update."""
        self.open(cinema)
        cinema.clock.now += WEEK
        assert self.trained(cinema)
        stale = cinema.record().retraining
        cinema.app.life_cycle = LifeCycle(transitions="slow", durations={"recommender": 10})
        cinema.update(**COLUMNS)
        cinema.settle()
        cinema.clock.now += 10
        assert cinema.list()[0] == NEW
        cinema.clock.now += 1000
        found = cinema.look()["recommenderConfig"]
        assert found["trainingDataConfig"] == COLUMNS["trainingDataConfig"]
        assert cinema.record().deployed.version is not stale
        cinema.clock.now += WEEK - 1011
        assert self.trained(cinema)
        assert cinema.record().retraining is stale
        cinema.clock.now += 1
        assert self.trained(cinema)
        assert cinema.record().retraining is not stale

    def test_training_that_fails_is_tried_a_week_later(self, cinema):
        """The old model answers on."""
        self.open(cinema)
        cinema.control.delete_event_tracker(
            eventTrackerArn=cinema.control.list_event_trackers()["eventTrackers"][0][
                "eventTrackerArn"
            ]
        )
        cinema.clock.now += 60
        before = cinema.list()
        cinema.control.delete_dataset(datasetArn=cinema.world.arns["Interactions"])
        cinema.clock.now += WEEK
        assert self.trained(cinema)
        failed = cinema.record().retraining
        cinema.clock.now += 1000
        assert failed.status == "CREATE FAILED"
        assert cinema.list() == before
        assert cinema.look()["status"] == "ACTIVE"
        cinema.clock.now += WEEK - 1000
        assert self.trained(cinema)
        assert cinema.record().retraining is not failed

    def test_nothing_trains_unasked_under_instant_transitions(self, cinema):
        """As solutions do not."""
        cinema.open("aws-vod-most-popular")
        cinema.clock.now += 2 * WEEK
        assert not self.trained(cinema)


class TestDatasets:
    def test_dataset_stays_while_something_learns_of_it(self, cinema):
        """While the recommender is made, and while an update is under way."""
        cinema.app.life_cycle = SLOW
        cinema.open()
        dataset = cinema.world.arns["Items"]
        in_use = cinema.control.exceptions.ResourceInUseException
        with pytest.raises(in_use, match="recommender/r"):
            cinema.control.delete_dataset(datasetArn=dataset)
        cinema.clock.now += 1000
        cinema.update(minRecommendationRequestsPerSecond=3)
        with pytest.raises(in_use, match="recommender/r"):
            cinema.control.delete_dataset(datasetArn=dataset)
        cinema.clock.now += 1000
        cinema.control.delete_dataset(datasetArn=dataset)

    def test_without_its_datasets_it_still_answers(self, cinema):
        """Nobody has watched anything any more, until it is streamed into a new dataset."""
        cinema.open()
        before = {item for item, *_ in video_rows()}
        cinema.put()
        for kind in ("Items", "Interactions"):
            cinema.control.delete_dataset(datasetArn=cinema.world.arns[kind])
        cinema.clock.now += INTERVAL
        assert set(cinema.list()) == before
        cinema.control.create_dataset(
            name="again",
            schemaArn=cinema.control.list_schemas()["schemas"][0]["schemaArn"],
            datasetGroupArn=cinema.world.arns["group"],
            datasetType="Interactions",
        )
        cinema.world.arns["tracking_id"] = cinema.control.create_event_tracker(
            name="tracker", datasetGroupArn=cinema.world.arns["group"]
        )["trackingId"]
        seen = {"eventType": "Watch", "itemId": "i1-03", "sentAt": 1_800_000_000}
        cinema.world.send("u001", seen)
        assert set(cinema.list()) == before - {"i1-03"}


class TestSwitching:
    def test_off_and_on_through_the_documented_states(self, cinema):
        """By the server's clock; it answers where it is ACTIVE."""
        cinema.open()
        cinema.app.life_cycle = SLOW
        seen = []
        for switch in (cinema.control.stop_recommender, cinema.control.start_recommender):
            begun = cinema.clock.now
            switch(recommenderArn=cinema.arn)
            for seconds in (0, 10, 90):
                cinema.clock.now += seconds
                seen.append(cinema.look()["status"])
                if seen[-1] != "ACTIVE":
                    with pytest.raises(cinema.world.runtime.exceptions.InvalidInputException):
                        cinema.list()
            assert cinema.look()["lastUpdatedDateTime"].timestamp() == begun + 100
        assert seen == [
            *("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE"),
            *("START PENDING", "START IN_PROGRESS", "ACTIVE"),
        ]
        assert cinema.list()

    def test_nothing_else_happens_meanwhile(self, cinema):
        """Neither another switch nor an update nor the end."""
        cinema.open()
        cinema.app.life_cycle = SLOW
        cinema.control.stop_recommender(recommenderArn=cinema.arn)
        in_use = cinema.control.exceptions.ResourceInUseException
        for operation in ("stop", "start", "delete"):
            with pytest.raises(in_use):
                getattr(cinema.control, f"{operation}_recommender")(recommenderArn=cinema.arn)
        with pytest.raises(in_use):
            cinema.update(minRecommendationRequestsPerSecond=3)
        cinema.clock.now += 100
        cinema.control.delete_recommender(recommenderArn=cinema.arn)
