"""The bucket as the built-in deployer makes it: private, encrypted, versioned, ageing."""

from __future__ import annotations

from typing import Any

from musicrec.local.deploy_steps import Target, found
from musicrec.stack import StackSettings, bucket_policy


def deploy_bucket(stack: Target) -> None:
    """Make the bucket of lake, catalogue, datasets and code, and set what it does with them."""
    s3, bucket = stack.aws.client("s3"), stack.names.bucket
    if not found(lambda: s3.head_bucket(Bucket=bucket), "404"):
        s3.create_bucket(Bucket=bucket)
    _protect(stack)
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": stack.settings.bucket.versioning}
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": _lifecycle(stack.settings)}
    )


def _protect(stack: Target) -> None:
    s3, bucket = stack.aws.client("s3"), stack.names.bucket
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    default = {"SSEAlgorithm": stack.settings.bucket.encryption}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(f"arn:aws:s3:::{bucket}"))


def _lifecycle(settings: StackSettings) -> list[dict[str, Any]]:
    lake, athena, bucket = settings.lake, settings.athena, settings.bucket
    transitions = [{"StorageClass": t.storage_class, "Days": t.days} for t in lake.transitions]
    results = {"Days": athena.results_expire_days}
    return [
        _rule("raw-ages-out", lake.prefix, Transitions=transitions),
        _rule("errors-expire", lake.errors_prefix, Expiration={"Days": lake.errors_expire_days}),
        _rule("query-results-expire", athena.results_prefix, Expiration=results),
        _rule(
            "old-versions-expire",
            "",
            NoncurrentVersionExpiration={"NoncurrentDays": bucket.noncurrent_expire_days},
            AbortIncompleteMultipartUpload={"DaysAfterInitiation": bucket.abort_uploads_days},
        ),
    ]


def _rule(name: str, prefix: str, **actions: Any) -> dict[str, Any]:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, **actions}
