"""What is watched of a deployed stack: alarms and one dashboard, from files that Terraform reads too.

`infra/alarms.json` and `infra/dashboard.json` are templates with the placeholders of `variables`. An
alarm's name is the stack's and its key: `musicrec-dead-letters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from musicrec.stack import INFRA_DIRECTORY, StackNames, render

FILLED: Final = "filled"
"""Id of the expression that an alarm with `fill` watches, in `musicrec.monitoring` and Terraform."""

MEASURED: Final = "measured"
"""Id of the metric below it."""


class Alarm(Struct, frozen=True, forbid_unknown_fields=True):
    """One CloudWatch alarm on one metric.

    Attributes:
        description: what has happened and what to do about it.
        namespace: `AWS/Lambda` and the like; our own functions write to the stack's name.
        metric: its name.
        dimensions: of the metric, all of them.
        statistic: `Sum`, `Maximum` ..., or a percentile as `p99`.
        period_seconds: over which the statistic is taken.
        evaluation_periods: so many periods in a row must be beyond the threshold.
        threshold: in the metric's unit.
        comparison: CloudWatch's name of the operator.
        treat_missing_data: what a period without data counts as.
        fill: what a period without data is taken to have measured, by metric math; None to leave it
            to `treat_missing_data`. Needed where CloudWatch would look past the gaps for older data,
            and for `AWS/DynamoDB`, where it ignores `treat_missing_data`.
    """

    description: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    period_seconds: int
    evaluation_periods: int
    threshold: float
    comparison: Literal[
        "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
    ]
    treat_missing_data: Literal["breaching", "notBreaching", "ignore", "missing"]
    fill: float | None


def variables(names: StackNames, stage: str) -> dict[str, str]:
    """The placeholders of both files.

    Args:
        names: what the stack's parts are called.
        stage: of the REST API.
    """
    return {
        "name": names.name,
        "region": names.region,
        "stage": stage,
        "stream": names.stream,
        "delivery_stream": names.delivery_stream,
        "poison_queue": names.poison_queue,
        "profile_table": names.profile_table,
        "schedule_rule": names.schedule_rule,
    }


def alarm_topic(stack: str) -> str:
    """SNS topic that hears when an alarm of the stack goes off, and when it ends."""
    return f"{stack}-alarms"


def alarms(given: Mapping[str, str], directory: Path = INFRA_DIRECTORY) -> dict[str, Alarm]:
    """Read `alarms.json`.

    Args:
        given: `variables`.
        directory: where the file is.

    Raises:
        TemplateVariableError: a variable is missing.
        msgspec.ValidationError: the file is not of the form of `Alarm`.
    """
    text = (directory / "alarms.json").read_text(encoding="utf-8")
    return msgspec.json.decode(render(text, given, partial=True), type=dict[str, Alarm])


def dashboard(given: Mapping[str, str], directory: Path = INFRA_DIRECTORY) -> str:
    """Read `dashboard.json`, the dashboard's body as CloudWatch takes it.

    Args:
        given: `variables`.
        directory: where the file is.

    Raises:
        TemplateVariableError: a variable is missing.
    """
    text = (directory / "dashboard.json").read_text(encoding="utf-8")
    return render(text, given, partial=True)


def alarm_request(stack: str, key: str, alarm: Alarm, topic_arn: str) -> dict[str, Any]:
    """What CloudWatch's PutMetricAlarm takes.

    Args:
        stack: the stack's name.
        key: of the alarm in `alarms.json`.
        alarm: its settings.
        topic_arn: SNS topic that hears when the alarm goes off, and when it ends.
    """
    return {
        "AlarmName": f"{stack}-{key}",
        "AlarmDescription": alarm.description,
        "AlarmActions": [topic_arn],
        "OKActions": [topic_arn],
        "ComparisonOperator": alarm.comparison,
        "Threshold": alarm.threshold,
        "EvaluationPeriods": alarm.evaluation_periods,
        "TreatMissingData": alarm.treat_missing_data,
        **(_plain(alarm) if alarm.fill is None else {"Metrics": _filled(alarm, alarm.fill)}),
    }


def _plain(alarm: Alarm) -> dict[str, Any]:
    kind = "ExtendedStatistic" if alarm.statistic.startswith("p") else "Statistic"
    return {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Dimensions": _dimensions(alarm),
        kind: alarm.statistic,
        "Period": alarm.period_seconds,
    }


def _filled(alarm: Alarm, fill: float) -> list[dict[str, Any]]:
    metric = {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Dimensions": _dimensions(alarm),
    }
    return [
        {
            "Id": FILLED,
            "Expression": f"FILL({MEASURED}, {fill:g})",
            "Label": alarm.metric,
            "ReturnData": True,
        },
        {
            "Id": MEASURED,
            "MetricStat": {
                "Metric": metric,
                "Period": alarm.period_seconds,
                "Stat": alarm.statistic,
            },
            "ReturnData": False,
        },
    ]


def _dimensions(alarm: Alarm) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in alarm.dimensions.items()]
