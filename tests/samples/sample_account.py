"""What AWS's template makes in an account before its notebooks are opened."""

from __future__ import annotations

import json
from typing import Any

BUCKET = "personalize-samples"
ASKED_FOR = ("personalize-demo",)
"""Buckets that a notebook tells its reader to have, and has a name for."""
ROLE = "PersonalizeSamples"
CONTEXT_STACK = "personalize-auto-context-stack"
CONTEXT_BUCKET = "personalize-auto-context"


def prepare(client: Any) -> None:
    """Make the bucket, the role and the two parameters that name them, and the other stack.

    Args:
        client: makes a boto3 client by service name.
    """
    s3 = client("s3")
    for name in (BUCKET, *ASKED_FOR):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_bucket_policy()))
    ssm = client("ssm")
    parameters = {"s3-bucket": BUCKET, "iam-role-arn": _role(client("iam"))}
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"/cloudformation/personalize-{name}", Value=value, Type="String")
    _context_stack(client("cloudformation"))


def _context_stack(cloudformation: Any) -> None:
    """Of the stack of the automatic context sample, what its notebooks on Personalize read.

    The rest puts a CloudFront distribution with functions before a REST API.
    """
    names = {
        "SSMParameterStoreCampaignEndpointArn": "/personalize/endpoints/automatic-context-demo-arn",
        "SSMParameterStoreFilterArn": "/personalize/filters/automatic-context-demo-filter-arn",
    }
    resources: dict[str, Any] = {
        logical: {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": name, "Type": "String", "Value": "default-value"},
        }
        for logical, name in names.items()
    }
    resources["PersonalizeAutoContextBucket"] = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": CONTEXT_BUCKET},
    }
    cloudformation.create_stack(
        StackName=CONTEXT_STACK, TemplateBody=json.dumps({"Resources": resources})
    )


def _bucket_policy() -> dict[str, Any]:
    bucket = f"arn:aws:s3:::{BUCKET}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "personalize.amazonaws.com"},
                "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
                "Resource": [bucket, f"{bucket}/*"],
            }
        ],
    }


def _role(iam: Any) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "personalize.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    files = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    rights = {"Version": "2012-10-17", "Statement": [files]}
    iam.put_role_policy(RoleName=ROLE, PolicyName=ROLE, PolicyDocument=json.dumps(rights))
    return str(made["Role"]["Arn"])
