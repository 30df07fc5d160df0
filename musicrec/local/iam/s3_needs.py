"""What a request to S3 asks for: the actions have other names than the operations.

Source: Service Authorization Reference, and "Required permissions for Amazon S3 API operations" in
the S3 User Guide.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from musicrec.local.iam.policies import ANY, Ask

if TYPE_CHECKING:
    from musicrec.local.iam.calls import Call

_ACTIONS: Final = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
"""Where an action is not called as the operation."""

_KEYS: Final = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


def needs(call: Call) -> list[Ask]:
    """What a request asks for: every one of them must be allowed."""
    bucket, key = call.params.text("Bucket"), call.params.text("Key")
    if call.operation == "DeleteObjects":
        keys = [unescape(one.decode(errors="replace")) for one in _KEYS.findall(call.params.body)]
        return [_on_object("DeleteObject", bucket, one) for one in keys]
    action = _ACTIONS.get(call.operation, call.operation)
    if key:
        return [_on_object(action, bucket, key), *_copied(call)]
    context = (("s3:prefix", call.params.text("prefix")),) if action == "ListBucket" else ()
    resource = f"arn:aws:s3:::{bucket}" if bucket else ANY
    return [Ask(f"s3:{action}", resource, context)]


def listing(bucket: str) -> Ask:
    """The right without which S3 tells nobody that an object is not there."""
    return Ask("s3:ListBucket", f"arn:aws:s3:::{bucket}")


def _on_object(action: str, bucket: str, key: str) -> Ask:
    return Ask(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")


def _copied(call: Call) -> list[Ask]:
    """The right to read what is copied."""
    source = unquote(call.headers.get("HTTP_X_AMZ_COPY_SOURCE", "")).partition("?")[0]
    bucket, _, key = source.removeprefix("/").partition("/")
    return [_on_object("GetObject", bucket, key)] if key else []
