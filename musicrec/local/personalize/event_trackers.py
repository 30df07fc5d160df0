"""Operations on event trackers; a dataset group has one at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.errors import (
    InvalidInputError,
    LimitExceededError,
    ResourceAlreadyExistsError,
)
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.resources import DatasetGroup, EventTracker

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateEventTracker`."""
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        _require_free(region, params["name"])
        arn = region.arn(f"event-tracker/{region.new_id().hex[:8]}")
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


def _require_free(region: Region, name: str) -> None:
    """Check that no tracker has the name; ARNs do not tell, they end in random characters."""
    for tracker in region.all(EventTracker):
        if tracker.settings["name"] == name:
            raise ResourceAlreadyExistsError(tracker.arn)


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
