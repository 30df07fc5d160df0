"""IAM's wildcards: `*` for any characters, `?` for one."""

from __future__ import annotations

import re
from functools import lru_cache

_ARN_PARTS = 6


def matches(pattern: str, text: str) -> bool:
    """Whether a text is of a pattern; `*` goes beyond colons and slashes, upper case matters."""
    return pattern == "*" or _compiled(pattern).fullmatch(text) is not None


def matches_action(pattern: str, action: str) -> bool:
    """Whether an action such as `s3:GetObject` is of a pattern; upper case does not matter."""
    return matches(pattern.lower(), action.lower())


def matches_arn(pattern: str, arn: str) -> bool:
    """Whether an ARN is of a pattern as `ArnLike` has it: part by part between the colons."""
    wanted, given = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    return len(wanted) == len(given) == _ARN_PARTS and all(map(matches, wanted, given))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    # Of several asterisks in a row one is enough, and many would take long to match.
    thrifty = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(wildcards.get(c) or re.escape(c) for c in thrifty), re.DOTALL)
