import json

import boto3
import pytest
from botocore.stub import Stubber
from light_handlers import context, load, metrics, shape
from moto import mock_aws

from musicrec import catalog, popular, stack
from musicrec.catalog import Track
from musicrec.clients import client
from musicrec.popular import PopularList, PopularTrack

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/musicrec"
FILTER = "arn:aws:personalize:us-east-1:123456789012:filter/musicrec-no-skips"
KNOWN, UNKNOWN = "4uLU6hMCjMI75M1A2tKUQC", "7ouMYWpwJ422jRcDASZB7P"
TIMEOUT_S = 10
"""Of the function, in `infra/stack.json`."""


@pytest.fixture
def handler(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "recommendations")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
    for name in ("CAMPAIGN_ARN", "FILTER_ARN", "ON_REQUEST_FILTER_ARN", "EXPERIMENT"):
        monkeypatch.setenv(f"{name}_PARAMETER", f"/musicrec/{name.lower()}")
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
    track = Track(track_id=KNOWN, name="Jóga", artists=("Björk",), genres=("pop",), explicit=False)
    catalog.write([track], path)
    boto3.client("s3").upload_file(str(path), "bucket", "catalog/catalog.sqlite")


@pytest.fixture
def _popular(handler):  # noqa: ARG001 # as above
    tracks = (
        PopularTrack(track_id=UNKNOWN, name="Rude", artists=("X",), explicit=True, heard=9),
        PopularTrack(track_id=KNOWN, name="Jóga", artists=("Björk",), genres=("pop",)),
    )
    made = PopularList(until="2026-03-01", days=28, tracks=tracks)
    boto3.client("s3").put_object(
        Bucket="bucket", Key="catalog/popular.json", Body=popular.encode(made)
    )


@pytest.fixture
def personalize(handler):
    runtime = client(
        "personalize-runtime", connect_timeout_s=handler.CONNECT_S, read_timeout_s=handler.RANKED_S
    )
    with Stubber(runtime) as stubber:
        yield stubber


def ask(handler, headers=None, remaining_ms=60_000, **query):
    event = shape("api_gateway_recommendations.json")
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {name: [text] for name, text in query.items()}
    event["headers"].update(headers or {})
    answer = handler.lambda_handler(event, context("recommendations", remaining_ms))
    return answer, json.loads(answer["body"] or "null")


def two_tracks(stubber, recommendation_id="RID-1"):
    stubber.add_response(
        "get_recommendations",
        {
            "itemList": [{"itemId": KNOWN, "score": 0.5}, {"itemId": UNKNOWN, "score": 0.1}],
            "recommendationId": recommendation_id,
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
                    "explicit": False,
                    "url": f"https://open.spotify.com/track/{KNOWN}",
                },
                {
                    "track_id": UNKNOWN,
                    "score": 0.1,
                    "name": None,
                    "artists": [],
                    "genres": [],
                    "explicit": None,
                    "url": f"https://open.spotify.com/track/{UNKNOWN}",
                },
            ],
            "campaign_arn": CAMPAIGN,
            "filter_arn": FILTER,
            "applied": {
                "filter": "personalize", "explicit": "not_asked", "exclude_recent": "not_asked",
            },
            "experiment": None,
            "fallback": None,
        }  # fmt: skip

    def test_a_warm_request_makes_one_call(self, handler, personalize):
        """Once warm, nothing but the campaign is asked: no parameter, no control plane, no S3."""
        two_tracks(personalize)
        ask(handler)
        calls = []
        for service, seconds in (("ssm", 1.0), ("s3", 1.0), ("personalize-runtime", 2.0)):
            client(service, connect_timeout_s=1.0, read_timeout_s=seconds).meta.events.register(
                "before-parameter-build", lambda model, **_: calls.append(model.name)
            )
        two_tracks(personalize)
        ask(handler)
        assert calls == ["GetRecommendations"]

    def test_cold_settings_take_one_call(self, handler, personalize):
        """All parameters come in one call, absent ones too."""
        calls = []
        client("ssm", connect_timeout_s=1.0, read_timeout_s=1.0).meta.events.register(
            "before-call", lambda model, **_: calls.append(model.name)
        )
        two_tracks(personalize)
        ask(handler)
        assert calls == ["GetParameters"]


