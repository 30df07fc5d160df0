"""What changes, stops or goes: updates, stopped trainings, the order of deletion."""

import pytest
from personalize_data import RECIPE, avro

operation = pytest.mark.operation

WIDER = avro("Users", "USER_ID:string", "AGE:int?", "COUNTRY:string|?", "PLAN:string|?")


@pytest.fixture(scope="class")
def small(target, request):
    """A dataset group without data that has one of everything that needs none; to be deleted."""
    name = request.cls.__name__  # a class may run anywhere, and each changes what it has
    group = target.group(name)
    dataset = target.dataset(group, "Users", name)
    target.dataset(group, "Interactions", name)
    tracker, tracking_id = target.tracker(group, name)
    solution = target.solution(group, "aws-user-personalization-v2", name)
    kept = target.filter(group, 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")', name)
    return {
        "group": group,
        "dataset": dataset,
        "tracker": tracker,
        "trackingId": tracking_id,
        "solution": solution,
        "filter": kept,
    }


@pytest.fixture(scope="class")
def second(target, version, request):
    """A campaign of the version that may be changed, and goes at the end."""
    return target.campaign(version, request.cls.__name__)


class TestUpdates:
    @operation("UpdateDataset", "DescribeDataset")
    def test_dataset_takes_a_wider_schema(self, target, small):
        """An Users dataset takes a schema with one more nullable field, and tells when."""
        schema = target.schema(WIDER, "wider")
        control, dataset = target.control, small["dataset"]
        answer = control.update_dataset(datasetArn=dataset, schemaArn=schema)
        assert answer["datasetArn"] == dataset

        def done():
            found = control.describe_dataset(datasetArn=dataset)["dataset"]
            assert found["latestDatasetUpdate"]["schemaArn"] == schema
            return found["latestDatasetUpdate"]["status"] == "ACTIVE" and found

        assert target.until(done)["schemaArn"] == schema

    @operation("UpdateSolution", "DescribeSolution")
    def test_solution_takes_another_schedule(self, target, small):
        """UpdateSolution switches automatic training, and the latest update tells how."""
        control, solution = target.control, small["solution"]
        config = {
            "eventsConfig": {"eventParametersList": [{"eventType": "play", "weight": 0.5}]},
        }
        answer = control.update_solution(
            solutionArn=solution, performAutoTraining=False, solutionUpdateConfig=config
        )
        assert answer["solutionArn"] == solution

        def done():
            found = control.describe_solution(solutionArn=solution)["solution"]
            return found["latestSolutionUpdate"]["status"] == "ACTIVE" and found

        found = target.until(done)
        assert found["latestSolutionUpdate"]["performAutoTraining"] is False
        assert found["solutionConfig"]["eventsConfig"] == config["eventsConfig"]

    @operation("UpdateSolution")
    def test_bad_schedule_is_refused(self, target, small):
        """A schedule of more than thirty days is refused with InvalidInputException."""
        config = {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}}
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.update_solution(
                solutionArn=small["solution"], performAutoTraining=True, solutionUpdateConfig=config
            )

    @operation("UpdateCampaign", "DescribeCampaign")
    def test_campaign_follows_the_latest_version(self, target, version, second):
        """An update to $LATEST shows in latestCampaignUpdate, and the campaign goes on answering."""
        control, solution = target.control, version.rpartition("/")[0]
        control.update_campaign(
            campaignArn=second,
            solutionVersionArn=f"{solution}/$LATEST",
            campaignConfig={"syncWithLatestSolutionVersion": True},
        )
        assert target.runtime.get_recommendations(campaignArn=second, userId="u001")["itemList"]

        def done():
            found = control.describe_campaign(campaignArn=second)["campaign"]
            return found["latestCampaignUpdate"]["status"] == "ACTIVE" and found

        found = target.until(done)
        assert found["solutionVersionArn"] == version
        assert found["campaignConfig"]["syncWithLatestSolutionVersion"] is True

    @operation("UpdateCampaign")
    def test_update_to_an_unknown_version_is_refused(self, target, version, second):
        """A version that is not there is a ResourceNotFoundException."""
        with pytest.raises(target.control.exceptions.ResourceNotFoundException):
            target.control.update_campaign(
                campaignArn=second,
                solutionVersionArn=version[:-8] + "00000000",
                campaignConfig={"syncWithLatestSolutionVersion": False},
            )


class TestStopping:
    @operation("StopSolutionVersionCreation", "GetSolutionMetrics", "DescribeSolutionVersion")
    def test_stopped_training_has_no_metrics(self, target, music):
        """A training that is stopped ends in CREATE STOPPED, without metrics; a done one does not."""
        control = target.control
        solution = target.solution(music.group, "aws-user-personalization-v2", "stopped")
        arn = control.create_solution_version(solutionArn=solution)["solutionVersionArn"]

        def describe():
            return control.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]

        try:
            control.stop_solution_version_creation(solutionVersionArn=arn)
        except control.exceptions.InvalidInputException:
            assert describe()["status"] == "ACTIVE"  # it was done before it could be stopped
            return
        assert target.finished(describe)["status"] == "CREATE STOPPED"
        with pytest.raises(control.exceptions.InvalidInputException):
            control.get_solution_metrics(solutionVersionArn=arn)


