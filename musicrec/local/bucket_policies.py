"""What a bucket's policy means to requests that come over the loopback device.

moto reads a policy's statements without their conditions, so that one which refuses unencrypted
connections refuses everything. Nothing that is sent here leaves the machine: for a policy it came
encrypted. moto also reads the policy anew at each request, which costs more than the request.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_METHOD: Final = "get_permission"
_original: Final[Any] = getattr(FakeBucket, _METHOD)
_ENCRYPTED: Final = "aws:SecureTransport"


def _permission(bucket: FakeBucket, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    return _policy(bucket.policy).is_action_permitted(action, resource)


@lru_cache(maxsize=64)
def _policy(document: bytes) -> IAMPolicy:
    """The statements that hold for encrypted requests."""
    policy = json.loads(document)
    given = policy.get("Statement", [])
    statements = [given] if isinstance(given, dict) else given
    kept = [one for one in statements if not _spares_encrypted(one)]
    return IAMPolicy(json.dumps({**policy, "Statement": kept}))


def _spares_encrypted(statement: dict[str, Any]) -> bool:
    wanted = statement.get("Condition", {}).get("Bool", {}).get(_ENCRYPTED, True)
    return str(wanted).lower() == "false"


def install() -> None:
    """From now on buckets of this process take requests as encrypted."""
    setattr(FakeBucket, _METHOD, _permission)


def uninstall() -> None:
    """Give moto its own way back."""
    setattr(FakeBucket, _METHOD, _original)
