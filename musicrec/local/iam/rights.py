"""What each role may do, as the policies say that IAM stores of it, and what it was seen to ask for."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from musicrec.local.iam.conditions import MalformedPolicyError
from musicrec.local.iam.policies import Ask, Policy, Verdict, evaluate, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicrec.local.parts import Aws

KEPT: Final = 50_000
"""Verdicts that are remembered, and requests that are listed; S3 keys have no end."""

_log = logging.getLogger(__name__)


class Access(Struct, frozen=True):
    """What a role has asked for.

    Attributes:
        role: its name.
        action: e.g. `s3:GetObject`.
        resource: its ARN.
        context: condition keys and values.
        verdict: what its policies said at the first time.
    """

    role: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...]
    verdict: Verdict

    def shown(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "role": self.role,
            "action": self.action,
            "resource": self.resource,
            "context": dict(self.context),
            "allowed": self.verdict is Verdict.ALLOWED,
        }


class Rights:
    """The policies of roles, read back from IAM at their first use after a change.

    Args:
        aws: where the policies are stored.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._generation = 0
        self._policies: dict[str, tuple[Policy, ...]] = {}
        self._verdicts: dict[tuple[str, Ask], Verdict] = {}
        self._asked: dict[tuple[str, Ask], Verdict] = {}

    def verdict(self, role_arn: str, ask: Ask) -> Verdict:
        """What the policies of a role say to a request."""
        key = role_arn, ask
        known = self._verdicts.get(key)
        return self._decide(key) if known is None else known

    def accesses(self) -> list[Access]:
        """Everything distinct that roles have asked for since the start, in order."""
        with self._lock:
            asked = list(self._asked.items())
        return [
            Access(role_arn.rpartition("/")[2], ask.action, ask.resource, ask.context, verdict)
            for (role_arn, ask), verdict in asked
        ]

    def forget(self) -> None:
        """Read the policies anew: something has changed in IAM."""
        with self._lock:
            self._generation += 1
            self._policies.clear()
            self._verdicts.clear()

    def reset(self) -> None:
        """Forget everything."""
        self.forget()
        with self._lock:
            self._asked.clear()

    def _decide(self, key: tuple[str, Ask]) -> Verdict:
        role_arn, ask = key
        with self._lock:
            generation = self._generation
            policies = self._policies.get(role_arn)
        if policies is None:
            policies = self._read(role_arn)
        verdict = evaluate(policies, ask)
        if verdict is not Verdict.ALLOWED:
            _log.warning("%s: %s on %s is %s", role_arn, ask.action, ask.resource, verdict.value)
        with self._lock:
            if len(self._asked) < KEPT:
                self._asked.setdefault(key, verdict)
            if generation == self._generation:
                self._policies[role_arn] = policies
                if len(self._verdicts) >= KEPT:
                    self._verdicts.clear()
                self._verdicts[key] = verdict
        return verdict

    def _read(self, role_arn: str) -> tuple[Policy, ...]:
        """A role's policies; none at all if one of them cannot be understood."""
        iam, role = self._aws.client("iam"), role_arn.rpartition("/")[2]
        try:
            return tuple(map(parse, _documents(iam, role)))
        except iam.exceptions.NoSuchEntityException:
            return ()
        except MalformedPolicyError as error:
            _log.warning("%s may do nothing: %s", role_arn, error)
            return ()


def _documents(iam: Any, role: str) -> Iterator[Any]:
    """The documents of a role's inline policies, then of those that are attached to it."""
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            yield iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
                "Document"
            ]
