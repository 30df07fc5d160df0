"""A bucket's policy takes what comes over the loopback device for encrypted."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from musicrec import stack
from musicrec.local import bucket_policies

BUCKET = "lake"
ALL = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]


@pytest.fixture
def s3(monkeypatch):
    """A client of moto's store with a bucket."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    bucket_policies.install()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client
    bucket_policies.uninstall()


def refuse(s3, **condition):
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ALL}
    policy = {"Version": "2012-10-17", "Statement": {**statement, **condition}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


class TestPolicies:
    def test_the_stacks_own_policy_lets_requests_in(self, s3):
        """The policy that refuses unencrypted connections refuses nothing here."""
        s3.put_bucket_policy(Bucket=BUCKET, Policy=stack.bucket_policy(f"arn:aws:s3:::{BUCKET}"))
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")
        assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"v"

    @pytest.mark.parametrize(
        "condition",
        [{}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}],
        ids=["always", "when encrypted"],
    )
    def test_other_refusals_hold(self, s3, condition):
        """What refuses everybody, or whoever comes encrypted, refuses these requests."""
        refuse(s3, **condition)
        with pytest.raises(ClientError, match="Forbidden"):
            s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")

    def test_a_changed_policy_counts_at_once(self, s3):
        """A policy is not remembered beyond its replacement."""
        refuse(s3)
        refuse(s3, Condition={"Bool": {"aws:SecureTransport": False}})
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")
        assert s3.get_object(Bucket=BUCKET, Key="k")["ContentLength"] == 1
