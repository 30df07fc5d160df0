import itertools
import json
from random import Random

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from musicrec import catalog, dealing
from musicrec.catalog import Catalog, Track
from musicrec.personalize.answers import Applied
from musicrec.personalize.question import Question
from musicrec.personalize.read import (
    NoCampaignError,
    ParameterNames,
    Recommender,
    ThrottledError,
    TooSlowError,
    UnavailableError,
)
from musicrec.retry import Retries

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/musicrec"
OTHER = f"{CAMPAIGN}-other"
FILTER = "arn:aws:personalize:us-east-1:123456789012:filter/musicrec-no-skips"
ON_REQUEST = "arn:aws:personalize:us-east-1:123456789012:filter/musicrec-on-request"
KNOWN, UNKNOWN, RUDE = "4uLU6hMCjMI75M1A2tKUQC", "7ouMYWpwJ422jRcDASZB7P", "0VjIjW4GlUZAMYd2vXMi3b"
ASKED = Question(user_id="björk")


class Parameters:
    """Parameters that a test sets; forgetting one brings its next value."""

    def __init__(self, **values):
        self.values = values
        self.forgotten = []
        self.next = {}
        self.reads = 0

    def get_all(self, names):
        self.reads += 1
        return {name: self.values.get(name) for name in names}

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
    clean = Track(
        track_id=KNOWN, name="初恋", artists=("宇多田ヒカル",), genres=("j-pop",), explicit=False
    )
    catalog.write([clean, Track(track_id=RUDE, name="Rude", artists=("X",), explicit=True)], path)
    with Catalog(path) as opened:
        yield opened


@pytest.fixture
def stubber(runtime):
    with Stubber(runtime) as active:
        yield active


def recommender(runtime, parameters, names=None):
    where = ParameterNames(
        campaign="campaign",
        filter="filter",
        on_request_filter="on_request",
        experiment="experiment",
    )
    return Recommender(runtime, parameters, where, catalog=lambda: names)


def retries(remaining_ms=10_000, waited=None):
    """As a function that has time left; waits are kept, not waited."""
    return Retries(
        remaining_ms=lambda: remaining_ms,
        wait=(waited if waited is not None else []).append,
        random=Random(3),
        reserve_ms=5_500,
    )


def answer(*items):
    return {
        "itemList": [{"itemId": item, "score": 0.25} for item in items],
        "recommendationId": "RID-1",
    }


def asked(campaign=CAMPAIGN, **more):
    return {"campaignArn": campaign, "userId": "björk", "numResults": 25, **more}


class TestRecommend:
    def test_tracks_come_ranked_and_named(self, runtime, stubber, names):
        """Known tracks have their names, unknown ones null; order and scores are Personalize's."""
        stubber.add_response("get_recommendations", answer(UNKNOWN, KNOWN), asked(filterArn=FILTER))
        parameters = Parameters(campaign=CAMPAIGN, filter=FILTER)
        found = recommender(runtime, parameters, names).recommend(ASKED, retries())
        assert (found.recommendation_id, found.campaign_arn, found.filter_arn) == (
            "RID-1", CAMPAIGN, FILTER,
        )  # fmt: skip
        assert (found.experiment, found.fallback) == (None, None)
        unknown, known = found.items
        assert (unknown.track_id, unknown.name, unknown.artists) == (UNKNOWN, None, ())
        assert (known.name, known.artists, known.genres) == ("初恋", ("宇多田ヒカル",), ("j-pop",))
        assert (known.explicit, unknown.explicit) == (False, None)
        assert known.url == f"https://open.spotify.com/track/{KNOWN}"
        assert known.score == 0.25
        assert parameters.reads == 1

    def test_without_catalogue_and_scores(self, runtime, stubber):
        """A recipe without scores and a missing catalogue still give a list."""
        stubber.add_response("get_recommendations", {"itemList": [{"itemId": KNOWN}]}, asked())
        found = recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(ASKED, retries())
        (item,) = found.items
        assert item.score is item.name is None

    def test_a_new_campaign_is_found_when_the_old_is_gone(self, runtime, stubber):
        """A campaign that does not exist any more is looked up anew, once."""
        parameters = Parameters(campaign=CAMPAIGN)
        parameters.next = {"campaign": OTHER}
        stubber.add_client_error("get_recommendations", "ResourceNotFoundException")
        stubber.add_response("get_recommendations", answer(KNOWN), asked(OTHER))
        found = recommender(runtime, parameters).recommend(ASKED, retries())
        assert found.campaign_arn == OTHER
        assert parameters.forgotten == ["campaign", "filter", "on_request"]

    def test_a_campaign_that_stays_gone(self, runtime, stubber):
        """When the second look helps neither, there is no campaign."""
        for _ in range(2):
            stubber.add_client_error("get_recommendations", "ResourceNotFoundException")
        with pytest.raises(NoCampaignError):
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(ASKED, retries())

    def test_no_campaign_yet(self, runtime):
        """Before there is a campaign the error is 503 and names the missing parameter."""
        with pytest.raises(NoCampaignError, match="no campaign yet") as caught:
            recommender(runtime, Parameters()).recommend(ASKED, retries())
        assert (caught.value.status, caught.value.detail) == (503, "campaign")
        assert caught.value.retry_after_s == 60


