import pytest

from musicrec.local.gateway.aws_action import ActionCaller
from musicrec.local.gateway.exchange import GatewayError
from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.parts import Aws

ROLE = "arn:aws:iam::123456789012:role/tunes-apigateway"


def caller(act_as=None):
    aws = Aws("http://127.0.0.1:1")
    return ActionCaller(aws, act_as or (lambda _: aws))


class TestActionCaller:
    def test_a_role_that_cannot_be_taken_is_a_configuration_error(self):
        """API Gateway answers 500 for an integration whose role does not trust it."""

        def refuse(role):
            raise RoleNotAssumableError(role, "apigateway.amazonaws.com", "it is another's")

        uri = "arn:aws:apigateway:us-east-1:kinesis:action/PutRecords"
        with pytest.raises(GatewayError, match="API_CONFIGURATION_ERROR"):
            caller(refuse).call(uri, ROLE, b"{}", {})

    @pytest.mark.parametrize(
        "uri",
        [
            "arn:aws:apigateway:us-east-1:kinesis:path//",
            "arn:aws:apigateway:us-east-1:nope:action/PutRecords",
            "arn:aws:apigateway:us-east-1:sts:action/GetCallerIdentity",
        ],
    )
    def test_other_than_json_actions_are_a_configuration_error(self, uri):
        """Paths, unknown services and other protocols are refused before anything is sent."""
        with pytest.raises(GatewayError, match="API_CONFIGURATION_ERROR"):
            caller().call(uri, ROLE, b"{}", {})

    def test_nobody_listening_is_an_integration_failure(self):
        """A refused connection is the integration's failure."""
        uri = "arn:aws:apigateway:us-east-1:kinesis:action/PutRecords"
        with pytest.raises(GatewayError, match="INTEGRATION_FAILURE"):
            caller().call(uri, ROLE, b"{}", {})