class TestOrderOfDeletion:
    @operation(
        "DeleteDatasetGroup",
        "DeleteDataset",
        "DeleteEventTracker",
        "DeleteFilter",
        "DeleteSolution",
    )
    def test_group_goes_last(self, target, small):
        """Solution, tracker, filter, datasets, group: what is needed stays, what went is not found."""
        control, in_use = target.control, target.control.exceptions.ResourceInUseException
        group, dataset = small["group"], small["dataset"]
        with pytest.raises(in_use):
            control.delete_dataset_group(datasetGroupArn=group)
        with pytest.raises(in_use):
            control.delete_dataset(datasetArn=dataset)
        target.gone(control.delete_solution, control.describe_solution,
                  solutionArn=small["solution"])  # fmt: skip
        target.gone(control.delete_event_tracker, control.describe_event_tracker,
                  eventTrackerArn=small["tracker"])  # fmt: skip
        target.gone(control.delete_filter, control.describe_filter,
                  filterArn=small["filter"])  # fmt: skip
        for entry in control.list_datasets(datasetGroupArn=group)["datasets"]:
            with pytest.raises(in_use):
                control.delete_dataset_group(datasetGroupArn=group)
            target.gone(control.delete_dataset, control.describe_dataset,
                      datasetArn=entry["datasetArn"])  # fmt: skip
        target.gone(control.delete_dataset_group, control.describe_dataset_group,
                  datasetGroupArn=group)  # fmt: skip

    @operation("PutEvents")
    def test_deleted_tracker_takes_no_events(self, target, small):
        """A tracking id whose tracker is gone is refused with InvalidInputException."""
        event = {"eventType": "play", "itemId": "i0-00", "sentAt": 1_800_000_000}

        def refused():
            try:
                target.events.put_events(
                    trackingId=small["trackingId"], sessionId="s", eventList=[event]
                )
            except target.events.exceptions.InvalidInputException:
                return True
            return False

        assert target.until(refused)

    @operation("DeleteCampaign", "CreateCampaign")
    def test_deleted_campaign_answers_no_more(self, target, second):
        """A second campaign of a version goes, and then a request to it is not found."""
        target.gone(target.control.delete_campaign, target.control.describe_campaign,
                  campaignArn=second)  # fmt: skip
        with pytest.raises(target.runtime.exceptions.ResourceNotFoundException):
            target.runtime.get_recommendations(campaignArn=second, userId="u001")

    @operation("DeleteDataset")
    def test_dataset_of_a_campaign_stays(self, target, music, campaign):
        """A dataset of a group with a campaign is not deletable."""
        assert campaign
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_dataset(datasetArn=music.datasets["Users"])


class TestSolutions:
    @operation("CreateSolution")
    @pytest.mark.parametrize(
        ("recipe", "config"),
        [
            pytest.param(
                "aws-user-personalization",
                {"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "41"}}},
                id="41 training jobs",
            ),
            pytest.param(
                "aws-user-personalization",
                {"eventsConfig": {"eventParametersList": [{"eventType": "play"}]}},
                id="events of a first-generation recipe",
            ),
            pytest.param(
                "aws-user-personalization-v2",
                {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}},
                id="31 days",
            ),
            pytest.param(
                "aws-user-personalization-v2",
                {
                    "trainingDataConfig": {
                        "excludedDatasetColumns": {"INTERACTIONS": ["EVENT_TYPE"]}
                    }
                },
                id="EVENT_TYPE left out",
            ),
            pytest.param(
                "aws-user-personalization-v2",
                {"eventsConfig": {"eventParametersList": [{"eventType": "a", "weight": 1.5}]}},
                id="weight above 1",
            ),
        ],
    )
    def test_bad_configuration_is_refused(self, target, music, recipe, config):
        """A configuration that the recipe or the data cannot have is an InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_solution(
                name=target.name("bad"),
                datasetGroupArn=music.group,
                recipeArn=RECIPE + recipe,
                performAutoTraining=False,
                solutionConfig=config,
            )

    @operation("CreateSolution")
    def test_unknown_recipe_is_not_found(self, target, music):
        """A recipe that does not exist is a ResourceNotFoundException."""
        with pytest.raises(target.control.exceptions.ResourceNotFoundException):
            target.control.create_solution(
                name=target.name("bad"),
                datasetGroupArn=music.group,
                recipeArn=RECIPE + "aws-mind-reading",
            )


class TestFilters:
    @operation("CreateFilter")
    @pytest.mark.parametrize(
        "expression",
        [
            pytest.param('INCLUDE ItemID WHERE Items.YEAR IN ("a") AND Interactions.EVENT_TYPE IN '
                         '("play")', id="two datasets in one"),
            pytest.param("INCLUDE ItemID WHERE Interactions.EVENT_VALUE > 1", id="event value"),
            pytest.param("INCLUDE ItemID WHERE Items.YEAR > 1 IF Items.YEAR > 2", id="IF of items"),
            pytest.param("INCLUDE ItemID WHERE Items.GENRE IN ($A, $B)", id="two placeholders"),
            pytest.param("x" * 2501, id="too long"),
        ],
    )  # fmt: skip
    def test_expression_outside_the_language_is_refused(self, target, music, expression):
        """An expression that breaks a rule of the language is an InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_filter(
                name=target.name("bad"), datasetGroupArn=music.group, filterExpression=expression
            )
