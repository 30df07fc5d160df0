"""Arms of a comparison: which listener is asked of which campaign, and what each was shown.

The arm follows from a hash of the experiment and the listener. Nothing has to be stored for that, a
listener stays in one arm whoever asks, and another experiment deals the same listeners anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from musicrec import dealing
from musicrec.events import is_interaction
from musicrec.processor.hot_path import EVENTS_PER_CALL, interaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicrec.events import ListeningEvent
    from musicrec.personalize.clients import Clients


class Exposure(Struct, frozen=True, kw_only=True):
    """One list that one listener was shown.

    Attributes:
        listener: whom the arm was dealt to.
        arm: its name.
        recommendation_id: what plays that follow from the list name it by.
        track_ids: the list, the best first.
    """

    listener: str
    arm: str
    recommendation_id: str
    track_ids: list[str]


def assigned(experiment: str, listener: str, arms: Sequence[str]) -> str:
    """The arm of a listener in an experiment; over many listeners the arms are equally large."""
    return arms[dealing.number(experiment, listener) % len(arms)]


def ask(
    clients: Clients,
    campaign_arn: str,
    user_id: str,
    num_results: int,
    *,
    filter_arn: str | None = None,
) -> tuple[list[str], str]:
    """Track ids of a campaign for a user, or for an anonymous session, and the recommendation's id.

    Args:
        clients: where to.
        campaign_arn: of the arm.
        user_id: of an anonymous session, its id.
        num_results: length of the list.
        filter_arn: what to leave out.
    """
    chosen: dict[str, Any] = {"filterArn": filter_arn} if filter_arn else {}
    answer = clients.personalize_runtime.get_recommendations(
        campaignArn=campaign_arn, userId=user_id, numResults=num_results, **chosen
    )
    return [item["itemId"] for item in answer["itemList"]], answer["recommendationId"]


def stream(
    clients: Clients, tracking_id: str, session_id: str, heard: Iterable[ListeningEvent]
) -> int:
    """Put events as an anonymous session; returns how many, those that are no interaction left out.

    Personalize answers an anonymous session by what it played, and trains on it only once an event
    names the session together with a user:
    https://docs.aws.amazon.com/personalize/latest/dg/recording-anonymous-user-events.html
    """
    entries: list[Any] = [interaction(event) for event in filter(is_interaction, heard)]
    for start in range(0, len(entries), EVENTS_PER_CALL):
        clients.personalize_events.put_events(
            trackingId=tracking_id,
            sessionId=session_id,
            eventList=entries[start : start + EVENTS_PER_CALL],
        )
    return len(entries)
