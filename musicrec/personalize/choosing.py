"""Which filter of Personalize a question is put with, and what is left to the catalogue.

The fixed filter `filters.NO_SKIPS` serves what most requests ask; whatever else is asked goes by
`filters.ON_REQUEST`, where that has been made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from musicrec.personalize.answers import Applied

if TYPE_CHECKING:
    from musicrec.personalize.answers import Met
    from musicrec.personalize.question import Question

SKIPPED: Final = ("skip",)
PLAYED: Final = ("play", "complete")
"""Event types by which a filter finds what was skipped and played: the newest 100 of each type,
https://docs.aws.amazon.com/personalize/latest/dg/filter-expressions.html"""


class Chosen(Struct, frozen=True, kw_only=True):
    """How a question is put to Personalize.

    Attributes:
        request: the filter of the call, and its values.
        applied: what the answer says of it.
        is_cleaned_here: whether the answer still has to lose what the catalogue marks explicit.
    """

    request: dict[str, Any]
    applied: Applied
    is_cleaned_here: bool = False


def choose(
    question: Question,
    *,
    no_skips: str | None,
    on_request: str | None,
    has_catalogue: bool,
) -> Chosen:
    """The filter for a question.

    Args:
        question: what is asked.
        no_skips: ARN of the filter of that name; None while there is none.
        on_request: likewise.
        has_catalogue: whether tracks can be looked up; only explicit ones are.
    """
    if on_request and (question.exclude_recent or not question.explicit):
        return _on_request(question, on_request)
    skips = question.filter == "no-skips"
    is_cleaned_here = has_catalogue and not question.explicit
    return Chosen(
        request={"filterArn": no_skips} if skips and no_skips else {},
        applied=Applied(
            filter=met(asked=skips, by="personalize" if no_skips else None),
            explicit=met(asked=not question.explicit, by="catalogue" if has_catalogue else None),
            exclude_recent=met(asked=question.exclude_recent, by=None),
        ),
        is_cleaned_here=is_cleaned_here,
    )


def met(*, asked: bool, by: Met | None) -> Met:
    """How a wish was met; by nothing where there was nothing to meet it with."""
    return (by or "not_applied") if asked else "not_asked"


def _on_request(question: Question, filter_arn: str) -> Chosen:
    skips = question.filter == "no-skips"
    types = (SKIPPED if skips else ()) + (PLAYED if question.exclude_recent else ())
    values = {
        "EVENT_TYPES": ",".join(f'"{kind}"' for kind in types),
        "EXPLICIT": "" if question.explicit else '"true"',
    }
    return Chosen(
        request={
            "filterArn": filter_arn,
            "filterValues": {name: value for name, value in values.items() if value},
        },
        applied=Applied(
            filter=met(asked=skips, by="personalize"),
            explicit=met(asked=not question.explicit, by="personalize"),
            exclude_recent=met(asked=question.exclude_recent, by="personalize"),
        ),
    )
