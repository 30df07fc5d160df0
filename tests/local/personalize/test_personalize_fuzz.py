"""Whatever is sent is answered or refused in the words of the service model."""

import io
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from personalize_machine import PersonalizeMachine
from personalize_shapes import MODELS, complaints, fitting, spoiled
from personalize_wire import Wire, deadline, environment

LONG = settings.get_current_profile_name() == "long"


def depth(**short):
    """The settings of the profile `long`, else short ones that are the same on every run."""
    checks = list(HealthCheck)
    if LONG:
        return settings(deadline=None, suppress_health_check=checks)
    return settings(derandomize=True, deadline=None, suppress_health_check=checks, **short)


@pytest.fixture(scope="module")
def wire():
    """The application, empty."""
    return Wire()


operations = st.sampled_from(sorted(MODELS)).map(MODELS.__getitem__)


class TestTheModelsRequests:
    """Requests that know the service models and nothing of what is there."""

    @depth(max_examples=300)
    @given(data=st.data(), model=operations)
    def test_fitting_ones_pass_validation(self, wire, data, model):
        """What the service model allows may fail for what it names, never for its form."""
        params = data.draw(fitting(model.input_shape))
        assert not list(complaints(model.input_shape, params))
        answer = wire.send(model.name, params)
        assert answer.code != "SerializationException", answer
        assert "validation error" not in answer.content.get("message", "")

    @depth(max_examples=300)
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


class TestAnySequenceOfCalls(PersonalizeMachine.TestCase):
    """Generated clients; see the machine for what must hold after every call."""

    settings = depth(max_examples=20, stateful_step_count=30)
