"""Requests are held against botocore's service models before anything else happens."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from musicrec.local.personalize.errors import InvalidInputError, MalformedRequestError
from musicrec.local.personalize.operations import OPERATIONS
from musicrec.local.personalize.validation import check

SHAPES = {
    name: Session().get_service_model(service).operation_model(name).input_shape
    for service, name in [
        ("personalize", "CreateSchema"),
        ("personalize", "CreateSolution"),
        ("personalize", "DescribeSchema"),
        ("personalize", "TagResource"),
        ("personalize", "CreateDatasetImportJob"),
        ("personalize-events", "PutEvents"),
        ("personalize-runtime", "GetRecommendations"),
    ]
}


def raw(world, path, body, headers=None):
    """Status, error type and JSON of a request that botocore would not send."""
    parts = urlsplit(world.embedded.aws.endpoint_url)
    scope = f"Credential=test/20260101/{world.region}/personalize/aws4_request"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("POST", path, body, {"Authorization": scope} | (headers or {}))
    response = connection.getresponse()
    found = response.status, response.headers["x-amzn-ErrorType"], json.loads(response.read())
    connection.close()
    return found


class TestCheck:
    @pytest.mark.parametrize(
        ("shape", "params", "text"),
        [
            ("CreateSchema", {"schema": "{}"}, "Value null at 'name'"),
            ("CreateSchema", {"name": "-a", "schema": "{}"}, "regular expression"),
            ("CreateSchema", {"name": "a b", "schema": "{}"}, "regular expression"),
            ("CreateSchema", {"name": "a" * 64, "schema": "{}"}, "length less than or equal to 63"),
            ("CreateSchema", {"name": "a", "schema": "x" * 20001}, "less than or equal to 20000"),
            ("CreateSchema", {"name": "a", "schema": "", "domain": "MUSIC"}, "enum value set"),
            ("GetRecommendations", {"filterValues": {"a-b": "1"}}, "filterValues.key"),
            ("GetRecommendations", {"numResults": -1}, "value greater than or equal to 0"),
            (
                "PutEvents",
                {"trackingId": "t", "sessionId": "s", "eventList": []},
                "'eventList' failed to satisfy constraint: Member must have length greater",
            ),
            (
                "PutEvents",
                {"trackingId": "t", "sessionId": "s", "eventList": [{"eventType": "play"}]},
                "Value null at 'eventList.1.member.sentAt'",
            ),
        ],
    )
    def test_broken_constraint_is_named(self, shape, params, text):
        """The message names the member and the constraint."""
        with pytest.raises(InvalidInputError) as caught:
            check(SHAPES[shape], params)
        assert text in caught.value.message

    def test_all_violations_are_reported_together(self):
        """Two bad members make one message that counts two."""
        with pytest.raises(InvalidInputError, match="2 validation errors detected"):
            check(SHAPES["CreateSchema"], {})

    def test_sensitive_values_are_not_repeated(self):
        """A user id, sensitive in the model, does not appear in the message."""
        params = {"trackingId": "t", "sessionId": "s", "userId": "x" * 300, "eventList": []}
        with pytest.raises(InvalidInputError) as caught:
            check(SHAPES["PutEvents"], params)
        assert "xxx" not in caught.value.message

    @pytest.mark.parametrize(
        "params",
        [
            {"name": 5, "schema": "{}"},
            {"name": ["a"], "schema": "{}"},
            {"name": True, "schema": "{}"},
        ],
    )
    def test_another_type_is_refused(self, params):
        """A number for a string is a malformed request."""
        with pytest.raises(MalformedRequestError, match="'name' must be a string"):
            check(SHAPES["CreateSchema"], params)

    def test_not_a_number_is_refused(self):
        """JSON readers take NaN, the service does not."""
        event = {"eventType": "play", "sentAt": float("nan")}
        with pytest.raises(MalformedRequestError, match="sentAt"):
            check(SHAPES["PutEvents"], {"trackingId": "t", "sessionId": "s", "eventList": [event]})

    @pytest.mark.parametrize("count", [2**31, -(2**31) - 1, 10**400])
    def test_number_must_fit_the_type(self, count):
        """An integer has 32 bits on the wire."""
        with pytest.raises(MalformedRequestError, match="numResults"):
            check(SHAPES["GetRecommendations"], {"numResults": count})

    @pytest.mark.parametrize(
        ("shape", "params"),
        [
            ("TagResource", {"tags": [{"tagKey": "line\nend", "tagValue": "v"}]}),
            ("TagResource", {"tags": [{"tagKey": "tab\tkey", "tagValue": "v"}]}),
            ("DescribeSchema", {"schemaArn": "arn:aws\u0663:personalize:r:1:schema/s"}),
        ],
    )
    def test_patterns_mean_what_they_mean_in_java(self, shape, params):
        """Separators are no control characters, digits are 0 to 9."""
        with pytest.raises(InvalidInputError, match="regular expression pattern"):
            check(SHAPES[shape], {"resourceArn": "arn:aws:personalize:r:1:schema/s"} | params)

    def test_letters_of_all_scripts_are_letters(self):
        """Tags take them, spaces among them."""
        tag = {"tagKey": "clé \u00a0鍵_1", "tagValue": ""}
        arn = "arn:aws:personalize:r:1:schema/s"
        check(SHAPES["TagResource"], {"resourceArn": arn, "tags": [tag]})

    def test_unknown_members_are_ignored(self):
        """As on AWS, a member that the model lacks does no harm."""
        check(SHAPES["CreateSchema"], {"name": "a", "schema": "{}", "other": 1})


class TestWire:
    def test_control_plane_errors_are_400_with_the_exception_name(self, world):
        """boto3 raises the modelled exception class."""
        arn = f"arn:aws:personalize:{world.region}:123456789012:dataset-group/none"
        with pytest.raises(world.control.exceptions.ResourceNotFoundException) as caught:
            world.control.describe_dataset_group(datasetGroupArn=arn)
        response = caught.value.response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert response["Error"]["Message"] == f"Resource Arn {arn} does not exist."

    def test_runtime_reports_an_unknown_campaign_with_404(self, world):
        """The runtime's model gives ResourceNotFound a status of its own."""
        arn = f"arn:aws:personalize:{world.region}:123456789012:campaign/none"
        with pytest.raises(world.runtime.exceptions.ResourceNotFoundException) as caught:
            world.runtime.get_recommendations(campaignArn=arn, userId="u")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404

    def test_broken_json_is_a_serialization_error(self, world):
        """The body must be JSON."""
        status, kind, body = raw(world, "/events", "{")
        assert (status, kind) == (400, "SerializationException")
        assert "not JSON" in body["message"]

    def test_body_must_be_an_object(self, world):
        """A list is no request."""
        assert raw(world, "/events", "[]")[:2] == (400, "SerializationException")

    @pytest.mark.parametrize(
        ("path", "headers"),
        [("/nowhere", {}), ("/", {"X-Amz-Target": "AmazonPersonalize.Dream"})],
    )
    def test_unknown_operation_is_named(self, world, path, headers):
        """Neither an unknown path nor an unknown target is served."""
        status, kind, _ = raw(world, path, "{}", headers)
        assert (status, kind) == (400, "UnknownOperationException")

    def test_account_and_region_are_in_every_arn(self, world):
        """The region comes from the signature."""
        arn = world.group("here")
        assert arn == f"arn:aws:personalize:{world.region}:123456789012:dataset-group/here"

    def test_every_other_operation_is_refused_by_type(self, world):
        """What is not emulated says so, with an exception that the operation declares."""
        arn = f"arn:aws:personalize:{world.region}:123456789012:dataset/g/ACTIONS"
        with pytest.raises(ClientError) as caught:
            world.events.put_actions(datasetArn=arn, actions=[{"actionId": "a"}])
        assert caught.value.response["Error"]["Code"] == "InvalidInputException"
        assert "PutActions" in caught.value.response["Error"]["Message"]

    def test_refusal_is_one_that_the_operation_declares(self, world):
        """Listing the jobs of an unknown version is InvalidInput: the model has no NotFound there."""
        arn = f"arn:aws:personalize:{world.region}:123456789012:solution/s/01234567"
        with pytest.raises(world.control.exceptions.InvalidInputException, match="does not exist"):
            world.control.list_batch_inference_jobs(solutionVersionArn=arn)

    def test_every_emulated_operation_exists(self):
        """No operation is registered under a name that no service has."""
        known = {
            name
            for service in ("personalize", "personalize-events", "personalize-runtime")
            for name in Session().get_service_model(service).operation_names
        }
        assert OPERATIONS.keys() <= known
