"""The conditions of policy statements, as far as policies of a stack like this one use them.

Source of the rules: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct

from musicrec.local.iam.patterns import matches, matches_arn

_IF_EXISTS: Final = "IfExists"


class MalformedPolicyError(ValueError):
    """A policy document that IAM would not take, or that is beyond what is evaluated here."""


def _same_letters(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


_OPERATORS: Final[dict[str, tuple[Callable[[str, str], bool], bool]]] = {
    "ArnEquals": (matches_arn, False),
    "ArnLike": (matches_arn, False),
    "ArnNotEquals": (matches_arn, True),
    "ArnNotLike": (matches_arn, True),
    "Bool": (_same_letters, False),
    "StringEquals": (str.__eq__, False),
    "StringEqualsIgnoreCase": (_same_letters, False),
    "StringLike": (matches, False),
    "StringNotEquals": (str.__eq__, True),
    "StringNotLike": (matches, True),
}
"""How a wanted value is compared with the request's, and whether the answer is turned round."""


class Condition(Struct, frozen=True):
    """One operator on one key.

    Attributes:
        operator: of `_OPERATORS`.
        if_exists: whether a request without the key passes.
        key: in lower case, for case does not matter.
        values: of which one must fit; none may, if the operator is a negation.
    """

    operator: str
    if_exists: bool
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, str]) -> bool:
        """Whether a request passes.

        Args:
            context: the request's condition keys, in lower case, and their values.
        """
        compare, negated = _OPERATORS[self.operator]
        given = context.get(self.key)
        if given is None:
            return self.if_exists or negated
        return any(map(partial(_turned, compare, given), self.values)) != negated


def _turned(compare: Callable[[str, str], bool], given: str, wanted: str) -> bool:
    return compare(wanted, given)


def read(element: Mapping[str, Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The conditions of a `Condition` element; all of them must hold.

    Raises:
        MalformedPolicyError: an operator is not known here.
    """
    return tuple(
        _condition(operator, key, values)
        for operator, keys in element.items()
        for key, values in keys.items()
    )


def _condition(operator: str, key: str, values: Any) -> Condition:
    name = operator.removesuffix(_IF_EXISTS)
    if name not in _OPERATORS:
        raise MalformedPolicyError(
            f"the condition operator {operator!r} is not evaluated here: use one of "
            f"{', '.join(_OPERATORS)}, with or without {_IF_EXISTS}"
        )
    listed = values if isinstance(values, list) else [values]
    texts = tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)
    return Condition(name, operator != name, key.lower(), texts)
