"""From data to models: solutions, trainings, their metrics, and files of answers."""

import json
import re

import pytest

operation = pytest.mark.operation


class TestTraining:
    @operation("GetSolutionMetrics", "CreateSolutionVersion")
    def test_metrics_have_their_names(self, target, version):
        """Metrics are named and rounded to four decimals."""
        found = target.control.get_solution_metrics(solutionVersionArn=version)["metrics"]
        assert {"coverage", "mean_reciprocal_rank_at_25", "precision_at_5"} <= found.keys()
        assert all(value == round(value, 4) for value in found.values())

    @operation("CreateSolution")
    def test_hyperparameter_must_be_in_range(self, target, music):
        """A hyperparameter out of range is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_solution(
                name=target.name("range"),
                datasetGroupArn=music.group,
                recipeArn="arn:aws:personalize:::recipe/aws-user-personalization",
                solutionConfig={"algorithmHyperParameters": {"bptt": "99"}},
            )

    @operation("CreateSolutionVersion")
    def test_update_needs_a_recipe_that_takes_it(self, target, version):
        """TrainingMode UPDATE is refused for User-Personalization-v2."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_solution_version(
                solutionArn=version.rpartition("/")[0], trainingMode="UPDATE"
            )

    @operation("DeleteSolution")
    def test_deployed_solution_stays(self, target, version, campaign):
        """A solution with a campaign is not deletable."""
        assert campaign
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_solution(solutionArn=version.rpartition("/")[0])

    @operation("CreateCampaign")
    def test_following_campaign_needs_latest(self, target, version):
        """SyncWithLatestSolutionVersion needs a solutionVersionArn that ends in $LATEST."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_campaign(
                name=target.name("follows"),
                solutionVersionArn=version,
                campaignConfig={"syncWithLatestSolutionVersion": True},
            )


class TestVersions:
    @operation("StopSolutionVersionCreation", "DescribeSolutionVersion", "ListSolutionVersions")
    def test_finished_training_cannot_be_stopped(self, target, version):
        """Stopping an ACTIVE version is refused; its ARN is the solution's with eight characters."""
        solution, _, name = version.rpartition("/")
        assert re.fullmatch(r"[0-9a-f]{8}", name)
        listed = target.control.list_solution_versions(solutionArn=solution)["solutionVersions"]
        assert [entry["solutionVersionArn"] for entry in listed] == [version]
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.stop_solution_version_creation(solutionVersionArn=version)

    @operation("DescribeSolution", "ListSolutions")
    def test_solution_tells_its_latest_version(self, target, music, version):
        """A solution is described with its newest version, and listed by its group."""
        solution = version.rpartition("/")[0]
        found = target.control.describe_solution(solutionArn=solution)["solution"]
        assert found["latestSolutionVersion"]["solutionVersionArn"] == version
        assert found["performAutoTraining"] is False
        listed = target.control.list_solutions(datasetGroupArn=music.group)["solutions"]
        assert solution in [entry["solutionArn"] for entry in listed]

    @operation("DescribeCampaign", "ListCampaigns")
    def test_campaign_tells_its_version(self, target, version, campaign):
        """A campaign that was never updated has no latestCampaignUpdate."""
        found = target.control.describe_campaign(campaignArn=campaign)["campaign"]
        assert (found["solutionVersionArn"], found["minProvisionedTPS"]) == (version, 1)
        assert "latestCampaignUpdate" not in found
        listed = target.control.list_campaigns(solutionArn=version.rpartition("/")[0])["campaigns"]
        assert campaign in [entry["campaignArn"] for entry in listed]

    @operation("CreateBatchSegmentJob")
    def test_segments_need_their_recipe(self, target, version):
        """A version that does not segment users is refused with InvalidInputException."""
        path = f"s3://{target.bucket}/{target.name('segments')}/"
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_batch_segment_job(
                jobName=target.name("segments"),
                solutionVersionArn=version,
                jobInput={"s3DataSource": {"path": path + "in.json"}},
                jobOutput={"s3DataDestination": {"path": path}},
                roleArn=target.role_arn,
            )


class TestBatches:
    @operation("CreateBatchInferenceJob", "DescribeBatchInferenceJob")
    def test_output_has_a_line_for_each_line(self, target, batch):
        """The output file is the input's name with .out, line for line, and holds the scores."""
        described = target.control.describe_batch_inference_job(batchInferenceJobArn=batch)
        assert described["batchInferenceJob"]["numResults"] == 5
        lines = [json.loads(line) for line in target.written("batch")["batch.json.out"]]
        assert sorted(line["input"]["userId"] for line in lines) == ["nobody", "u001", "u002"]
        for line in lines:
            assert line["error"] is None
            assert len(line["output"]["recommendedItems"]) == len(line["output"]["scores"]) == 5

    @operation("CreateBatchInferenceJob", "CreateFilter")
    def test_each_line_fills_the_filter_s_placeholder(self, target, batch):
        """The filterValues of a line are those of its own answer."""
        assert batch
        for line in map(json.loads, target.written("batch")["batch.json.out"]):
            genre = line["input"]["filterValues"]["G"].strip('"')
            assert {item[:2] for item in line["output"]["recommendedItems"]} == {f"i{genre[1]}"}

    @operation("CreateBatchInferenceJob")
    def test_recipe_must_take_batches(self, target, affinity):
        """A version that segments users is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.batch("inference", "wrong", [{"userId": "u"}], solutionVersionArn=affinity)

    @operation("CreateBatchInferenceJob")
    @pytest.mark.parametrize("output", ["no-folder", "https://x/y/"])
    def test_output_must_be_a_folder_on_s3(self, target, version, output):
        """An output path that is none is refused with InvalidInputException."""
        path = output if "//" in output else f"s3://{target.bucket}/{target.name(output)}"
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_batch_inference_job(
                jobName=target.name("output"),
                solutionVersionArn=version,
                jobInput={"s3DataSource": {"path": target.folder("none") + "in.json"}},
                jobOutput={"s3DataDestination": {"path": path}},
                roleArn=target.role_arn,
            )

    @operation("CreateBatchSegmentJob", "DescribeBatchSegmentJob", "ListBatchSegmentJobs")
    def test_segment_holds_users_for_each_item(self, target, affinity, segments):
        """Each item gets as many users as asked for, and the job is listed under its version."""
        described = target.control.describe_batch_segment_job(batchSegmentJobArn=segments)
        assert described["batchSegmentJob"]["numResults"] == 10
        listed = target.control.list_batch_segment_jobs(solutionVersionArn=affinity)
        assert [entry["batchSegmentJobArn"] for entry in listed["batchSegmentJobs"]] == [segments]
        lines = [json.loads(line) for line in target.written("segment")["segment.json.out"]]
        assert sorted(line["input"]["itemId"] for line in lines) == ["i1-03", "i2-03"]
        for line in lines:
            (users,) = line["output"].values()
            assert len(users) == len(set(users)) == 10
