import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from musicrec.parameters import ABSENT_TTL_S, PRESENT_TTL_S, UNSET, Parameters


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def ssm():
    return boto3.client(
        "ssm", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def answers(stubber, value):
    if value is None:
        stubber.add_client_error("get_parameter", "ParameterNotFound", http_status_code=400)
    else:
        stubber.add_response("get_parameter", {"Parameter": {"Value": value}}, {"Name": "/p"})


class TestGet:
    def test_a_value_is_read_once_while_it_is_fresh(self, ssm):
        """SSM is asked again only when the value has become old."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            answers(stubber, "one")
            assert [parameters.get("/p") for _ in range(3)] == ["one"] * 3
            clock.now += PRESENT_TTL_S
            answers(stubber, "two")
            assert parameters.get("/p") == "two"
            stubber.assert_no_pending_responses()

    def test_absence_is_soon_asked_again(self, ssm):
        """A parameter that appears is seen within seconds."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            answers(stubber, None)
            assert parameters.get("/p") is None
            assert parameters.get("/p") is None
            clock.now += ABSENT_TTL_S
            answers(stubber, "made")
            assert parameters.get("/p") == "made"

    def test_what_is_not_set_yet_is_absent(self, ssm):
        """The value that a deployment leaves in place of one counts as none, and is soon asked again."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            answers(stubber, UNSET)
            assert parameters.get("/p") is None
            clock.now += ABSENT_TTL_S
            answers(stubber, "made")
            assert parameters.get("/p") == "made"

    def test_a_forgotten_value_is_read_anew(self, ssm):
        """After `forget` the next question goes to SSM."""
        parameters = Parameters(ssm, Clock())
        with Stubber(ssm) as stubber:
            answers(stubber, "one")
            parameters.get("/p")
            parameters.forget("/p")
            answers(stubber, "two")
            assert parameters.get("/p") == "two"

    def test_an_old_value_serves_while_ssm_is_down(self, ssm):
        """When SSM refuses, the value read before is kept; without one the error comes through."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            stubber.add_client_error("get_parameter", "ThrottlingException")
            with pytest.raises(ClientError, match="Throttling"):
                parameters.get("/p")
            answers(stubber, "one")
            parameters.get("/p")
            clock.now += PRESENT_TTL_S
            stubber.add_client_error("get_parameter", "ThrottlingException")
            assert parameters.get("/p") == "one"


class TestGetAll:
    NAMES = ("/campaign", "/filter", "/experiment")

    def told(self, stubber, *names, **values):
        found = [{"Name": f"/{name}", "Value": value} for name, value in values.items()]
        stubber.add_response("get_parameters", {"Parameters": found}, {"Names": list(names)})

    def test_one_call_reads_what_is_not_fresh(self, ssm):
        """Everything at first, later what became old."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES, campaign="c", filter="f")
            wanted = {"/campaign": "c", "/filter": "f", "/experiment": None}
            assert parameters.get_all(self.NAMES) == parameters.get_all(self.NAMES) == wanted
            parameters.forget("/filter")
            self.told(stubber, "/filter", filter="g")
            assert parameters.get_all(self.NAMES)["/filter"] == "g"
            stubber.assert_no_pending_responses()

    def test_what_is_not_set_yet_is_absent(self, ssm):
        """The value that a deployment leaves in place of one counts as none, read alone or not."""
        parameters = Parameters(ssm, Clock())
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES, campaign="c", filter=UNSET, experiment=UNSET)
            wanted = {"/campaign": "c", "/filter": None, "/experiment": None}
            assert parameters.get_all(self.NAMES) == wanted
            answers(stubber, UNSET)
            assert parameters.get("/p") is None

    def test_absence_beside_the_first_is_kept(self, ssm):
        """What may never come is not asked for every two seconds."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES, campaign="c")
            parameters.get_all(self.NAMES)
            clock.now += PRESENT_TTL_S - 1
            assert parameters.get_all(self.NAMES)["/experiment"] is None

    def test_absence_of_the_first_is_soon_asked_again(self, ssm):
        """A campaign that appears is seen within seconds, though its filter was there before."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES, filter="f")
            assert parameters.get_all(self.NAMES)["/campaign"] is None
            clock.now += ABSENT_TTL_S
            self.told(stubber, "/campaign", "/experiment", campaign="c")
            assert parameters.get_all(self.NAMES)["/campaign"] == "c"

    def test_what_is_known_serves_on(self, ssm):
        """While SSM fails the values of before are given, and absence beside them."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES, campaign="c")
            before = parameters.get_all(self.NAMES)
            clock.now += PRESENT_TTL_S
            stubber.add_client_error("get_parameters", "InternalServerError", http_status_code=500)
            assert parameters.get_all(self.NAMES) == before

    def test_nothing_but_absence_is_not_enough(self, ssm):
        """An error is not taken for a stack that has nothing."""
        clock = Clock()
        parameters = Parameters(ssm, clock)
        with Stubber(ssm) as stubber:
            self.told(stubber, *self.NAMES)
            parameters.get_all(self.NAMES)
            clock.now += ABSENT_TTL_S
            stubber.add_client_error("get_parameters", "InternalServerError", http_status_code=500)
            with pytest.raises(ClientError):
                parameters.get_all(self.NAMES)
