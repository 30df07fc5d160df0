"""Functions may use layers that other accounts published."""

import io
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from musicrec.local import foreign_layers

FOREIGN = "arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python312-Arm64:29"


@pytest.fixture
def client(monkeypatch):
    """A client of moto's store, with a role for functions."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    foreign_layers.install()
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        yield boto3.client("lambda", region_name="us-east-1")
    foreign_layers.uninstall()


def function(client, *layers):
    with zipfile.ZipFile(code := io.BytesIO(), "w") as archive:
        archive.writestr("handler.py", "")
    return client.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Handler="handler.f",
        Role="arn:aws:iam::123456789012:role/r",
        Code={"ZipFile": code.getvalue()},
        Layers=list(layers),
    )


class TestForeignLayers:
    def test_a_layer_of_another_account_is_taken(self, client):
        """AWS publishes layers that nobody made here."""
        function(client, FOREIGN)
        shown = client.get_function_configuration(FunctionName="f")["Layers"]
        assert [layer["Arn"] for layer in shown] == [FOREIGN]

    def test_a_layer_of_our_own_must_exist(self, client):
        """Among the account's own layers a name that is not there is an error, as on AWS."""
        own = "arn:aws:lambda:us-east-1:123456789012:layer:none:1"
        with pytest.raises(ClientError, match="LayerVersion does not exist"):
            function(client, own)

    def test_uninstalled_moto_refuses_again(self, client):
        """The change ends with the server that made it."""
        foreign_layers.uninstall()
        with pytest.raises(ClientError, match="LayerVersion does not exist"):
            function(client, FOREIGN)