class TestWishes:
    """What is sent for each wish, and what the answer says was met."""

    @pytest.mark.parametrize(
        ("wishes", "sent", "applied"),
        [
            ({}, {"filterArn": FILTER}, {"filter": "personalize"}),
            ({"filter": "none"}, {}, {}),
            (
                {"explicit": False},
                {"filterArn": ON_REQUEST,
                 "filterValues": {"EVENT_TYPES": '"skip"', "EXPLICIT": '"true"'}},
                {"filter": "personalize", "explicit": "personalize"},
            ),
            (
                {"exclude_recent": True},
                {"filterArn": ON_REQUEST,
                 "filterValues": {"EVENT_TYPES": '"skip","play","complete"'}},
                {"filter": "personalize", "exclude_recent": "personalize"},
            ),
            (
                {"filter": "none", "exclude_recent": True, "explicit": False},
                {"filterArn": ON_REQUEST,
                 "filterValues": {"EVENT_TYPES": '"play","complete"', "EXPLICIT": '"true"'}},
                {"explicit": "personalize", "exclude_recent": "personalize"},
            ),
            (
                {"filter": "none", "explicit": False},
                {"filterArn": ON_REQUEST, "filterValues": {"EXPLICIT": '"true"'}},
                {"explicit": "personalize"},
            ),
        ],
    )  # fmt: skip
    def test_filters_meet_them(self, runtime, stubber, wishes, sent, applied):
        """The fixed filter serves the usual request, the one with values everything else."""
        stubber.add_response("get_recommendations", answer(KNOWN), asked(**sent))
        parameters = Parameters(campaign=CAMPAIGN, filter=FILTER, on_request=ON_REQUEST)
        question = Question(user_id="björk", **wishes)
        found = recommender(runtime, parameters).recommend(question, retries())
        assert found.applied == Applied(**applied)
        assert found.filter_arn == sent.get("filterArn")

    def test_the_catalogue_helps_where_the_filter_is_missing(self, runtime, stubber, names):
        """Twice as many tracks are asked for, and what the catalogue marks explicit goes."""
        request = asked(filterArn=FILTER) | {"numResults": 4}
        stubber.add_response("get_recommendations", answer(RUDE, UNKNOWN, KNOWN), request)
        question = Question(user_id="björk", num_results=2, explicit=False, exclude_recent=True)
        parameters = Parameters(campaign=CAMPAIGN, filter=FILTER)
        found = recommender(runtime, parameters, names).recommend(question, retries())
        assert [item.track_id for item in found.items] == [UNKNOWN, KNOWN]
        assert found.applied == Applied(
            filter="personalize", explicit="catalogue", exclude_recent="not_applied"
        )

    def test_what_cannot_be_met_is_said(self, runtime, stubber):
        """Without filters and catalogue the list is what it is, and the answer says so."""
        request = asked()
        stubber.add_response("get_recommendations", answer(RUDE), request)
        question = Question(user_id="björk", explicit=False)
        found = recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(question, retries())
        assert found.applied == Applied(filter="not_applied", explicit="not_applied")

    def test_more_than_personalize_gives_is_not_asked_for(self, runtime, stubber, names):
        """Asking for twice as many stops at the service's limit."""
        stubber.add_response("get_recommendations", answer(), asked() | {"numResults": 500})
        question = Question(user_id="björk", num_results=400, filter="none", explicit=False)
        recommender(runtime, Parameters(campaign=CAMPAIGN), names).recommend(question, retries())


