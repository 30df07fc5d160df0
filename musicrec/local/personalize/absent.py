"""Operations on what never exists here: metric attributions.

They belong to CloudWatch, for which nothing is measured here. Lists answer that there are none, so
that clean-up code passes; making one is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import NotEmulatedError, ResourceNotFoundError
from musicrec.local.personalize.operation import Operation, list_page

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region


def _refused(what: str) -> Operation:
    def operation(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
        raise NotEmulatedError(what)

    return operation


def _empty(member: str) -> Operation:
    def operation(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
        return list_page([], member, params)

    return operation


def _missing(arn_key: str) -> Operation:
    def operation(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
        raise ResourceNotFoundError(params.get(arn_key, ""))

    return operation


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateMetricAttribution": _refused("metric attribution"),
    "DescribeMetricAttribution": _missing("metricAttributionArn"),
    "UpdateMetricAttribution": _missing("metricAttributionArn"),
    "DeleteMetricAttribution": _missing("metricAttributionArn"),
    "ListMetricAttributions": _empty("metricAttributions"),
    "ListMetricAttributionMetrics": _empty("metrics"),
}
