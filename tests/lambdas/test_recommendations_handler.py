import json

import boto3
import pytest
from botocore.stub import Stubber
from light_handlers import context, load, shape
from moto import mock_aws

from musicrec import catalog
from musicrec.catalog import Track

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/musicrec"
FILTER = "arn:aws:personalize:us-east-1:123456789012:filter/musicrec-no-skips"
KNOWN, UNKNOWN = "4uLU6hMCjMI75M1A2tKUQC", "7ouMYWpwJ422jRcDASZB7P"


@pytest.fixture
def handler(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "recommendations")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
    monkeypatch.setenv("CAMPAIGN_ARN_PARAMETER", "/musicrec/campaign_arn")
    monkeypatch.setenv("FILTER_ARN_PARAMETER", "/musicrec/filter_arn")
    monkeypatch.setenv("CATALOG_URI", "s3://bucket/catalog/catalog.sqlite")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield load("recommendations")


@pytest.fixture
def _deployed(handler, tmp_path):  # noqa: ARG001 # AWS must be there first
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/musicrec/campaign_arn", Value=CAMPAIGN, Type="String")
    ssm.put_parameter(Name="/musicrec/filter_arn", Value=FILTER, Type="String")
    path = tmp_path / "built.sqlite"
    catalog.write([Track(track_id=KNOWN, name="Jóga", artists=("Björk",), genres=("pop",))], path)
    boto3.client("s3").upload_file(str(path), "bucket", "catalog/catalog.sqlite")


@pytest.fixture
def personalize(handler):
    runtime = handler.client("personalize-runtime", read_timeout_s=3, attempts=2)
    with Stubber(runtime) as stubber:
        yield stubber


def ask(handler, **query):
    event = shape("api_gateway_recommendations.json")
    if query:
        event["queryStringParameters"] = query
    answer = handler.lambda_handler(event, context("recommendations"))
    return answer, json.loads(answer["body"])


def two_tracks(stubber):
    stubber.add_response(
        "get_recommendations",
        {
            "itemList": [{"itemId": KNOWN, "score": 0.5}, {"itemId": UNKNOWN, "score": 0.1}],
            "recommendationId": "RID-1",
        },
        {
            "campaignArn": CAMPAIGN,
            "userId": "björk.guðmundsdóttir",
            "numResults": 2,
            "filterArn": FILTER,
        },
    )


@pytest.mark.usefixtures("_deployed")
class TestAnswer:
    def test_it_is_a_named_list(self, handler, personalize):
        """A good question gets 200 and the ranked tracks as JSON."""
        two_tracks(personalize)
        answer, body = ask(handler)
        assert answer["statusCode"] == 200
        assert answer["headers"]["Content-Type"] == "application/json; charset=utf-8"
        assert body == {
            "user_id": "björk.guðmundsdóttir",
            "recommendation_id": "RID-1",
            "items": [
                {
                    "track_id": KNOWN,
                    "score": 0.5,
                    "name": "Jóga",
                    "artists": ["Björk"],
                    "genres": ["pop"],
                    "url": f"https://open.spotify.com/track/{KNOWN}",
                },
                {
                    "track_id": UNKNOWN,
                    "score": 0.1,
                    "name": None,
                    "artists": [],
                    "genres": [],
                    "url": f"https://open.spotify.com/track/{UNKNOWN}",
                },
            ],
            "campaign_arn": CAMPAIGN,
            "filter_arn": FILTER,
        }

    def test_a_warm_request_makes_one_call(self, handler, personalize):
        """Once warm, nothing but the campaign is asked: no parameter, no control plane, no S3."""
        two_tracks(personalize)
        ask(handler)
        calls = []
        for service, options in (("ssm", 2), ("s3", 3), ("personalize-runtime", 3)):
            handler.client(service, read_timeout_s=options, attempts=2).meta.events.register(
                "before-parameter-build", lambda model, **_: calls.append(model.name)
            )
        two_tracks(personalize)
        ask(handler)
        assert calls == ["GetRecommendations"]

    def test_throttling_says_when_to_come_back(self, handler, personalize):
        """A throttled question gets 429 with Retry-After."""
        personalize.add_client_error("get_recommendations", "ThrottlingException")
        answer, body = ask(handler)
        assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (429, "1")
        assert set(body) == {"error", "message", "detail"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ({"num_results": "3"}, "user_id"),
            ({"user_id": "u" * 300}, "user_id"),
            ({"user_id": "u", "num_results": "501"}, "num_results"),
        ],
    )
    def test_a_bad_question_names_its_parameter(self, handler, query, parameter):
        """A bad parameter gets 400 and JSON that names it, before anything is asked."""
        answer, body = ask(handler, **query)
        assert answer["statusCode"] == 400
        assert (body["error"], body["detail"]) == ("BAD_REQUEST_PARAMETERS", parameter)
        assert parameter in body["message"]

    def test_no_campaign_yet(self, handler):
        """Before there is a campaign the answer is 503, in JSON, with Retry-After."""
        answer, body = ask(handler)
        assert answer["statusCode"] == 503
        assert body["error"] == "NO_CAMPAIGN"
        assert body["detail"] == "/musicrec/campaign_arn"
        assert answer["headers"]["Retry-After"] == "60"

    def test_without_a_catalogue_tracks_have_no_names(self, handler, personalize):
        """A missing catalogue costs the names alone."""
        boto3.client("ssm").put_parameter(
            Name="/musicrec/campaign_arn", Value=CAMPAIGN, Type="String"
        )
        personalize.add_response("get_recommendations", {"itemList": [{"itemId": KNOWN}]})
        answer, body = ask(handler)
        assert answer["statusCode"] == 200
        assert body["items"][0]["name"] is None