@pytest.mark.usefixtures("_deployed", "_popular")
class TestCaching:
    def test_an_own_list_may_be_kept_for_seconds(self, handler, personalize):
        """By the listener's own client alone."""
        two_tracks(personalize)
        headers = ask(handler)[0]["headers"]
        assert headers["Cache-Control"] == "private, max-age=5"
        assert headers["Vary"] == "Accept-Encoding"

    def test_the_same_list_is_not_sent_again(self, handler, personalize):
        """A client that has the list gets 304 without a body, whatever id the new one has."""
        two_tracks(personalize)
        etag = ask(handler)[0]["headers"]["ETag"]
        two_tracks(personalize, "RID-2")
        answer, body = ask(handler, headers={"If-None-Match": etag})
        assert (answer["statusCode"], body) == (304, None)
        assert answer["headers"]["ETag"] == etag
        assert answer["headers"]["Cache-Control"] == "private, max-age=5"

    def test_another_list_has_another_tag(self, handler, personalize):
        """A list that moved is sent."""
        two_tracks(personalize)
        etag = ask(handler)[0]["headers"]["ETag"]
        personalize.add_response("get_recommendations", {"itemList": [{"itemId": KNOWN}]})
        answer, body = ask(handler, headers={"If-None-Match": etag})
        assert (answer["statusCode"], len(body["items"])) == (200, 1)

    def test_the_popular_list_is_asked_for_anew(self, handler, personalize):
        """It may be kept, but not shown without asking whether there is an own one now."""
        for _ in range(2):
            personalize.add_client_error("get_recommendations", "AccessDenied")
        answer, _ = ask(handler)
        assert answer["headers"]["Cache-Control"] == "private, no-cache"
        again, _ = ask(handler, headers={"if-none-match": answer["headers"]["ETag"]})
        assert again["statusCode"] == 304

    def test_refusals_are_not_kept(self, handler):
        """An error is nothing to keep."""
        assert ask(handler, user_id="")[0]["headers"]["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("_popular")
class TestFallback:
    def told(self, handler, capsys, **asked):
        capsys.readouterr()
        answer, body = ask(handler, **asked)
        assert answer["statusCode"] == 200
        assert (body["campaign_arn"], body["recommendation_id"]) == (None, None)
        counted = metrics(capsys.readouterr().out)
        assert (counted["FellBack"], counted["Unanswered"]) == (1, 0)
        return body

    def test_before_the_first_campaign(self, handler, capsys):
        """A stack that was never trained answers with what is popular, and says why."""
        body = self.told(handler, capsys, user_id="u")
        assert body["fallback"] == {"reason": "NO_CAMPAIGN", "list": "popular"}
        assert [item["name"] for item in body["items"]] == ["Rude", "Jóga"]
        assert {item["score"] for item in body["items"]} == {None}
        assert body["applied"]["filter"] == "not_applied"

    @pytest.mark.usefixtures("_deployed")
    def test_while_personalize_throttles(self, handler, personalize, capsys):
        """After two more attempts the listener gets what is popular."""
        for _ in range(3):
            personalize.add_client_error("get_recommendations", "ThrottlingException")
        body = self.told(handler, capsys, user_id="u")
        assert body["fallback"]["reason"] == "THROTTLED"
        personalize.assert_no_pending_responses()

    @pytest.mark.usefixtures("_deployed")
    def test_when_the_time_is_up(self, handler, personalize, capsys):
        """With less time than a call may take, none is begun."""
        body = self.told(handler, capsys, user_id="u", remaining_ms=5_000)
        assert body["fallback"]["reason"] == "TIMEOUT"
        personalize.assert_no_pending_responses()

    @pytest.mark.usefixtures("_deployed")
    def test_when_personalize_fails(self, handler, personalize, capsys):
        """A right that is missing is an alarm for us and a list for the listener."""
        personalize.add_client_error("get_recommendations", "AccessDenied", http_status_code=403)
        assert self.told(handler, capsys, user_id="u")["fallback"]["reason"] == "UNAVAILABLE"

    def test_when_parameters_cannot_be_read(self, handler, capsys):
        """Without a right to its own settings the function still has a list."""
        with Stubber(handler.parameters()._ssm) as ssm:
            ssm.add_client_error("get_parameters", "AccessDeniedException", http_status_code=400)
            body = self.told(handler, capsys, user_id="u")
        assert body["fallback"]["reason"] == "UNAVAILABLE"

    def test_wishes_are_met_as_far_as_they_can(self, handler, capsys):
        """Explicit tracks are left out; of what this listener heard the list knows nothing."""
        body = self.told(
            handler, capsys, user_id="u", explicit="false", exclude_recent="true", num_results="1"
        )
        assert [item["name"] for item in body["items"]] == ["Jóga"]
        assert body["applied"] == {
            "filter": "not_applied", "explicit": "catalogue", "exclude_recent": "not_applied",
        }  # fmt: skip

    def test_the_arm_is_told(self, handler, capsys):
        """A comparison can tell the lists that no arm made."""
        boto3.client("ssm").put_parameter(
            Name="/musicrec/experiment",
            Value=json.dumps({"name": "e", "campaign_arn": f"{CAMPAIGN}-b", "share": 0}),
            Type="String",
        )
        body = self.told(handler, capsys, user_id="u")
        assert body["experiment"] == {"name": "e", "arm": "control"}


class TestTime:
    def test_a_call_fits_into_the_function_s_time(self, handler):
        """With the timeout that is deployed, the slowest settings leave time to ask Personalize."""
        settings = stack.settings(
            dict.fromkeys(("name", "poison_queue_url", "profile_table", "catalog_uri"), "x")
        ).functions["recommendations"]
        assert settings.timeout_seconds == TIMEOUT_S
        slowest_settings_ms = (handler.CONNECT_S + handler.STORED_S) * 1_000
        assert handler.RESERVE_MS + slowest_settings_ms < TIMEOUT_S * 1_000

    @pytest.mark.usefixtures("_deployed")
    def test_names_are_not_waited_for_at_the_last_moment(self, handler, personalize):
        """With little time left the list goes out without names rather than not at all."""
        two_tracks(personalize)
        left = iter([60_000])
        slow = context("recommendations")
        slow.get_remaining_time_in_millis = lambda: next(left, 1_000)
        answer = handler.lambda_handler(shape("api_gateway_recommendations.json"), slow)
        assert answer["statusCode"] == 200
        assert handler.catalog_cache().held is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ({"num_results": "3"}, "user_id"),
            ({"user_id": "u" * 300}, "user_id"),
            ({"user_id": "u", "num_results": "501"}, "num_results"),
            ({"user_id": "u", "explicit": "no"}, "explicit"),
        ],
    )
    def test_a_bad_question_names_its_parameter(self, handler, query, parameter):
        """A bad parameter gets 400 and JSON that names it, before anything is asked."""
        answer, body = ask(handler, **query)
        assert answer["statusCode"] == 400
        assert (body["error"], body["detail"]) == ("BAD_REQUEST_PARAMETERS", parameter)
        assert parameter in body["message"]

    def test_with_nothing_to_fall_back_on(self, handler):
        """Without campaign and popular list the answer is 503, in JSON, with Retry-After."""
        answer, body = ask(handler)
        assert answer["statusCode"] == 503
        assert body["error"] == "NO_CAMPAIGN"
        assert body["detail"] == "/musicrec/campaign_arn"
        assert answer["headers"]["Retry-After"] == "60"

    @pytest.mark.parametrize("artefact", [None, b"no catalogue"])
    def test_without_a_catalogue_tracks_have_no_names(self, handler, personalize, artefact):
        """A missing catalogue, or a broken one, costs the names alone."""
        if artefact:
            boto3.client("s3").put_object(
                Bucket="bucket", Key="catalog/catalog.sqlite", Body=artefact
            )
        boto3.client("ssm").put_parameter(
            Name="/musicrec/campaign_arn", Value=CAMPAIGN, Type="String"
        )
        personalize.add_response("get_recommendations", {"itemList": [{"itemId": KNOWN}]})
        answer, body = ask(handler)
        assert answer["statusCode"] == 200
        assert body["items"][0]["name"] is None
