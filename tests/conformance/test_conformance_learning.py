"""From files to answers: imports, trainings, campaigns, batches, events, recommendations."""

import json
import re

import pytest
from personalize_data import HEADERS, item_rows, listening_rows

operation = pytest.mark.operation


def names(answer):
    """The items of an answer."""
    return [entry["itemId"] for entry in answer["itemList"]]


class TestImports:
    @operation("CreateDatasetImportJob", "DescribeDatasetImportJob")
    def test_missing_column_fails_the_job(self, target, music):
        """A file without a required column fails the job, which names the column."""
        rows = [row[:3] for row in item_rows()]
        header = ["ITEM_ID", "GENRE", "TEMPO"]
        done = target.import_rows(music.datasets["Items"], "Items", rows, "missing", header)
        assert done["status"] == "CREATE FAILED"
        assert "YEAR" in done["failureReason"]

    @operation("CreateDatasetImportJob")
    def test_nothing_there_fails_the_job(self, target, music):
        """A location with no file is a failed job, not a refused call."""
        arn = target.control.create_dataset_import_job(
            jobName=target.name("nothing"),
            datasetArn=music.datasets["Items"],
            dataSource={"dataLocation": f"s3://{target.bucket}/{target.name('nothing')}.csv"},
            roleArn=target.role_arn,
        )["datasetImportJobArn"]
        done = target.finished(
            lambda: target.control.describe_dataset_import_job(datasetImportJobArn=arn)[
                "datasetImportJob"
            ]
        )
        assert done["status"] == "CREATE FAILED"

    @operation("CreateDatasetImportJob", "ListDatasetImportJobs")
    @pytest.mark.parametrize(
        ("row", "text"),
        [
            pytest.param(("x" * 257, "g", 1, 1), "256", id="long id"),
            pytest.param(("a", "g" * 1001, 1, 1), "1000", id="long category"),
        ],
    )
    def test_long_value_fails_the_job(self, target, music, row, text):
        """A value longer than its column takes fails the job, which names the limit."""
        name = f"long-{text}"
        done = target.import_rows(music.datasets["Items"], "Items", [row], name)
        assert done["status"] == "CREATE FAILED"
        assert text in done["failureReason"]
        jobs = target.control.list_dataset_import_jobs(datasetArn=music.datasets["Items"])
        assert done["datasetImportJobArn"] in [
            job["datasetImportJobArn"] for job in jobs["datasetImportJobs"]
        ]

    @operation("CreateDatasetImportJob")
    def test_few_interactions_fail_the_job(self, target, untouched):
        """Fewer than a thousand interactions fail the job."""
        done = target.import_rows(untouched, "Interactions", listening_rows()[:999], "few")
        assert done["status"] == "CREATE FAILED"

    @operation("CreateDatasetImportJob")
    def test_first_import_is_full(self, target, group):
        """The first import into a dataset may not be INCREMENTAL."""
        dataset = target.dataset(group, "Items", "first")
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_dataset_import_job(
                jobName=target.name("first"),
                datasetArn=dataset,
                dataSource={"dataLocation": f"s3://{target.bucket}/x.csv"},
                roleArn=target.role_arn,
                importMode="INCREMENTAL",
            )


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


