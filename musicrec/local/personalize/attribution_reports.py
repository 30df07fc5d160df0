"""Where the counts of a metric attribution go: to CloudWatch, and from imports to S3 if wanted.

To CloudWatch go streamed events and incremental imports, as AWS documents it, those of the last 14
days. There is no delay: what `PutEvents` took is counted when the call returns.
"""

from __future__ import annotations

import csv
import io
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import BotoCoreError, ClientError

from musicrec.local.personalize.attribution import Count, counted, sources_of
from musicrec.local.personalize.csv_files import arrow_schema
from musicrec.local.personalize.datasets import INTERACTIONS, ITEMS, of_group, records_of
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.metric_attributions import attribution_of
from musicrec.local.personalize.s3_files import write_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicrec.local.personalize.interaction_log import StreamedEvent
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import DatasetGroup, ImportJob, MetricAttribution

logger: Final = logging.getLogger(__name__)

NAMESPACE: Final = "AWS/Personalize"

MAX_AGE: Final = 14 * 86_400
"""Seconds. CloudWatch takes no older data."""

MAX_AHEAD: Final = 2 * 3600
"""Seconds. Nor does it take any that lie further in the future."""

PER_CALL: Final = 1000
"""Values that one `PutMetricData` takes."""

HEADER: Final = (
    "METRIC_NAME",
    "EVENT_TYPE",
    "VALUE",
    "MATH_FUNCTION",
    "EVENT_ATTRIBUTION_SOURCE",
    "TIMESTAMP",
)


_ALWAYS: Final = {
    "ITEM_ID": pa.string(),
    "TIMESTAMP": pa.int64(),
    "EVENT_TYPE": pa.string(),
    "EVENT_VALUE": pa.float64(),
    "EVENT_ATTRIBUTION_SOURCE": pa.string(),
    "RECOMMENDATION_ID": pa.string(),
}
"""Columns that a streamed event has, whatever the schema says."""


def streamed(region: Region, group: DatasetGroup, events: list[StreamedEvent]) -> None:
    """Report events that `PutEvents` took, if the group has a metric attribution."""
    attribution = attribution_of(region, group)
    dataset = of_group(region, group, INTERACTIONS)
    if attribution is None or dataset is None or not events:
        return
    rows = [
        event.properties
        | {
            "ITEM_ID": event.item_id,
            "TIMESTAMP": event.timestamp,
            "EVENT_TYPE": event.event_type,
            "EVENT_VALUE": event.value,
        }
        for event in events
    ]
    columns = {entry.name: entry.type for entry in arrow_schema(dataset.schema.fields)} | _ALWAYS
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))
    _to_cloudwatch(region, attribution, _counts(region, attribution, _recent(region, table)))


def check_publishing(region: Region, group: DatasetGroup, kind: str) -> None:
    """Check that an import can publish a report.

    Raises:
        InvalidInputError: it is not one of interactions, or there is nowhere to publish to.
    """
    attribution = attribution_of(region, group)
    if kind != INTERACTIONS or attribution is None or _folder(attribution) is None:
        raise InvalidInputError(
            "publishAttributionMetricsToS3 needs a dataset of type Interactions and an ACTIVE metric "
            "attribution of its dataset group with an s3DataDestination."
        )


def imported(region: Region, job: ImportJob, table: pa.Table) -> None:
    """Report what an import brings, if the group has a metric attribution.

    Raises:
        JobFailedError: the report cannot be written.
    """
    attribution = attribution_of(region, job.dataset.group)
    if attribution is None or "EVENT_TYPE" not in table.column_names:
        return
    folder = _folder(attribution)
    if job.settings.get("publishAttributionMetricsToS3") and folder is not None:
        report = _report(_counts(region, attribution, table))
        name = f"AggregatedAttributionMetrics - BULK - {int(region.clock())}.csv"
        role = attribution.settings["metricsOutputConfig"]["roleArn"]
        write_file(region.s3(role), f"{folder.rstrip('/')}/{name}", report)
    if job.settings["importMode"] == "INCREMENTAL":
        _to_cloudwatch(region, attribution, _counts(region, attribution, _recent(region, table)))


def _folder(attribution: MetricAttribution) -> str | None:
    found: str | None = (
        attribution.settings["metricsOutputConfig"].get("s3DataDestination", {}).get("path")
    )
    return found


def _recent(region: Region, table: pa.Table) -> pa.Table:
    times, now = table.column("TIMESTAMP"), int(region.clock())
    return table.filter(
        pc.and_(pc.greater(times, now - MAX_AGE), pc.less_equal(times, now + MAX_AHEAD))
    )


def _counts(region: Region, attribution: MetricAttribution, table: pa.Table) -> list[Count]:
    """The counts of all metrics, less those of sources beyond the limit."""
    group = attribution.group
    items = records_of(region, group, ITEMS)
    sources = sources_of(table, group.log.impressions)
    found = [
        count
        for metric in attribution.metrics.values()
        for count in counted(metric, table, sources, items)
    ]
    return [count for count in found if attribution.knows(count.source)]


def _report(counts: Sequence[Count]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(HEADER)
    for count in counts:
        metric = count.metric
        writer.writerow(
            (
                metric.key,
                metric.event_type.upper(),
                count.value,
                metric.function,
                count.source,
                count.begins,
            )
        )
    return sink.getvalue().encode()


def _to_cloudwatch(region: Region, attribution: MetricAttribution, counts: Sequence[Count]) -> None:
    """Send counts to CloudWatch; if it refuses, the events are taken nevertheless."""
    data = [
        {
            "MetricName": count.metric.key,
            "Dimensions": [
                {"Name": "EventAttributionSource", "Value": count.source},
                {"Name": "DatasetGroupArn", "Value": attribution.group.arn},
            ],
            "Timestamp": datetime.fromtimestamp(count.begins, UTC),
            "Value": count.value,
        }
        for count in counts
    ]
    try:
        for first in range(0, len(data), PER_CALL):
            region.aws.client("cloudwatch").put_metric_data(
                Namespace=NAMESPACE, MetricData=data[first : first + PER_CALL]
            )
    except (ClientError, BotoCoreError):
        logger.exception("CloudWatch did not take the metrics of %s", attribution.arn)
