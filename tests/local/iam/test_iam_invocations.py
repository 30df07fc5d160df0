"""Who may invoke a function for what: the function's own policy, read back and evaluated."""

import json

import pytest
from botocore.exceptions import ClientError

from musicrec.local.iam.invocations import Invocations
from musicrec.local.parts import InvocationForbiddenError

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
RULE = "arn:aws:events:us-east-1:123456789012:rule/daily"
EVENTS = "events.amazonaws.com"


class FakeLambda:
    """One function's policy, and how often it was asked for."""

    account_id = "123456789012"

    def __init__(self):
        self.statements = []
        self.asked = 0

    def client(self, _service):
        return self

    def get_policy(self, FunctionName):  # noqa: ARG002, N803 - boto3's name, and there is one function
        """The policy, or the client's own error."""
        self.asked += 1
        if not self.statements:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetPolicy")
        return {"Policy": json.dumps({"Statement": self.statements})}

    def allow(self, **condition):
        """Add a permission as moto stores it."""
        self.statements.append(
            {
                "Effect": "Allow",
                "Principal": {"Service": EVENTS},
                "Action": "lambda:InvokeFunction",
                "Resource": FUNCTION,
                "Condition": {"ArnLike": condition} if condition else {},
            }
        )


@pytest.fixture
def aws():
    return FakeLambda()


@pytest.fixture
def invocations(aws):
    return Invocations(aws)


class TestPermit:
    def test_without_a_policy_nobody_may(self, invocations):
        """The message names the function, the service and the rule."""
        with pytest.raises(InvocationForbiddenError, match=rf"{FUNCTION}.*{EVENTS}.*{RULE}"):
            invocations.permit(EVENTS, FUNCTION, RULE)

    def test_a_permission_is_for_its_service_and_its_source(self, aws, invocations):
        """Another service, or another rule, is not meant."""
        aws.allow(**{"AWS:SourceArn": RULE})
        invocations.permit(EVENTS, FUNCTION, RULE)
        for service, source in (("s3.amazonaws.com", RULE), (EVENTS, RULE + "-2")):
            with pytest.raises(InvocationForbiddenError):
                invocations.permit(service, FUNCTION, source)

    def test_policies_are_read_once_until_something_changes(self, aws, invocations):
        """Then they are read anew."""
        aws.allow()
        for _ in range(3):
            invocations.permit(EVENTS, FUNCTION, RULE)
        assert aws.asked == 1
        aws.statements.clear()
        invocations.forget()
        with pytest.raises(InvocationForbiddenError):
            invocations.permit(EVENTS, FUNCTION, RULE)