class TestRecommendations:
    @operation("GetRecommendations")
    def test_default_is_25_with_falling_scores(self, target, campaign):
        """25 items by default, scores falling, rounded to seven decimals, and an RID."""
        answer = target.runtime.get_recommendations(campaignArn=campaign, userId="u001")
        scores = [entry["score"] for entry in answer["itemList"]]
        assert len(scores) == 25
        assert scores == sorted(scores, reverse=True)
        assert all(score == round(score, 7) for score in scores)
        assert re.match(r"RID-", answer["recommendationId"])

    @operation("GetRecommendations")
    @pytest.mark.parametrize(
        "params",
        [
            pytest.param({}, id="no userId"),
            pytest.param({"userId": "u", "numResults": 501}, id="501 results"),
            pytest.param(
                {"userId": "u", "numResults": 51, "metadataColumns": {"ITEMS": ["GENRE"]}},
                id="51 results with metadata",
            ),
            pytest.param(
                {"userId": "u", "metadataColumns": {"ITEMS": ["MOOD"]}}, id="unknown column"
            ),
            pytest.param(
                {"userId": "u", "metadataColumns": {"ITEMS": ["GENRE"] * 11}}, id="11 columns"
            ),
            pytest.param(
                {"userId": "u", "promotions": [{"name": "a"}, {"name": "b"}]}, id="two promotions"
            ),
            pytest.param(
                {"userId": "u", "filterValues": {f"P{n}": "1" for n in range(26)}},
                id="26 filter values",
            ),
            pytest.param(
                {"userId": "u", "context": {f"K{n}": "1" for n in range(151)}}, id="context of 151"
            ),
        ],
    )
    def test_bad_request_is_refused(self, target, campaign, params):
        """A request outside the limits is refused with InvalidInputException."""
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_recommendations(campaignArn=campaign, **params)

    @operation("GetRecommendations")
    def test_unknown_campaign_is_not_found(self, target, campaign):
        """An unknown campaign is a ResourceNotFoundException."""
        with pytest.raises(target.runtime.exceptions.ResourceNotFoundException):
            target.runtime.get_recommendations(campaignArn=campaign + "-not", userId="u")

    @operation("GetRecommendations")
    def test_unknown_user_is_answered(self, target, campaign):
        """An unknown user gets items and no error."""
        assert names(target.runtime.get_recommendations(campaignArn=campaign, userId="nobody"))

    @operation("GetRecommendations")
    def test_metadata_are_texts(self, target, campaign):
        """Metadata come as text, without the campaign's consent for a recipe of version 2."""
        item = target.runtime.get_recommendations(
            campaignArn=campaign, userId="u001", numResults=1, metadataColumns={"ITEMS": ["YEAR"]}
        )["itemList"][0]
        years = {row[0]: str(row[3]) for row in item_rows()}
        assert list(item["metadata"].values()) == [years[item["itemId"]]]

    @operation("CreateFilter", "GetRecommendations")
    def test_filter_takes_values(self, target, music, campaign):
        """Values in double quotes fill a placeholder; INCLUDE without them is refused."""
        kept = target.filter(music.group, "INCLUDE ItemID WHERE Items.GENRE IN ($G)", "genre")
        found = target.runtime.get_recommendations(
            campaignArn=campaign,
            userId="u000",
            numResults=60,
            filterArn=kept,
            filterValues={"G": '"g1","g2"'},
        )
        assert {item[:2] for item in names(found)} == {"i1", "i2"}
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_recommendations(campaignArn=campaign, userId="u0", filterArn=kept)

    @operation("GetRecommendations")
    def test_promoted_items_are_named(self, target, music, campaign):
        """A promotion fills its share of the places and names its items."""
        kept = target.filter(music.group, 'INCLUDE ItemID WHERE Items.GENRE IN ("g3")', "promote")
        promotion = {"name": "new", "percentPromotedItems": 50, "filterArn": kept}
        answer = target.runtime.get_recommendations(
            campaignArn=campaign, userId="u001", numResults=10, promotions=[promotion]
        )["itemList"]
        chosen = [entry["itemId"] for entry in answer if entry.get("promotionName") == "new"]
        assert len(chosen) == 5
        assert {item[:2] for item in chosen} == {"i3"}

    @operation("GetPersonalizedRanking")
    def test_ranking_holds_every_item_and_its_scores_make_one(self, target, ranking):
        """The input list comes back ranked; scores sum to 1."""
        wanted = ["i0-01", "i1-01", "i2-01", "i3-01"]
        answer = target.runtime.get_personalized_ranking(
            campaignArn=ranking, userId="u002", inputList=wanted
        )["personalizedRanking"]
        assert sorted(entry["itemId"] for entry in answer) == wanted
        assert sum(entry["score"] for entry in answer) == pytest.approx(1, abs=1e-5)

    @operation("GetPersonalizedRanking")
    @pytest.mark.parametrize(
        "params",
        [
            pytest.param({"inputList": ["i"] * 501}, id="501 items"),
            pytest.param(
                {"inputList": ["i"] * 51, "metadataColumns": {"ITEMS": ["GENRE"]}},
                id="51 items with metadata",
            ),
        ],
    )
    def test_long_list_is_refused(self, target, ranking, params):
        """A list beyond the limit is refused with InvalidInputException."""
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_personalized_ranking(campaignArn=ranking, userId="u", **params)

    @operation("GetPersonalizedRanking", "GetRecommendations")
    def test_recipe_decides_the_operation(self, target, campaign, ranking):
        """A ranking campaign gives no recommendations, and the other one ranks nothing."""
        bad = target.runtime.exceptions.InvalidInputException
        with pytest.raises(bad):
            target.runtime.get_recommendations(campaignArn=ranking, userId="u001")
        with pytest.raises(bad):
            target.runtime.get_personalized_ranking(
                campaignArn=campaign, userId="u001", inputList=["i0-00"]
            )

    @operation("GetPersonalizedRanking")
    def test_metadata_stand_beside_the_ranks(self, target, ranking):
        """Each ranked item has the column that was asked for."""
        answer = target.runtime.get_personalized_ranking(
            campaignArn=ranking,
            userId="u001",
            inputList=["i0-01", "i1-01"],
            metadataColumns={"ITEMS": ["YEAR"]},
        )["personalizedRanking"]
        found = {entry["itemId"]: list(entry["metadata"].values()) for entry in answer}
        assert found == {"i0-01": ["1990"], "i1-01": ["1991"]}


