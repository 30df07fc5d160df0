"""A comparison of arms rehearsed live: copies of listeners are asked, answer, and are written down.

Each copy is an anonymous session: it has the newest plays of its listener, is asked of the campaign
that the listener's arm names, and plays what it was shown; the plays go to Personalize by
`PutEvents` with the id of the recommendation that they follow from. What real listeners do takes
the same way, only that their plays come through the pipeline and lie in the lake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from musicrec.events import ListeningEvent
from musicrec.personalize import arms
from musicrec.personalize.arms import Exposure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicrec.personalize.clients import Clients
    from musicrec.research.copies import Copies


class Answered(Struct, frozen=True, kw_only=True):
    """What one copy was shown, and what it played of that."""

    exposure: Exposure
    events: list[ListeningEvent]


class Plan(Struct, frozen=True, kw_only=True):
    """What is asked of whom.

    Attributes:
        experiment: name; another one deals the listeners anew.
        listeners: whose copies take part.
        arms: campaign ARNs by the name of the arm.
        tracking_id: of the event tracker.
        num_results: length of the lists.
        history: newest completed plays that a copy begins with.
        filter_arn: what lists leave out.
    """

    experiment: str
    listeners: Sequence[str]
    arms: Mapping[str, str]
    tracking_id: str
    num_results: int
    history: int
    filter_arn: str | None = None


def missing(listeners: Sequence[str], answered: Sequence[Answered]) -> list[str]:
    """Listeners whose copy was not asked yet, in their order."""
    done = {one.exposure.listener for one in answered}
    return [listener for listener in listeners if listener not in done]


def run(clients: Clients, plan: Plan, copies: Copies, answered: list[Answered]) -> None:
    """Ask every copy that was not asked yet; what it answers is appended at once.

    All histories are streamed before the first list is asked for, which gives Personalize the second
    or two that it takes to know them.

    Args:
        clients: where to.
        plan: what is asked of whom.
        copies: of the plan's listeners.
        answered: of an earlier run; grows.
    """
    waiting = missing(plan.listeners, answered)
    names = {listener: f"{plan.experiment}/{listener}" for listener in waiting}
    for listener, copy in names.items():
        heard = copies.history(listener, copy, plan.history)
        arms.stream(clients, plan.tracking_id, copy, heard)
    for listener, copy in names.items():
        arm = arms.assigned(plan.experiment, listener, sorted(plan.arms))
        track_ids, recommendation_id = arms.ask(
            clients, plan.arms[arm], copy, plan.num_results, filter_arn=plan.filter_arn
        )
        played = copies.answer(listener, copy, track_ids, recommendation_id)
        arms.stream(clients, plan.tracking_id, copy, played)
        exposure = Exposure(
            listener=listener,
            arm=arm,
            recommendation_id=recommendation_id,
            track_ids=track_ids,
        )
        answered.append(Answered(exposure=exposure, events=played))
