"""Whatever is sent is answered or refused in the words of the service models.

Deterministic and short unless the profile `long` asks for new examples and many of them.
"""

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from personalize_machine import PersonalizeMachine
from personalize_shapes import MODELS, complaints, fitting, spoiled
from personalize_wire import PATIENT, Wire, deadline, environment

pytestmark = pytest.mark.slow

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


class TestAnySequenceOfCalls(PersonalizeMachine.TestCase):
    """Generated clients; see the machine for what must hold after every call."""

    settings = depth(max_examples=12, stateful_step_count=30)
