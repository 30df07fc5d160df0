"""Whatever is sent is answered or refused in the words of the service models.

Deterministic and short unless the profile `long` asks for new examples and many of them.
"""

import io
import json
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from personalize_filter_cases import cases
from personalize_inputs import ITEMS, USERS
from personalize_machine import PersonalizeMachine
from personalize_models import MODELS
from personalize_shapes import complaints, fitting, spoiled
from personalize_wire import PATIENT, Wire, deadline, environment

pytestmark = pytest.mark.slow

SERVED = (
    "aws-user-personalization-v2",
    "aws-sims",
    "aws-trending-now",
    "aws-similar-items",
    "aws-personalized-ranking",
)

LONG = settings.get_current_profile_name() == "long"
if LONG:
    pytestmark = [pytestmark, pytest.mark.timeout(0)]


def depth(**short):
    """The settings of the profile `long`, else short ones that are the same on every run."""
    checks = list(HealthCheck)
    if LONG:
        return settings(deadline=None, suppress_health_check=checks)
    return settings(
        derandomize=True, database=None, deadline=None, suppress_health_check=checks, **short
    )


@pytest.fixture(scope="module")
def wire():
    """The application, empty."""
    return Wire()


operations = st.sampled_from(sorted(MODELS)).map(MODELS.__getitem__)
bodies = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 9000, b'{"a":' * 3000, b"9" * 5000, b"\xff\xfe{\0}\0", b'{"a": 1e999}']
    ),
)


class TestRequestsOfTheModels:
    """Requests that know the service models and nothing of what is there."""

    @depth(max_examples=150)
    @given(data=st.data(), model=operations)
    def test_fitting_ones_pass_validation(self, wire, data, model):
        """What the service model allows may fail for what it names, never for its form."""
        params = data.draw(fitting(model.input_shape))
        assert not list(complaints(model.input_shape, params))
        answer = wire.send(model.name, params)
        assert answer.code != "SerializationException", answer
        assert "validation error" not in answer.content.get("message", "")

    @depth(max_examples=150)
    @given(data=st.data(), model=operations)
    def test_spoiled_ones_are_refused_by_it(self, wire, data, model):
        """One broken rule anywhere in a request is a refusal that tells so."""
        params, where = data.draw(spoiled(model.input_shape))
        if params is None:
            return
        answer = wire.send(model.name, params)
        assert answer.code == "SerializationException" or (
            answer.code == "InvalidInputException"
            and "validation error" in answer.content["message"]
        ), where


class TestNoise:
    """Requests that know nothing at all."""

    @depth(max_examples=150)
    @given(model=operations, body=bodies)
    def test_any_body_gets_an_answer(self, wire, model, body):
        """JSON or not, in the shape of a request or not."""
        wire.post(model.name, body)

    @depth(max_examples=100)
    @given(
        path=st.sampled_from(["/", "", "/events", "/nowhere", "//", "/recommendations/"])
        | st.text(),
        target=st.sampled_from(["", "AmazonPersonalize.", "AmazonPersonalize.Dream", "."])
        | st.text(),
        authorization=st.text(),
        body=bodies,
    )
    def test_any_address_gets_an_answer(self, wire, path, target, authorization, body):
        """Unknown paths and targets are refused by type."""
        environ = environment(MODELS["ListSchemas"], body) | {
            "PATH_INFO": path,
            "HTTP_X_AMZ_TARGET": target,
            "HTTP_AUTHORIZATION": authorization,
        }
        environ["wsgi.input"] = io.BytesIO(body)
        with deadline(PATIENT, path):
            status, _, content = wire.serve(environ)
        assert status == 200 or (400 <= status < 500 and json.loads(content)["message"])


@pytest.fixture(scope="module")
def listener():
    """A client with campaigns, and users who have just listened."""
    client = PersonalizeMachine()
    client.fill(*SERVED)
    for user in USERS:
        events = [
            {"eventType": kind, "sentAt": 1_750_000_000 + place, "itemId": item}
            for place, (kind, item) in enumerate(product(["Play", "gone"], ITEMS[:3]))
        ]
        params = {"sessionId": user, "trackingId": client.tracking[0], "eventList": events}
        client.call("PutEvents", **params)
    return client


class TestFilteredAnswers:
    """Filters of the grammar against the same filters in plain Python."""

    @depth(max_examples=100)
    @given(case=cases())
    def test_exactly_what_passes_is_there(self, listener, case):
        """Trending-Now scores every item, so a long answer is all that each user's filter lets through."""
        params = {"campaignArn": listener.campaign("aws-trending-now"), "numResults": 500}
        params |= listener.new_filter("filter", case)
        for user in USERS:
            answer = listener.wire.send("GetRecommendations", params | {"userId": user})
            names = {entry["itemId"] for entry in answer.content["itemList"]}
            assert names == set(listener.passing(params | {"userId": user}))

    @depth(max_examples=30)
    @given(
        request=st.fixed_dictionaries(
            {"userId": st.sampled_from(USERS), "itemId": st.sampled_from(ITEMS)},
            optional={"numResults": st.sampled_from([1, 5, 40])},
        ),
        case=cases(),
        promoted=cases(),
        share=st.sampled_from([1, 20, 100]),
    )
    def test_promoted_items_pass_their_own_filter(self, listener, request, case, promoted, share):
        """And the others the request's, whatever the recipe."""
        request |= listener.new_filter("filter", case)
        promotion = {"name": "ours", "percentPromotedItems": share}
        request["promotions"] = [promotion | listener.new_filter("other", promoted)]
        for served in SERVED[:-1]:
            params = request | {"campaignArn": listener.campaign(served)}
            answer = listener.wire.send("GetRecommendations", params)
            listener.check_items(params, answer.content["itemList"])

    @depth(max_examples=30)
    @given(user=st.sampled_from(USERS), case=cases(), step=st.integers(1, 5))
    def test_rankings_keep_what_passes(self, listener, user, case, step):
        """With shares that sum to one."""
        params = {"campaignArn": listener.campaign(SERVED[-1]), "userId": user}
        params["inputList"] = sorted(listener.known_items(params))[::step]
        params |= listener.new_filter("filter", case)
        answer = listener.wire.send("GetPersonalizedRanking", params)
        listener.check_ranking(params, answer.content["personalizedRanking"])


class TestAnySequenceOfCalls(PersonalizeMachine.TestCase):
    """Generated clients; see the machine for what must hold after every call."""

    settings = depth(max_examples=10, stateful_step_count=30)
