"""Alarms and dashboard as the built-in deployer makes them; the embedded AWS keeps them only."""

from __future__ import annotations

from musicrec import monitoring
from musicrec.local.deploy_steps import Target


def deploy_monitoring(stack: Target) -> None:
    """Create or update the topic, its alarms and the dashboard."""
    names = stack.names
    given = monitoring.variables(names, stack.settings.api.stage)
    topic = stack.aws.client("sns").create_topic(Name=monitoring.alarm_topic(names.name))[
        "TopicArn"
    ]
    cloudwatch = stack.aws.client("cloudwatch")
    for key, alarm in monitoring.alarms(given).items():
        cloudwatch.put_metric_alarm(**monitoring.alarm_request(names.name, key, alarm, topic))
    cloudwatch.put_dashboard(DashboardName=names.name, DashboardBody=monitoring.dashboard(given))
