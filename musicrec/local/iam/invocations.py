"""Who may invoke a function: the policy of the function, where a service does it for a resource."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from musicrec.local.iam.policies import Ask, Policy, Verdict, evaluate, parse
from musicrec.local.parts import InvocationForbiddenError

if TYPE_CHECKING:
    from musicrec.local.parts import Aws


class Invocations:
    """The functions' own policies, read back at their first use after a change.

    Args:
        aws: where they are stored.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._generation = 0
        self._policies: dict[str, Policy] = {}

    def permit(self, service: str, function_arn: str, source_arn: str) -> None:
        """Check that a service may invoke a function for a resource.

        Args:
            service: e.g. `events.amazonaws.com`.
            function_arn: the function, with a qualifier or without.
            source_arn: the rule, or the API's method.

        Raises:
            InvocationForbiddenError: the function's policy does not allow it.
        """
        context = (
            ("aws:sourceaccount", self._aws.account_id),
            ("aws:sourcearn", source_arn),
        )
        ask = Ask("lambda:InvokeFunction", function_arn, context, principal=service)
        if evaluate([self._policy(function_arn)], ask) is not Verdict.ALLOWED:
            raise InvocationForbiddenError(
                f"the policy of {function_arn} does not let {service} invoke it for {source_arn}: "
                "add a permission to the function"
            )

    def forget(self) -> None:
        """Read the policies anew: a function has changed."""
        with self._lock:
            self._generation += 1
            self._policies.clear()

    def _policy(self, function_arn: str) -> Policy:
        with self._lock:
            known = self._policies.get(function_arn)
            generation = self._generation
        if known is not None:
            return known
        policy = self._read(function_arn)
        with self._lock:
            if generation == self._generation:
                self._policies[function_arn] = policy
        return policy

    def _read(self, function_arn: str) -> Policy:
        try:
            answer = self._aws.client("lambda").get_policy(FunctionName=function_arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return Policy(())
        return parse(answer["Policy"])
