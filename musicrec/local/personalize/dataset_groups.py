"""Operations on dataset groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from musicrec.local.personalize.errors import InvalidInputError, ResourceInUseError
from musicrec.local.personalize.interaction_log import InteractionLog
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.resources import (
    Dataset,
    DatasetGroup,
    EventTracker,
    Filter,
    MetricAttribution,
    Recommender,
    Solution,
)

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

M = TypeVar("M", Dataset, EventTracker, Filter, MetricAttribution, Recommender, Solution)


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDatasetGroup`."""
    if ("roleArn" in params) != ("kmsKeyArn" in params):
        raise InvalidInputError("Give roleArn and kmsKeyArn together, or neither.")
    with region.lock:
        check_active(DatasetGroup, region.all(DatasetGroup))
        arn = region.arn(f"dataset-group/{params['name']}")
        region.add(DatasetGroup(**common(region, arn, params), log=InteractionLog()))
    return {"datasetGroupArn": arn}


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteDatasetGroup`; filters go with it."""
    with region.lock:
        group = region.get(DatasetGroup, params["datasetGroupArn"])
        users = [
            *members(region, EventTracker, group),
            *members(region, Solution, group),
            *members(region, Recommender, group),
            *members(region, MetricAttribution, group),
            *members(region, Dataset, group),
        ]
        if users:
            names = ", ".join(entry.arn for entry in users)
            raise ResourceInUseError(
                f"Dataset group {group.arn} still has {names}; delete them first."
            )
        for entry in members(region, Filter, group):
            region.remove(entry)
        region.remove(group)
    return {}


def members(region: Region, kind: type[M], group: DatasetGroup) -> list[M]:
    """The group's resources of one kind."""
    return [entry for entry in region.all(kind) if entry.group is group]


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDatasetGroup": create,
    "DescribeDatasetGroup": describe(DatasetGroup, "datasetGroup"),
    "ListDatasetGroups": listing(DatasetGroup, "datasetGroups"),
    "DeleteDatasetGroup": delete,
}
