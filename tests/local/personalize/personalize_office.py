"""A region that counts events, as tests of metric attributions set it up."""

from __future__ import annotations

import datetime as dt

from personalize_data import HEADERS, avro, item_rows
from personalize_world import ROLE

NOW = 1_750_000_000
QUARTER = 900
PLAYS = {"eventType": "play", "metricName": "plays", "expression": "SAMPLECOUNT()"}
TEMPO = {"eventType": "Complete", "metricName": "tempo", "expression": "SUM(ITEMS.TEMPO)"}
VALUE = {"eventType": "play", "metricName": "value", "expression": "SUM(Interactions.EVENT_VALUE)"}
ATTRIBUTED = avro(
    "Interactions",
    "USER_ID:string",
    "ITEM_ID:string",
    "TIMESTAMP:long",
    "EVENT_TYPE:string",
    "EVENT_VALUE:float?",
    "EVENT_ATTRIBUTION_SOURCE:string",
)
"""The reserved column as the schema spells it."""

BEGINNING = NOW - 60 - (NOW - 60) % QUARTER


class Office:
    """A region that counts: items, a tracker, and a metric attribution."""

    def __init__(self, server, clock, schema=None):
        self.app, self.clock, self.world = server.app, clock, server.world()
        self.control = self.world.control
        self.world.group()
        self.world.dataset("Interactions", schema)
        self.world.dataset("Items")
        location = self.world.put_csv("items.csv", HEADERS["Items"], item_rows())
        self.world.import_csv("Items", location)
        tracker = self.control.create_event_tracker(
            name="tracker", datasetGroupArn=self.world.arns["group"]
        )
        self.world.arns["tracking_id"] = tracker["trackingId"]

    def leave(self):
        """Go to an empty region."""
        self.world = self.world.embedded.world()
        self.control = self.world.control

    def attribute(self, *metrics, name="m", **config):
        """Make the metric attribution."""
        self.arn = self.control.create_metric_attribution(
            name=name,
            datasetGroupArn=self.world.arns["group"],
            metrics=list(metrics),
            metricsOutputConfig={"roleArn": ROLE} | config,
        )["metricAttributionArn"]
        return self.arn

    def send(self, item="i1-03", kind="play", when=NOW - 60, source=None, **members):
        """Stream an event."""
        attributed = {"metricAttribution": {"eventAttributionSource": source}} if source else {}
        event = {"eventType": kind, "itemId": item, "sentAt": when}
        self.world.send("u001", event | attributed | members)

    def reported(self, name):
        """What CloudWatch has of a metric of the group, by source and beginning."""
        client = self.world.embedded.aws.client("cloudwatch")
        metrics = client.list_metrics(Namespace="AWS/Personalize", MetricName=name)["Metrics"]
        ours = {"Name": "DatasetGroupArn", "Value": self.world.arns["group"]}
        found = {}
        for metric in [one for one in metrics if ours in one["Dimensions"]]:
            (source,) = [one["Value"] for one in metric["Dimensions"] if one != ours]
            points = client.get_metric_statistics(
                **{key: metric[key] for key in ("Namespace", "MetricName", "Dimensions")},
                StartTime=dt.datetime.fromtimestamp(0, dt.UTC),
                EndTime=dt.datetime.fromtimestamp(NOW + 86_400, dt.UTC),
                Period=QUARTER,
                Statistics=["Sum"],
            )["Datapoints"]
            for point in points:
                found[source, int(point["Timestamp"].timestamp())] = point["Sum"]
        return found
