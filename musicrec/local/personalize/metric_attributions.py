"""Operations on metric attributions: which events are counted, and where the counts go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.attribution import Metric
from musicrec.local.personalize.avro import NUMERIC
from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.datasets import INTERACTIONS, of_group
from musicrec.local.personalize.errors import (
    InvalidInputError,
    LimitExceededError,
    ResourceAlreadyExistsError,
)
from musicrec.local.personalize.operation import Operation, common, describe, list_page, listing
from musicrec.local.personalize.resources import ACTIVE, DatasetGroup, MetricAttribution
from musicrec.local.personalize.s3_files import split_location

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

MAX_METRICS: Final = 10


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateMetricAttribution`; nothing is counted that came before."""
    _check_output(params["metricsOutputConfig"])
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        metrics = _added({}, params["metrics"], region, group)
        arn = region.arn(f"metric-attribution/{params['name']}")
        region.require_free(arn)
        existing = members(region, MetricAttribution, group)
        if existing:
            raise LimitExceededError(
                f"Dataset group {group.arn} already has the metric attribution {existing[0].arn}; "
                "a group can have one."
            )
        settings = {name: value for name, value in params.items() if name != "metrics"}
        made = common(region, arn, settings)
        region.add(MetricAttribution(**made, group=group, metrics=metrics))
    return {"metricAttributionArn": arn}


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateMetricAttribution`, at once: what is removed goes first."""
    with region.lock:
        attribution = region.get_active(MetricAttribution, _arn(params))
        removed = {name.upper() for name in params.get("removeMetrics", [])}
        unknown = sorted(removed - attribution.metrics.keys())
        if unknown:
            raise InvalidInputError(f"{attribution.arn} has no metrics {unknown} to remove.")
        kept = {key: one for key, one in attribution.metrics.items() if key not in removed}
        metrics = _added(kept, params.get("addMetrics", []), region, attribution.group)
        output = params.get("metricsOutputConfig", attribution.settings["metricsOutputConfig"])
        _check_output(output)
        attribution.metrics = metrics
        attribution.settings = attribution.settings | {"metricsOutputConfig": output}
        attribution.updated = region.clock()
    return {"metricAttributionArn": attribution.arn}


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteMetricAttribution`; what was reported stays."""
    region.remove(region.get(MetricAttribution, params["metricAttributionArn"]))
    return {}


def list_metrics(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`ListMetricAttributionMetrics`."""
    attribution = region.get(MetricAttribution, _arn(params))
    return list_page(attribution.metrics.values(), "metrics", params)


def attribution_of(region: Region, group: DatasetGroup) -> MetricAttribution | None:
    """The group's metric attribution, if it counts; None if there is none or it is not ACTIVE."""
    found = members(region, MetricAttribution, group)
    return found[0] if found and found[0].status == ACTIVE else None


def _arn(params: dict[str, Any]) -> str:
    """The ARN, which the service's model does not require."""
    if "metricAttributionArn" not in params:
        raise InvalidInputError("metricAttributionArn must be given.")
    return str(params["metricAttributionArn"])


def _check_output(config: dict[str, Any]) -> None:
    if "s3DataDestination" in config:
        split_location(config["s3DataDestination"]["path"])


def _added(
    before: dict[str, Metric], added: list[dict[str, str]], region: Region, group: DatasetGroup
) -> dict[str, Metric]:
    """The metrics with further ones.

    Raises:
        InvalidInputError: an expression, or what it asks of the datasets, does not do.
        ResourceAlreadyExistsError: a name is taken.
        LimitExceededError: they are too many.
    """
    metrics = dict(before)
    last = max((metric.sequence for metric in before.values()), default=0)
    for place, given in enumerate(added, start=last + 1):
        metric = Metric.read(given, place)
        _check(region, group, metric)
        if metric.key in metrics:
            raise ResourceAlreadyExistsError(f"metric {metric.name}")
        metrics[metric.key] = metric
    if len(metrics) > MAX_METRICS:
        raise LimitExceededError(
            f"A metric attribution may have {MAX_METRICS} metrics; this one would have "
            f"{len(metrics)}."
        )
    return metrics


def _check(region: Region, group: DatasetGroup, metric: Metric) -> None:
    events = of_group(region, group, INTERACTIONS)
    if events is None or events.schema.fields.field("EVENT_TYPE") is None:
        raise InvalidInputError(
            f"A metric attribution needs an Interactions dataset with an EVENT_TYPE column; "
            f"{group.arn} has none."
        )
    if metric.column is None or metric.dataset is None:
        return
    dataset = of_group(region, group, metric.dataset)
    field = dataset.schema.fields.field(metric.column) if dataset else None
    if field is None or field.type not in NUMERIC:
        raise InvalidInputError(
            f"The expression '{metric.expression}' of {metric.name} must name a numeric column of a "
            "dataset of the group."
        )


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateMetricAttribution": create,
    "DescribeMetricAttribution": describe(MetricAttribution, "metricAttribution"),
    "UpdateMetricAttribution": update,
    "DeleteMetricAttribution": delete,
    "ListMetricAttributions": listing(MetricAttribution, "metricAttributions", "datasetGroupArn"),
    "ListMetricAttributionMetrics": list_metrics,
}
