"""Operations on event trackers; a dataset group has one at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.errors import InvalidInputError, LimitExceededError
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.resources import DatasetGroup, EventTracker

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateEventTracker`."""
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        arn = region.arn(f"event-tracker/{params['name']}")
        region.require_free(arn)
        existing = members(region, EventTracker, group)
        if existing:
            raise LimitExceededError(
                f"Dataset group {group.arn} already has the event tracker {existing[0].arn}; "
                "a group can have one."
            )
        tracking_id = str(region.new_id())
        settings = params | {"trackingId": tracking_id, "accountId": region.account}
        region.add(
            EventTracker(**common(region, arn, settings), group=group, tracking_id=tracking_id)
        )
    return {"eventTrackerArn": arn, "trackingId": tracking_id}


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteEventTracker`."""
    region.remove(region.get(EventTracker, params["eventTrackerArn"]))
    return {}


def tracker_of(region: Region, tracking_id: str) -> EventTracker:
    """The tracker of a tracking id.

    Raises:
        InvalidInputError: there is none, or it is not ACTIVE.
    """
    for tracker in region.all(EventTracker):
        if tracker.tracking_id == tracking_id:
            return region.get_active(EventTracker, tracker.arn)
    raise InvalidInputError(f"The trackingId {tracking_id} belongs to no event tracker.")


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateEventTracker": create,
    "DescribeEventTracker": describe(EventTracker, "eventTracker"),
    "ListEventTrackers": listing(EventTracker, "eventTrackers", "datasetGroupArn"),
    "DeleteEventTracker": delete,
}
