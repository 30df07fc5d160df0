# What monitoring makes of its settings: an alarm of each kind, and whom it tells.

mock_provider "aws" {}

variables {
  name      = "tunes"
  dashboard = "{\"widgets\": []}"

  alarms = {
    errors = {
      description        = "A function failed."
      namespace          = "AWS/Lambda"
      metric             = "Errors"
      dimensions         = { FunctionName = "tunes-hot-path" }
      statistic          = "Sum"
      period_seconds     = 300
      evaluation_periods = 1
      threshold          = 1
      comparison         = "GreaterThanOrEqualToThreshold"
      treat_missing_data = "notBreaching"
      fill               = null
    }
    latency = {
      description        = "Answers take long."
      namespace          = "AWS/ApiGateway"
      metric             = "Latency"
      dimensions         = { ApiName = "tunes" }
      statistic          = "p99"
      period_seconds     = 300
      evaluation_periods = 3
      threshold          = 3000
      comparison         = "GreaterThanThreshold"
      treat_missing_data = "notBreaching"
      fill               = null
    }
    not-built = {
      description        = "Nothing was built."
      namespace          = "tunes"
      metric             = "DatasetsBuilt"
      dimensions         = { service = "dataset_builder" }
      statistic          = "Sum"
      period_seconds     = 3600
      evaluation_periods = 26
      threshold          = 1
      comparison         = "LessThanThreshold"
      treat_missing_data = "breaching"
      fill               = 0
    }
  }
}

run "alarms" {
  command = plan

  module {
    source = "./modules/monitoring"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["errors"].statistic == "Sum" && aws_cloudwatch_metric_alarm.this["errors"].alarm_name == "tunes-errors"
    error_message = "A plain alarm watches the statistic of its metric."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["latency"].extended_statistic == "p99"
    error_message = "A percentile is an extended statistic."
  }

  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.this["not-built"].metric_query : query.expression if query.return_data]) == toset(["FILL(measured, 0)"])
    error_message = "An alarm with fill watches the filled metric."
  }

  assert {
    condition     = aws_cloudwatch_dashboard.this.dashboard_name == "tunes" && aws_sns_topic.alarms.name == "tunes-alarms"
    error_message = "Dashboard and topic are called after the stack."
  }
}