class TestExperiment:
    def running(self, **changes):
        settings = {"name": "other", "campaign_arn": OTHER, "share": 0.5} | changes
        return Parameters(campaign=CAMPAIGN, experiment=json.dumps(settings))

    def test_each_arm_is_asked_of_its_campaign(self, runtime, stubber):
        """The answer reports the arm, and the campaign is the arm's."""
        seen = set()
        for user in map(str, range(20)):
            request = {"userId": user, "numResults": 25}
            arm = "treatment" if dealing.is_within(0.5, "other", user) else "control"
            campaign = OTHER if arm == "treatment" else CAMPAIGN
            stubber.add_response(
                "get_recommendations", answer(KNOWN), {"campaignArn": campaign, **request}
            )
            found = recommender(runtime, self.running()).recommend(
                Question(user_id=user), retries()
            )
            assert (found.experiment.name, found.experiment.arm) == ("other", arm)
            assert found.campaign_arn == campaign
            seen.add(arm)
        assert seen == {"control", "treatment"}

    def test_an_unreadable_experiment_costs_nothing(self, runtime, stubber, caplog):
        """Everybody is asked of the stack's own campaign, and the log says why."""
        stubber.add_response("get_recommendations", answer(KNOWN), asked())
        parameters = Parameters(campaign=CAMPAIGN, experiment="{oops")
        found = recommender(runtime, parameters).recommend(ASKED, retries())
        assert (found.experiment, found.campaign_arn) == (None, CAMPAIGN)
        assert "no experiment" in caplog.text

    def test_a_failure_knows_the_arm(self, runtime, stubber):
        """What stands in for the list can be counted for the arm that it happened to."""
        stubber.add_client_error("get_recommendations", "InvalidInputException")
        with pytest.raises(UnavailableError) as caught:
            recommender(runtime, self.running(share=1)).recommend(ASKED, retries())
        assert caught.value.experiment.arm == "treatment"


class TestTrouble:
    @pytest.mark.parametrize(
        ("code", "status", "kind"),
        [
            ("ThrottlingException", 400, ThrottledError),
            ("TooManyRequestsException", 429, ThrottledError),
            ("InternalServerError", 500, UnavailableError),
            ("AccessDeniedException", 403, UnavailableError),
        ],
    )
    def test_refusals_have_their_errors(self, runtime, stubber, code, status, kind):
        """Throttling is 429, other refusals 503; both say when to ask again."""
        for _ in range(3):
            stubber.add_client_error("get_recommendations", code, http_status_code=status)
        with pytest.raises(kind) as caught:
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(ASKED, retries())
        assert caught.value.status == (429 if kind is ThrottledError else 503)
        assert caught.value.retry_after_s == 1

    def test_throttling_is_tried_again_twice(self, runtime, stubber):
        """Two pauses of a fraction of a second, then the list."""
        waited = []
        for _ in range(2):
            stubber.add_client_error("get_recommendations", "ThrottlingException")
        stubber.add_response("get_recommendations", answer(KNOWN), asked())
        asked_of = recommender(runtime, Parameters(campaign=CAMPAIGN))
        assert asked_of.recommend(ASKED, retries(waited=waited)).items
        assert len(waited) == 2
        assert sum(waited) <= 0.3

    def test_what_is_refused_for_good_is_not_tried_again(self, runtime, stubber):
        """A missing right does not come by waiting."""
        waited = []
        stubber.add_client_error(
            "get_recommendations", "AccessDeniedException", http_status_code=403
        )
        with pytest.raises(UnavailableError):
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(
                ASKED, retries(waited=waited)
            )
        assert waited == []

    def test_without_time_nothing_is_asked(self, runtime, stubber):
        """A function that is about to be ended does not begin a call."""
        with pytest.raises(TooSlowError, match="no time left"):
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(
                ASKED, retries(remaining_ms=5_400)
            )
        stubber.assert_no_pending_responses()

    def test_silence_is_tried_again_only_while_time_allows(self, runtime):
        """Each silent call takes its seconds; the last one leaves enough for the answer."""
        left = itertools.count(12_000, -3_000)

        def silence(**_):
            calls.append(now[0])
            now[0] = next(left)
            raise ReadTimeoutError(endpoint_url="https://personalize-runtime")

        calls, now = [], [next(left)]
        runtime.meta.events.register("before-send", silence)
        patient = Retries(
            remaining_ms=lambda: now[0], wait=lambda _: None, random=Random(3), reserve_ms=5_500
        )
        with pytest.raises(TooSlowError) as caught:
            recommender(runtime, Parameters(campaign=CAMPAIGN)).recommend(ASKED, patient)
        assert caught.value.status == 504
        assert calls == [12_000, 9_000, 6_000]
