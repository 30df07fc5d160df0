"""IAM policies: what a document allows and denies.

Everything is denied that no statement allows, and a statement that denies beats all that allow (IAM
User Guide, "Policy evaluation logic"). No clock, no network, no state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from msgspec import Struct

from musicrec.local.iam import conditions
from musicrec.local.iam.conditions import Condition, MalformedPolicyError
from musicrec.local.iam.patterns import matches, matches_action

ANY: Final = "*"
_VARIABLE: Final = "${"


class Ask(Struct, frozen=True):
    """One action on one resource, that somebody asks for.

    Attributes:
        action: e.g. `s3:GetObject`.
        resource: its ARN; `*` for an action that has no resources.
        context: condition keys in lower case, with their values.
        principal: who asks, as resource policies name it; empty where only roles' own policies count.
    """

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()
    principal: str = ""


class Verdict(Enum):
    """What policies say to a request."""

    ALLOWED = "allowed"
    UNHEARD = "not allowed by any statement"
    DENIED = "denied by a statement"


class Statement(Struct, frozen=True):
    """One statement of a policy.

    Attributes:
        allows: False for a statement that denies.
        actions: patterns; of all others, when `other_actions`.
        resources: patterns; of all others, when `other_resources`.
        conditions: all of which must hold.
        principals: whom it is about; None in the policy of an identity.
    """

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    principals: tuple[str, ...] | None
    other_actions: bool = False
    other_resources: bool = False

    def applies(self, ask: Ask) -> bool:
        """Whether it is about a request."""
        return (
            any(matches_action(one, ask.action) for one in self.actions) != self.other_actions
            and any(matches(one, ask.resource) for one in self.resources) != self.other_resources
            and self._is_about(ask.principal)
            and all(condition.holds(dict(ask.context)) for condition in self.conditions)
        )

    def _is_about(self, principal: str) -> bool:
        return self.principals is None or any(one in {ANY, principal} for one in self.principals)


class Policy(Struct, frozen=True):
    """A policy document as understood."""

    statements: tuple[Statement, ...]


def evaluate(policies: Iterable[Policy], ask: Ask) -> Verdict:
    """What policies together say to a request."""
    applying = [
        statement
        for policy in policies
        for statement in policy.statements
        if statement.applies(ask)
    ]
    if not applying:
        return Verdict.UNHEARD
    return Verdict.ALLOWED if all(one.allows for one in applying) else Verdict.DENIED


def parse(document: str | Mapping[str, Any]) -> Policy:
    """Understand a policy document.

    Args:
        document: JSON, or what it stands for.

    Raises:
        MalformedPolicyError: it is no policy, or one that uses what is not evaluated here.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise MalformedPolicyError(f"a policy must be JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise MalformedPolicyError(f"a policy must be an object, not {document!r}")
    return Policy(tuple(_statement(one) for one in _listed(document.get("Statement"))))


def _statement(element: Any) -> Statement:
    if not isinstance(element, Mapping) or element.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedPolicyError(f"a statement needs the Effect Allow or Deny: {element!r}")
    actions, other_actions = _either(element, "Action")
    if not actions:
        raise MalformedPolicyError(f"a statement needs an Action or a NotAction: {element!r}")
    resources, other_resources = _either(element, "Resource")
    return Statement(
        allows=element["Effect"] == "Allow",
        actions=actions,
        # A trust policy names no resource: it is about the role that has it.
        resources=resources or (ANY,),
        conditions=conditions.read(_without_variables(element.get("Condition", {}))),
        principals=_principals(element["Principal"]) if "Principal" in element else None,
        other_actions=other_actions,
        other_resources=other_resources,
    )


def _either(element: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """The patterns of an element or of its negation, and which of them it is."""
    negated = f"Not{name}" in element
    given = _without_variables(element.get(f"Not{name}" if negated else name))
    return tuple(str(one) for one in _listed(given)), negated


def _without_variables(given: Any) -> Any:
    if _VARIABLE in json.dumps(given):
        raise MalformedPolicyError(f"policy variables are not evaluated here: {given!r}")
    return given


def _principals(element: Any) -> tuple[str, ...]:
    named = element.values() if isinstance(element, Mapping) else [element]
    return tuple(str(one) for group in named for one in _listed(group))


def _listed(element: Any) -> list[Any]:
    if element is None:
        return []
    return element if isinstance(element, list) else [element]
