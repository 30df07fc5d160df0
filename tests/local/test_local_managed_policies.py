"""AWS's own managed policies are there without anybody making them."""

import json
from functools import partial

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends

from musicrec.local import managed_policies

PERSONALIZE = "arn:aws:iam::aws:policy/service-role/AmazonPersonalizeFullAccess"

OWN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)


@pytest.fixture
def iam():
    """A client of moto's store, which is empty."""
    managed_policies.install()
    with mock_aws():
        yield boto3.client("iam", region_name="us-east-1")
    managed_policies.uninstall()


@pytest.fixture
def role(iam):
    """A role's name."""
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"}))
    return "r"


def read_by_now():
    """How many of AWS's policies were read."""
    return len(iam_backends[DEFAULT_ACCOUNT_ID]["aws"].aws_managed_policies)


class TestManagedPolicies:
    def test_policy_of_aws_can_be_attached_and_detached(self, iam, role):
        """As to a role that Personalize is to use."""
        iam.attach_role_policy(RoleName=role, PolicyArn=PERSONALIZE)
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert attached == [{"PolicyName": "AmazonPersonalizeFullAccess", "PolicyArn": PERSONALIZE}]
        iam.detach_role_policy(RoleName=role, PolicyArn=PERSONALIZE)
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []

    def test_policy_of_aws_can_be_looked_at(self, iam):
        """By its ARN; one that does not exist is not found."""
        assert iam.get_policy(PolicyArn=PERSONALIZE)["Policy"]["Arn"] == PERSONALIZE
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_policy(PolicyArn=f"{PERSONALIZE}er")

    def test_lists_tell_aws_s_from_one_s_own(self, iam):
        """By scope."""
        iam.create_policy(PolicyName="mine", PolicyDocument=OWN)
        listed = partial(iam.list_policies, MaxItems=1000)
        assert [policy["PolicyName"] for policy in listed(Scope="Local")["Policies"]] == ["mine"]
        assert len(listed(Scope="AWS")["Policies"]) == 1000

    def test_nothing_is_read_for_roles_with_policies_of_their_own(self, iam, role):
        """The stack of this project has no other."""
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=OWN)
        iam.create_policy(PolicyName="mine", PolicyDocument=OWN)
        assert read_by_now() == 0

    def test_uninstall_gives_moto_its_own_way_back(self):
        """Which is to have none."""
        managed_policies.install()
        managed_policies.uninstall()
        with mock_aws():
            iam = boto3.client("iam", region_name="us-east-1")
            with pytest.raises(iam.exceptions.NoSuchEntityException):
                iam.get_policy(PolicyArn=PERSONALIZE)
