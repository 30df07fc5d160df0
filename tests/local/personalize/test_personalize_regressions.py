"""What generated calls once broke: each a call or three, in process."""

import json

import pytest
from personalize_data import RECIPE, SCHEMAS
from personalize_inputs import files
from personalize_wire import Wire
from personalize_world import ROLE

from musicrec.local.personalize.batch_files import _lines
from musicrec.local.personalize.life_cycle import LifeCycle

ARN = "arn:aws:personalize:us-east-1:123456789012:"
SLOW = LifeCycle(transitions="slow")


@pytest.fixture
def wire():
    """An application with an empty group, and files in the bucket."""
    wire = Wire()
    wire.aws.s3.objects = {("bucket", key): body for key, body in files().items()}
    made(wire, "DatasetGroup", name="one")
    return wire


def made(wire, noun, **params):
    """The ARN of something new."""
    answer = wire.send(f"Create{noun}", params)
    assert answer.code is None, answer
    return answer.content[f"{noun[0].lower()}{noun[1:]}Arn"]


def dataset(wire, kind):
    """A dataset, without contents."""
    schema = made(wire, "Schema", name=kind, schema=SCHEMAS[kind])
    group = f"{ARN}dataset-group/one"
    return made(
        wire, "Dataset", name=kind, schemaArn=schema, datasetGroupArn=group, datasetType=kind
    )


def start_import(wire, arn, where):
    """An import of a location."""
    return wire.send(
        "CreateDatasetImportJob",
        {
            "jobName": "job",
            "datasetArn": arn,
            "dataSource": {"dataLocation": where},
            "roleArn": ROLE,
        },
    )


def trained(wire, name):
    """A solution and its ACTIVE version."""
    group = f"{ARN}dataset-group/one"
    recipe = RECIPE + "aws-popularity-count"
    solution = made(wire, "Solution", name=name, datasetGroupArn=group, recipeArn=recipe)
    return solution, made(wire, "SolutionVersion", solutionArn=solution)


class TestText:
    @pytest.mark.parametrize(
        "body", [b"[" * 5000, b'{"name": "\\ud800"}', b'{"a": "\xed\xa0\x80"}']
    )
    def test_unreadable_bodies_are_malformed(self, wire, body):
        """Deep nesting and half a surrogate pair are no request."""
        assert wire.post("CreateSchema", body).code == "SerializationException"

    @pytest.mark.parametrize("text", ["[" * 5000, '{"name": "\\udc00"}', '{"a": NaN}'])
    def test_unreadable_schemas_are_invalid(self, wire, text):
        """The same within a string."""
        answer = wire.send("CreateSchema", {"name": "deep", "schema": text})
        assert answer.code == "InvalidInputException"

    @pytest.mark.parametrize("text", ["[" * 1000, '{"genre": "\\ud800"}', '{"tempo": NaN}'])
    def test_unreadable_properties_are_invalid(self, wire, text):
        """And within an item."""
        items = [{"itemId": "i", "properties": text}]
        answer = wire.send("PutItems", {"datasetArn": dataset(wire, "Items"), "items": items})
        assert answer.code == "InvalidInputException"

    def test_deeply_nested_token_is_no_token(self, wire):
        """A token is JSON in base64, and may be anybody's."""
        assert wire.send("ListSchemas", {"nextToken": "W1tb" * 370}).code == (
            "InvalidNextTokenException"
        )

    @pytest.mark.parametrize("bucket", ["[", "a[b]", "\u2100"])
    def test_odd_bucket_names_lead_nowhere(self, wire, bucket):
        """A location that is no proper URL fails the job, not the call."""
        answer = start_import(wire, dataset(wire, "Items"), f"s3://{bucket}/key.csv")
        assert answer.code is None
        shown = wire.send("DescribeDatasetImportJob", answer.content).content["datasetImportJob"]
        assert shown["failureReason"] == "Invalid Data location."


class TestValidation:
    @pytest.mark.parametrize(
        ("operation", "params"),
        [
            ("CreateCampaign", {"minProvisionedTPS": 2**31}),
            ("CreateBatchSegmentJob", {"numResults": -(2**40)}),
            ("PutEvents", {"eventList": [{"sentAt": 10**400}]}),
        ],
    )
    def test_numbers_have_the_size_of_their_type(self, wire, operation, params):
        """An integer of the models has 32 bits, a timestamp those of a double."""
        assert wire.send(operation, params).code == "SerializationException"

    def test_long_text_is_not_matched(self, wire):
        """A pattern with three stars would take hours on a megabyte."""
        arn = "arn:aws:personalize" + ":" * 300_000 + "\n"
        assert wire.send("DeleteSchema", {"schemaArn": arn}).code == "InvalidInputException"

    def test_digits_are_ascii(self, wire):
        """As in Java's patterns."""
        config = {"autoTrainingConfig": {"schedulingExpression": "rate(९ days)"}}
        params = {"solutionArn": f"{ARN}solution/x", "solutionUpdateConfig": config}
        assert "regular expression" in wire.send("UpdateSolution", params).content["message"]


class TestDeclaredErrors:
    def test_filter_of_a_changing_group_is_invalid_input(self, wire):
        """CreateFilter declares no ResourceInUseException."""
        wire.app.life_cycle = SLOW
        group = made(wire, "DatasetGroup", name="two")
        expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'
        params = {"name": "f", "datasetGroupArn": group, "filterExpression": expression}
        assert wire.send("CreateFilter", params).code == "InvalidInputException"

    def test_batch_jobs_of_an_unknown_version_are_invalid_input(self, wire):
        """ListBatchInferenceJobs declares no ResourceNotFoundException."""
        params = {"solutionVersionArn": f"{ARN}solution/x/y"}
        assert wire.send("ListBatchInferenceJobs", params).code == "InvalidInputException"


class TestLifeCycle:
    def test_job_that_waits_longer_than_its_time_stays_in_progress(self, wire):
        """It does not fall back to CREATE PENDING."""
        arn = dataset(wire, "Items")
        wire.app.life_cycle, wire.workers.held = SLOW, True
        job = start_import(wire, arn, "s3://bucket/good/Items.csv").content
        seen = []
        for seconds in (0, 100, 5000):
            wire.clock.now += seconds
            shown = wire.send("DescribeDatasetImportJob", job).content["datasetImportJob"]
            seen.append(shown["status"])
        assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "CREATE IN_PROGRESS"]

    def test_solution_that_still_serves_stays(self, wire):
        """Until a campaign's update to another solution is through, the first one is in use."""
        start_import(wire, dataset(wire, "Interactions"), "s3://bucket/good/Interactions.csv")
        old, first = trained(wire, "old")
        _, second = trained(wire, "new")
        campaign = made(wire, "Campaign", name="c", solutionVersionArn=first)
        wire.app.life_cycle = SLOW
        wire.send("UpdateCampaign", {"campaignArn": campaign, "solutionVersionArn": second})
        assert wire.send("DeleteSolution", {"solutionArn": old}).code == "ResourceInUseException"
        wire.clock.now += 510
        assert wire.send("DeleteSolution", {"solutionArn": old}).code is None


class TestBatchFiles:
    def test_only_a_line_feed_ends_a_line(self):
        """JSON Lines may hold other separators of Unicode within a text."""
        text = json.dumps({"userId": "a\u2028b\x85c"}, ensure_ascii=False) + "\r\n"
        assert _lines("f", text.encode()) == [{"userId": "a\u2028b\x85c"}]
