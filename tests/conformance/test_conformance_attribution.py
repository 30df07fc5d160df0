"""Metric attributions: made, changed, and where events are reported by their source."""

import datetime as dt
import time

import pytest
from botocore.exceptions import ClientError
from personalize_data import HEADERS, to_csv, watching_rows

operation = pytest.mark.operation

WATCHES = {"eventType": "Watch", "metricName": "watches", "expression": "SAMPLECOUNT()"}
VALUES = {
    "eventType": "Click",
    "metricName": "values",
    "expression": "SUM(Interactions.EVENT_VALUE)",
}


@pytest.fixture(scope="session")
def attribution(target, cinema):
    """The metric attribution of the group of videos."""
    arn = target.control.create_metric_attribution(
        name=target.name("attribution"),
        datasetGroupArn=cinema.group,
        metrics=[WATCHES, VALUES],
        metricsOutputConfig={
            "roleArn": target.role_arn,
            "s3DataDestination": {"path": target.folder("attribution")},
        },
    )["metricAttributionArn"]
    target.later(target.control.delete_metric_attribution, metricAttributionArn=arn)
    target.made(
        lambda: target.control.describe_metric_attribution(metricAttributionArn=arn)[
            "metricAttribution"
        ]
    )
    return arn


def listed(target, arn):
    """The metrics, one a page."""
    pages = target.control.get_paginator("list_metric_attribution_metrics").paginate(
        metricAttributionArn=arn, PaginationConfig={"PageSize": 1}
    )
    return [metric for page in pages for metric in page["metrics"]]


class TestResource:
    @operation("CreateMetricAttribution", "DescribeMetricAttribution", "ListMetricAttributions")
    def test_attribution_is_described_and_listed(self, target, cinema, attribution):
        """A metric attribution is described with its output, and listed by its dataset group."""
        found = target.control.describe_metric_attribution(metricAttributionArn=attribution)
        found = found["metricAttribution"]
        assert (found["metricAttributionArn"], found["status"]) == (attribution, "ACTIVE")
        assert found["datasetGroupArn"] == cinema.group
        assert found["metricsOutputConfig"]["roleArn"] == target.role_arn
        shown = target.control.list_metric_attributions(datasetGroupArn=cinema.group)
        assert [one["metricAttributionArn"] for one in shown["metricAttributions"]] == [attribution]

    @operation("CreateMetricAttribution")
    def test_group_has_one(self, target, cinema, attribution):
        """A second metric attribution of a dataset group is refused."""
        assert attribution
        with pytest.raises(ClientError):
            target.control.create_metric_attribution(
                name=target.name("second"),
                datasetGroupArn=cinema.group,
                metrics=[WATCHES],
                metricsOutputConfig={"roleArn": target.role_arn},
            )

    @operation("UpdateMetricAttribution", "ListMetricAttributionMetrics")
    def test_metrics_come_and_go(self, target, attribution):
        """An update adds metrics and removes them by name; pages of one show each once."""
        added = WATCHES | {"metricName": "more"}
        update = target.control.update_metric_attribution
        answer = update(metricAttributionArn=attribution, addMetrics=[added])
        assert answer["metricAttributionArn"] == attribution
        target.until(lambda: added in listed(target, attribution))
        update(metricAttributionArn=attribution, removeMetrics=["more"])
        target.until(lambda: added not in listed(target, attribution))
        assert sorted(one["metricName"] for one in listed(target, attribution)) == [
            "values",
            "watches",
        ]

    @operation("UpdateMetricAttribution")
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"addMetrics": [WATCHES]}, id="name that is taken"),
            pytest.param(
                {"addMetrics": [WATCHES | {"metricName": "x", "expression": "MAX(Items.GENRES)"}]},
                id="function that there is none",
            ),
            pytest.param(
                {"addMetrics": [WATCHES | {"metricName": "x", "expression": "SUM(Items.GENRES)"}]},
                id="sum of texts",
            ),
            pytest.param(
                {"addMetrics": [WATCHES | {"metricName": f"x{number}"} for number in range(10)]},
                id="more than ten metrics",
            ),
        ],
    )
    def test_bad_metric_is_refused(self, target, attribution, change):
        """Metrics that could not be reported are refused, and none is added."""
        before = listed(target, attribution)
        with pytest.raises(ClientError):
            target.control.update_metric_attribution(metricAttributionArn=attribution, **change)
        assert listed(target, attribution) == before

    @operation("DeleteDataset")
    def test_dataset_that_it_refers_to_stays(self, target, cinema, attribution):
        """A dataset of a metric attribution is not deletable."""
        assert attribution
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_dataset(datasetArn=cinema.datasets["Interactions"])


class TestReports:
    @operation("PutEvents")
    def test_events_are_counted_by_their_source(self, target, cinema, attribution):
        """An event with an eventAttributionSource is counted in CloudWatch, names in capitals."""
        assert attribution
        target.events.put_events(
            trackingId=cinema.tracking_id,
            userId="u009",
            sessionId="s",
            eventList=[
                {
                    "eventType": "Watch",
                    "itemId": "i1-09",
                    "sentAt": int(time.time()),
                    "metricAttribution": {"eventAttributionSource": "shelf"},
                }
            ],
        )
        now = dt.datetime.now(dt.UTC)

        def points():
            return target.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/Personalize",
                MetricName="WATCHES",
                Dimensions=[
                    {"Name": "EventAttributionSource", "Value": "SHELF"},
                    {"Name": "DatasetGroupArn", "Value": cinema.group},
                ],
                StartTime=now - dt.timedelta(hours=1),
                EndTime=now + dt.timedelta(hours=1),
                Period=900,
                Statistics=["Sum"],
            )["Datapoints"]

        (point,) = target.until(points)
        assert point["Sum"] == 1

    @operation("CreateDatasetImportJob")
    def test_import_publishes_a_report(self, target, cinema, attribution):
        """An import of interactions writes a report to S3, a row a metric, source and quarter hour."""
        assert attribution
        rows = watching_rows()
        location = target.put("report.csv", to_csv(HEADERS["Interactions"], rows))
        arn = target.control.create_dataset_import_job(
            jobName=target.name("report"),
            datasetArn=cinema.datasets["Interactions"],
            dataSource={"dataLocation": location},
            roleArn=target.role_arn,
            publishAttributionMetricsToS3=True,
        )["datasetImportJobArn"]
        target.made(
            lambda: target.control.describe_dataset_import_job(datasetImportJobArn=arn)[
                "datasetImportJob"
            ]
        )
        (lines,) = [
            lines
            for name, lines in target.written("attribution").items()
            if name.startswith("AggregatedAttributionMetrics")
        ]
        header = "METRIC_NAME,EVENT_TYPE,VALUE,MATH_FUNCTION,EVENT_ATTRIBUTION_SOURCE,TIMESTAMP"
        assert lines[0] == header
        cells = [line.split(",") for line in lines[1:]]
        watches = [float(cell[2]) for cell in cells if cell[0] == "WATCHES"]
        assert sum(watches) == sum(row[3] == "Watch" for row in rows)
        assert {cell[4] for cell in cells} == {"SOURCE_NAME_UNDEFINED"}

    @operation("CreateDatasetImportJob")
    def test_items_have_no_report(self, target, cinema, attribution):
        """An import of items that is to publish a report is refused with InvalidInputException."""
        assert attribution
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_dataset_import_job(
                jobName=target.name("report-of-items"),
                datasetArn=cinema.datasets["Items"],
                dataSource={"dataLocation": target.folder("none") + "in.csv"},
                roleArn=target.role_arn,
                publishAttributionMetricsToS3=True,
            )
