# What is watched: alarms that tell a topic, and one dashboard.

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.evaluation_periods
  treat_missing_data  = each.value.treat_missing_data

  # An alarm watches a metric itself ...
  namespace          = each.value.fill == null ? each.value.namespace : null
  metric_name        = each.value.fill == null ? each.value.metric : null
  dimensions         = each.value.fill == null ? each.value.dimensions : null
  period             = each.value.fill == null ? each.value.period_seconds : null
  statistic          = each.value.fill == null && !startswith(each.value.statistic, "p") ? each.value.statistic : null
  extended_statistic = each.value.fill == null && startswith(each.value.statistic, "p") ? each.value.statistic : null

  # ... or one whose gaps are filled.
  dynamic "metric_query" {
    for_each = each.value.fill == null ? [] : [each.value]

    content {
      id          = "filled"
      expression  = "FILL(measured, ${metric_query.value.fill})"
      label       = metric_query.value.metric
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.fill == null ? [] : [each.value]

    content {
      id          = "measured"
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = metric_query.value.period_seconds
        stat        = metric_query.value.statistic
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = var.dashboard
}
