"""Finding a deployed stack by its name."""

import boto3
import msgspec
import pytest
from moto import mock_aws

from musicrec import deployment
from musicrec.deployment import Deployment, DeploymentNotFoundError


@pytest.fixture
def ssm():
    with mock_aws():
        yield boto3.client(
            "ssm",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def sample(name: str = "musicrec") -> Deployment:
    names = Deployment.__struct_fields__
    return msgspec.convert(dict.fromkeys(names, "x") | {"name": name, "bucket": "b"}, Deployment)


def test_saved_is_found(ssm):
    """What a deployer saved is what a notebook loads, also after a second deployment."""
    deployment.save(sample(), ssm)
    deployment.save(sample(), ssm)
    assert deployment.load("musicrec", ssm) == sample()


def test_stacks_are_apart(ssm):
    """Two stacks in one account do not see each other."""
    deployment.save(sample("blue"), ssm)
    with pytest.raises(DeploymentNotFoundError, match="/green/deployment"):
        deployment.load("green", ssm)


def test_missing_says_what_to_do(ssm):
    """Without a stack the error says how to get one."""
    with pytest.raises(DeploymentNotFoundError, match="musicrec up"):
        deployment.load("musicrec", ssm)


def test_catalogue_lies_in_the_bucket():
    """The catalogue artefact is in the stack's own bucket."""
    assert sample().catalog_uri == "s3://b/catalog/catalog.sqlite"
