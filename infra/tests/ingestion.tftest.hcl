# What the ingestion makes of its settings: a stream of either kind, and an API that is bounded.

mock_provider "aws" {}

variables {
  name        = "tunes"
  stream_name = "tunes-events"
  document    = "{}"
  rights      = "{}"
  trust       = "{}"

  log_retention_days   = 30
  gateway_log_role     = true
  recommendations_name = "tunes-recommendations"

  stream = {
    mode            = "PROVISIONED"
    shards          = 4
    retention_hours = 24
    kms_key         = "alias/aws/kinesis"
  }

  api = {
    stage       = "v1"
    rate_limit  = 500
    burst_limit = 1000
    quota       = { limit = 10, period = "DAY" }
    throttles = {
      "events/POST"         = { rate_limit = 1000, burst_limit = 2000 }
      "recommendations/GET" = { rate_limit = 100, burst_limit = 200 }
    }
    access_log = { status = "$context.status", request_id = "$context.requestId" }
  }
}

run "provisioned" {
  command = plan

  module {
    source = "./modules/ingestion"
  }

  assert {
    condition     = aws_kinesis_stream.events.shard_count == 4 && aws_kinesis_stream.events.stream_mode_details[0].stream_mode == "PROVISIONED"
    error_message = "A provisioned stream has the shards of its settings."
  }

  assert {
    condition     = aws_kinesis_stream.events.encryption_type == "KMS"
    error_message = "The stream encrypts what it keeps."
  }
}

run "on_demand" {
  command = plan

  module {
    source = "./modules/ingestion"
  }

  variables {
    stream = {
      mode            = "ON_DEMAND"
      shards          = 4
      retention_hours = 24
      kms_key         = "alias/aws/kinesis"
    }
  }

  assert {
    condition     = aws_kinesis_stream.events.stream_mode_details[0].stream_mode == "ON_DEMAND"
    error_message = "An on-demand stream has no shards to choose."
  }
}

run "api" {
  command = plan

  module {
    source = "./modules/ingestion"
  }

  assert {
    condition     = aws_api_gateway_method_settings.this["recommendations/GET"].settings[0].throttling_rate_limit == 100 && length(aws_api_gateway_method_settings.this) == 2
    error_message = "Every method has a limit of its own."
  }

  assert {
    condition     = aws_api_gateway_stage.this.access_log_settings[0].format == "{\"request_id\":\"$context.requestId\",\"status\":\"$context.status\"}"
    error_message = "The access log has one JSON object a line."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.retention_in_days == 30
    error_message = "The access log ends."
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.ingestion.quota_settings).limit == 10 && one(aws_api_gateway_usage_plan.ingestion.api_stages).stage == "v1"
    error_message = "A key may send only so much to the stage."
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 1
    error_message = "Without a role of its own API Gateway writes no logs."
  }
}

run "logs_by_another_stack" {
  command = plan

  module {
    source = "./modules/ingestion"
  }

  variables {
    gateway_log_role = false
  }

  assert {
    condition     = length(aws_api_gateway_account.this) + length(aws_iam_role.gateway_logs) == 0
    error_message = "Two stacks must not set the account's one role for logs."
  }
}