class TestEvents:
    @operation("PutEvents", "GetRecommendations")
    def test_filter_sees_an_event_soon(self, target, music, campaign):
        """A streamed event is filtered out of the answers that follow."""
        kept = target.filter(
            music.group, 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")', "skips"
        )
        params = {"campaignArn": campaign, "userId": "u010", "filterArn": kept}
        first = names(target.runtime.get_recommendations(**params))[0]
        target.events.put_events(
            trackingId=music.tracking_id,
            userId="u010",
            sessionId="s",
            eventList=[{"eventType": "skip", "itemId": first, "sentAt": 1_800_000_000}],
        )
        target.until(lambda: first not in names(target.runtime.get_recommendations(**params)))

    @operation("PutEvents")
    def test_eleven_events_are_too_many(self, target, music):
        """A call takes ten events."""
        event = {"eventType": "play", "itemId": "i0-00", "sentAt": 1_800_000_000}
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_events(
                trackingId=music.tracking_id, sessionId="s", eventList=[event] * 11
            )

    @operation("PutEvents")
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"properties": '{"userId": "u"}'}, id="forbidden key"),
            pytest.param({"properties": "no JSON"}, id="no JSON"),
            pytest.param({"properties": json.dumps({"mood": "x" * 1024})}, id="1025 characters"),
            pytest.param({"impression": ["i0-00"] * 26}, id="26 impressions"),
            pytest.param({"recommendationId": "x" * 41}, id="recommendationId of 41 characters"),
            pytest.param({"eventType": "x" * 257}, id="eventType of 257 characters"),
        ],
    )
    def test_bad_event_is_refused(self, target, music, change):
        """An event outside the limits is refused with InvalidInputException."""
        event = {"eventType": "play", "itemId": "i0-00", "sentAt": 1_800_000_000}
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_events(
                trackingId=music.tracking_id, sessionId="s", eventList=[event | change]
            )

    @operation("PutEvents")
    @pytest.mark.parametrize(
        "members",
        [
            pytest.param({"itemId": "i0-00", "eventValue": 0.5}, id="members of their own"),
            pytest.param(
                {"properties": json.dumps({"itemId": "i0-00", "eventValue": 0.5})}, id="properties"
            ),
            pytest.param(
                {"itemId": "i0-00", "impression": ["i0-00", "i0-01"], "eventId": "e"},
                id="impression and eventId",
            ),
        ],
    )
    def test_both_forms_of_an_event_are_taken(self, target, music, members):
        """Item and value stand beside the type or, as in older code, in the properties."""
        event = {"eventType": "play", "sentAt": 1_800_000_000} | members
        answer = target.events.put_events(
            trackingId=music.tracking_id, userId="both", sessionId="s", eventList=[event]
        )
        assert answer.keys() == {"ResponseMetadata"}

    @operation("PutItems")
    def test_items_are_put_into_items_only(self, target, music):
        """PutItems into a Users dataset is refused with InvalidInputException."""
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_items(
                datasetArn=music.datasets["Users"], items=[{"itemId": "new", "properties": "{}"}]
            )

    @operation("PutUsers")
    def test_users_are_put_into_users_only(self, target, music):
        """PutUsers into an Items dataset is refused with InvalidInputException."""
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_users(
                datasetArn=music.datasets["Items"], users=[{"userId": "new", "properties": "{}"}]
            )

    @operation("PutItems", "PutUsers")
    def test_records_are_taken_without_an_answer(self, target, music):
        """Properties in camelCase are taken; the answer is empty."""
        answers = [
            target.events.put_items(
                datasetArn=music.datasets["Items"],
                items=[{"itemId": "new-item", "properties": '{"genre": "g9", "year": 2020}'}],
            ),
            target.events.put_users(
                datasetArn=music.datasets["Users"],
                users=[{"userId": "new-user", "properties": '{"age": 30, "country": "DE"}'}],
            ),
        ]
        assert all(answer.keys() == {"ResponseMetadata"} for answer in answers)

    @operation("PutItems", "PutUsers")
    def test_calls_take_ten_records(self, target, music):
        """Eleven items, or eleven users, are refused with InvalidInputException."""
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_items(
                datasetArn=music.datasets["Items"], items=[{"itemId": "i"}] * 11
            )
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_users(
                datasetArn=music.datasets["Users"], users=[{"userId": "u"}] * 11
            )

    @operation("PutItems", "PutUsers")
    @pytest.mark.parametrize("properties", ['{"year": "late"}', '{"genre": 5}', "[]"])
    def test_properties_must_fit_the_schema(self, target, music, properties):
        """Another type than the schema's is refused with InvalidInputException."""
        with pytest.raises(target.events.exceptions.InvalidInputException):
            target.events.put_items(
                datasetArn=music.datasets["Items"],
                items=[{"itemId": "odd", "properties": properties}],
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


class TestExports:
    @operation("CreateDatasetExportJob", "DescribeDatasetExportJob", "ListDatasetExportJobs")
    def test_export_writes_the_schema_s_columns(self, target, music, export):
        """A BULK export of Users has the schema's header and a row for each user."""
        listed = target.control.list_dataset_export_jobs(datasetArn=music.datasets["Users"])
        assert export in [entry["datasetExportJobArn"] for entry in listed["datasetExportJobs"]]
        files = {name: rows for name, rows in target.written("export").items() if ".csv" in name}
        header = ",".join(HEADERS["Users"])
        lines = [line for rows in files.values() for line in rows]
        assert header in lines
        assert len([line for line in lines if line != header]) == 60

    @operation("CreateDatasetExportJob")
    def test_role_must_look_like_one(self, target, music):
        """A role that is no ARN of a role is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_dataset_export_job(
                jobName=target.name("role"),
                datasetArn=music.datasets["Users"],
                roleArn="arn:aws:iam::1:user/nobody",
                jobOutput={"s3DataDestination": {"path": target.folder("role")}},
            )


class TestDeletions:
    @operation("CreateDataDeletionJob", "DescribeDataDeletionJob", "ListDataDeletionJobs")
    def test_deletion_completes(self, target, group, untouched):
        """A job over users who are not there is COMPLETED, has deleted none, and is listed."""
        assert untouched
        location = target.put("gone.csv", "USER_ID\nnobody\n")
        arn = target.control.create_data_deletion_job(
            jobName=target.name("deletion"),
            datasetGroupArn=group,
            dataSource={"dataLocation": location},
            roleArn=target.role_arn,
        )["dataDeletionJobArn"]
        done = target.made(
            lambda: target.control.describe_data_deletion_job(dataDeletionJobArn=arn)[
                "dataDeletionJob"
            ]
        )
        assert done["numDeleted"] == 0
        listed = target.control.list_data_deletion_jobs(datasetGroupArn=group)
        assert arn in [entry["dataDeletionJobArn"] for entry in listed["dataDeletionJobs"]]


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


class TestPage:
    def test_page_lists_every_rule(self, request, pytestconfig):
        """What is tested here stands on the coverage page, unless that is being written."""
        if pytestconfig.getoption("--coverage-page"):
            pytest.skip("the page is written when all tests have passed")
        text = (pytestconfig.rootpath / "docs" / "personalize-coverage.md").read_text()
        ours = [item for item in request.session.items if item.path.parent == request.path.parent]
        names = {item.name for item in ours if item.get_closest_marker("operation")}
        assert [name for name in sorted(names) if f"`{name}`" not in text] == []
