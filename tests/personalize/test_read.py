import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from musicrec import catalog
from musicrec.catalog import Catalog, Track
from musicrec.personalize.read import (
    BadQuestionError,
    NoCampaignError,
    Question,
    Recommender,
    ThrottledError,
    TooSlowError,
    UnavailableError,
    parse,
)

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/musicrec"
FILTER = "arn:aws:personalize:us-east-1:123456789012:filter/musicrec-no-skips"
KNOWN, UNKNOWN = "4uLU6hMCjMI75M1A2tKUQC", "7ouMYWpwJ422jRcDASZB7P"


class Parameters:
    """Parameters that a test sets; forgetting one brings its next value."""

    def __init__(self, **values):
        self.values = values
        self.forgotten = []
        self.next = {}

    def get(self, name):
        return self.values.get(name)

    def forget(self, name):
        self.forgotten.append(name)
        self.values.update({name: self.next[name]} if name in self.next else {})


@pytest.fixture
def runtime():
    return boto3.client(
        "personalize-runtime",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "catalog.sqlite"
    catalog.write(
        [Track(track_id=KNOWN, name="初恋", artists=("宇多田ヒカル",), genres=("j-pop",))], path
    )
    with Catalog(path) as opened:
        yield opened


@pytest.fixture
def stubber(runtime):
    with Stubber(runtime) as active:
        yield active


def recommender(runtime, parameters, names=None):
    return Recommender(
        runtime,
        parameters,
        campaign_parameter="campaign",
        filter_parameter="filter",
        catalog=lambda: names,
    )


def answer(*items):
    return {
        "itemList": [{"itemId": item, "score": 0.25} for item in items],
        "recommendationId": "RID-1",
    }


def asked(campaign=CAMPAIGN, **more):
    return {"campaignArn": campaign, "userId": "björk", "numResults": 25, **more}


class TestParse:
    def test_defaults(self):
        """The listener alone is enough."""
        assert parse({"user_id": "björk"}) == Question(
            user_id="björk", num_results=25, filter="no-skips"
        )

    def test_everything_given(self):
        """Numbers come as text; unknown parameters are passed over."""
        query = {"user_id": "7", "num_results": "500", "filter": "none", "utm": "x"}
        assert parse(query) == Question(user_id="7", num_results=500, filter="none")

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            (None, "user_id"),
            ({}, "user_id"),
            ({"user_id": ""}, "user_id"),
            ({"user_id": "u" * 257}, "user_id"),
            ({"user_id": "u", "num_results": ""}, "num_results"),
            ({"user_id": "u", "num_results": "many"}, "num_results"),
            ({"user_id": "u", "num_results": "2.5"}, "num_results"),
            ({"user_id": "u", "num_results": "0"}, "num_results"),
            ({"user_id": "u", "num_results": "501"}, "num_results"),
            ({"user_id": "u", "filter": "all"}, "filter"),
        ],
    )
    def test_a_bad_parameter_is_named(self, query, parameter):
        """The error names the parameter, in words and for programs."""
        with pytest.raises(BadQuestionError, match=parameter) as caught:
            parse(query)
        assert caught.value.detail == parameter
        assert caught.value.status == 400


class TestRecommend:
    def test_tracks_come_ranked_and_named(self, runtime, stubber, names):
        """Known tracks have their names, unknown ones null; order and scores are Personalize's."""
        stubber.add_response("get_recommendations", answer(UNKNOWN, KNOWN), asked(filterArn=FILTER))
        found = recommender(runtime, Parameters(campaign=CAMPAIGN, filter=FILTER), names).recommend(
            Question(user_id="björk")
        )
        assert (found.recommendation_id, found.campaign_arn, found.filter_arn) == (
            "RID-1", CAMPAIGN, FILTER,
        )  # fmt: skip
        unknown, known = found.items
        assert (unknown.track_id, unknown.name, unknown.artists) == (UNKNOWN, None, ())
        assert (known.name, known.artists, known.genres) == ("初恋", ("宇多田ヒカル",), ("j-pop",))
        assert known.url == f"https://open.spotify.com/track/{KNOWN}"
        assert known.score == 0.25

    @pytest.mark.parametrize(
        ("parameters", "wanted"),
        [({"campaign": CAMPAIGN}, "no-skips"), ({"campaign": CAMPAIGN, "filter": FILTER}, "none")],
    )
    def test_without_filter(self, runtime, stubber, parameters, wanted):
        """No filter is sent when there is none, or none is wanted."""
        stubber.add_response("get_recommendations", answer(KNOWN), asked())
        found = recommender(runtime, Parameters(**parameters)).recommend(
            Question(user_id="björk", filter=wanted)
        )
        assert found.filter_arn is None

    def test_without_catalogue_and_scores(self, runtime, stubber):
        """A recipe without scores and a missing catalogue still give a list."""
        stubber.add_response("get_recommendations", {"itemList": [{"itemId": KNOWN}]}, asked())
        (item,) = (
            recommender(runtime, Parameters(campaign=CAMPAIGN))
            .recommend(Question(user_id="björk"))
            .items
        )
        assert item.score is item.name is None

    def test_a_new_campaign_is_found_when_the_old_is_gone(self, runtime, stubber):
        """A campaign that does not exist any more is looked up anew, once."""
        parameters = Parameters(campaign=CAMPAIGN)
        parameters.next = {"campaign": f"{CAMPAIGN}-2"}
        stubber.add_client_error("get_recommendations", "ResourceNotFoundException")
        stubber.add_response("get_recommendations", answer(KNOWN), asked(f"{CAMPAIGN}-2"))
        found = recommender(runtime, parameters).recommend(Question(user_id="björk"))
        assert found.campaign_arn == f"{CAMPAIGN}-2"
        assert parameters.forgotten == ["campaign", "filter"]

    def test_a_campaign_that_stays_gone(self, runtime, stubber):
        """When the second look helps neither, there is no campaign."""
        for _ in range(2):
            stubber.add_client_error("get_recommendations", "ResourceNotFoundException")
        with pytest.raises(NoCampaignError):
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(Question(user_id="b"))

    def test_no_campaign_yet(self, runtime):
        """Before there is a campaign the answer is 503 and names the missing parameter."""
        with pytest.raises(NoCampaignError, match="no campaign yet") as caught:
            recommender(runtime, Parameters()).recommend(Question(user_id="b"))
        assert (caught.value.status, caught.value.detail) == (503, "campaign")
        assert caught.value.retry_after_s

    @pytest.mark.parametrize(
        ("code", "status", "kind"),
        [
            ("ThrottlingException", 400, ThrottledError),
            ("TooManyRequestsException", 429, ThrottledError),
            ("InternalServerError", 500, UnavailableError),
            ("AccessDeniedException", 403, UnavailableError),
        ],
    )
    def test_refusals_have_their_answers(self, runtime, stubber, code, status, kind):
        """Throttling is 429, other refusals 503; both say when to ask again."""
        stubber.add_client_error("get_recommendations", code, http_status_code=status)
        with pytest.raises(kind) as caught:
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(Question(user_id="b"))
        assert caught.value.status == (429 if kind is ThrottledError else 503)
        assert caught.value.retry_after_s == 1

    def test_silence_is_504(self, runtime):
        """When Personalize does not answer in time, the client hears so."""

        def silence(**_):
            raise ReadTimeoutError(endpoint_url="https://personalize-runtime")

        runtime.meta.events.register("before-send", silence)
        with pytest.raises(TooSlowError) as caught:
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(Question(user_id="b"))
        assert caught.value.status == 504
