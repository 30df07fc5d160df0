"""Alarms and dashboard: every metric exists, every limit of CloudWatch is kept, both deployers agree."""

import json
import re
from pathlib import Path

import pytest

from musicrec import monitoring, stack

NAMES = stack.StackNames("tunes", "eu-west-1", "123456789012")
GIVEN = monitoring.variables(NAMES, "v1")
ALARMS = monitoring.alarms(GIVEN)
WIDGETS = json.loads(monitoring.dashboard(GIVEN))["widgets"]
GRAPHS = [widget["properties"] for widget in WIDGETS if widget["type"] == "metric"]
LAMBDAS = Path(__file__).parents[1] / "lambdas"
SETTINGS = stack.settings(
    {"name": "tunes", "poison_queue_url": "q", "profile_table": "t", "catalog_uri": "c"}
)

DOCUMENTED = {
    # namespace: metrics, and the dimensions that they are published with (each service's guide)
    "AWS/ApiGateway": ({"4XXError", "5XXError", "Count", "Latency"}, {"ApiName", "Stage"}),
    "AWS/DynamoDB": (
        {"ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"},
        {"TableName"},
    ),
    "AWS/Firehose": (
        {"DeliveryToS3.DataFreshness", "DeliveryToS3.Records", "FailedConversion.Records"},
        {"DeliveryStreamName"},
    ),
    "AWS/Kinesis": ({"IncomingRecords", "WriteProvisionedThroughputExceeded"}, {"StreamName"}),
    "AWS/Lambda": (
        {"ConcurrentExecutions", "Duration", "Errors", "IteratorAge", "Throttles"},
        {"FunctionName"},
    ),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
}


def emitted(service: str) -> set[str]:
    """The metrics that a handler's source names."""
    text = (LAMBDAS / service / "handler.py").read_text(encoding="utf-8")
    plain = re.findall(r'add_metric\(\s*"(\w+)"', text) + re.findall(
        r'^\s+"(\w+)": ', text, re.MULTILINE
    )
    rows = [
        f"{kind}Rows" for kind in ("Interactions", "Users", "Items") if '.title()}Rows"' in text
    ]
    listed = re.findall(r'"(\w+)"', "".join(re.findall(r"fromkeys\(\(([^)]*)\)", text)))
    return {*plain, *listed, *rows}


def graphed():
    """Namespace, metric and dimensions of each line of each graph."""
    for graph in GRAPHS:
        for namespace, metric, *rest in graph["metrics"]:
            texts = [it for it in rest if isinstance(it, str)]
            yield namespace, metric, dict(zip(texts[::2], texts[1::2], strict=True))


WATCHED = [
    *((it.namespace, it.metric, it.dimensions) for it in ALARMS.values()),
    *graphed(),
]


class TestMetrics:
    @pytest.mark.parametrize(("namespace", "metric", "dimensions"), WATCHED)
    def test_exists(self, namespace, metric, dimensions):
        """AWS documents it with these dimensions, or one of our functions emits it."""
        if namespace == "tunes":
            assert list(dimensions) == ["service"]
            assert metric in emitted(dimensions["service"])
            environment = SETTINGS.functions[dimensions["service"]].environment
            assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "tunes"
            assert environment["POWERTOOLS_SERVICE_NAME"] == dimensions["service"]
            return
        metrics, wanted = DOCUMENTED[namespace]
        assert metric in metrics
        assert set(dimensions) == wanted

    @pytest.mark.parametrize(("_namespace", "metric", "dimensions"), WATCHED)
    def test_is_of_a_part_of_the_stack(self, _namespace, metric, dimensions):
        """Dimensions name the stack's own function, stream, queue, table or stage."""
        ours = {
            "ApiName": {NAMES.name},
            "DeliveryStreamName": {NAMES.delivery_stream},
            "FunctionName": {function.name for function in SETTINGS.functions.values()},
            "QueueName": {NAMES.poison_queue},
            "Stage": {SETTINGS.api.stage},
            "StreamName": {NAMES.stream},
            "TableName": {NAMES.profile_table},
            "service": set(SETTINGS.functions),
        }
        assert [name for name, value in dimensions.items() if value not in ours[name]] == [], metric

    def test_every_function_is_watched_for_errors_and_throttles(self):
        """No function is forgotten."""
        for metric in ("Errors", "Throttles"):
            watched = {
                it.dimensions.get("FunctionName") for it in ALARMS.values() if it.metric == metric
            }
            assert watched == {function.name for function in SETTINGS.functions.values()}


class TestAlarms:
    @pytest.mark.parametrize("key", ALARMS)
    def test_keeps_to_cloudwatchs_limits(self, key):
        """At most a day in all for periods below an hour, a week for longer ones (PutMetricAlarm)."""
        alarm = ALARMS[key]
        span = alarm.period_seconds * alarm.evaluation_periods
        assert alarm.period_seconds % 60 == 0
        assert span <= (86_400 if alarm.period_seconds < 3_600 else 604_800)
        assert len(f"{NAMES.name}-{key}") <= 255
        assert 40 < len(alarm.description) <= 1_024

    def test_a_missing_build_is_noticed_after_26_hours(self):
        """Every hour counts, also those without any data, and CloudWatch looks no further back."""
        alarm = ALARMS["datasets-not-built"]
        assert alarm.period_seconds * alarm.evaluation_periods == 26 * 3_600
        assert (alarm.treat_missing_data, alarm.fill) == ("breaching", 0)

    def test_gaps_are_filled_where_cloudwatch_ignores_them(self):
        """Alarms on DynamoDB would stay as they are while there is no throttling to report."""
        ours = [it for it in ALARMS.values() if it.namespace == "AWS/DynamoDB"]
        assert ours
        assert all(it.fill == 0 for it in ours)


class TestRequest:
    def test_a_percentile_is_an_extended_statistic(self):
        """CloudWatch takes `p99` under another name than `Sum`."""
        asked = monitoring.alarm_request("tunes", "api-latency", ALARMS["api-latency"], "arn")
        assert asked["ExtendedStatistic"] == "p99"
        assert "Statistic" not in asked

    def test_a_filled_alarm_watches_an_expression(self):
        """Only the expression is compared with the threshold."""
        key = "datasets-not-built"
        asked = monitoring.alarm_request("tunes", key, ALARMS[key], "arn")
        assert [(it["Id"], it["ReturnData"]) for it in asked["Metrics"]] == [
            ("filled", True),
            ("measured", False),
        ]
        assert asked["Metrics"][0]["Expression"] == "FILL(measured, 0)"
        assert "MetricName" not in asked


class TestDashboard:
    def test_widgets_do_not_overlap(self):
        """The grid is 24 wide, and no cell belongs to two widgets."""
        cells = [
            (column, row)
            for it in WIDGETS
            for column in range(it["x"], it["x"] + it["width"])
            for row in range(it["y"], it["y"] + it["height"])
        ]
        assert len(cells) == len(set(cells))
        assert max(column for column, _ in cells) < 24
