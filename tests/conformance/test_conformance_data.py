"""What goes in and comes out: imports, events, single records, exports, deletions."""

import json

import pytest
from personalize_data import HEADERS, item_rows, listening_rows
from personalize_target import names

operation = pytest.mark.operation


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
