# POST /events to the Kinesis stream, and the REST API that carries both paths.

resource "aws_kinesis_stream" "events" {
  name             = var.stream_name
  shard_count      = var.stream.mode == "PROVISIONED" ? var.stream.shards : null
  retention_period = var.stream.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = var.stream.kms_key

  stream_mode_details {
    stream_mode = var.stream.mode
  }
}

resource "aws_iam_role" "gateway" {
  name               = "${var.name}-apigateway"
  assume_role_policy = var.trust
}

resource "aws_iam_role_policy" "gateway" {
  name   = "apigateway"
  role   = aws_iam_role.gateway.name
  policy = var.rights
}

resource "aws_api_gateway_rest_api" "this" {
  name = var.name
  body = var.document

  # What the document no longer has goes.
  put_rest_api_mode = "overwrite"
}

# A deployment shows the API as it was; a changed document needs a new one.
resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  description = "openapi sha256 ${sha256(var.document)}"

  triggers = {
    document = sha256(var.document)
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = var.api.stage

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(var.api.access_log)
  }

  depends_on = [aws_api_gateway_account.this, aws_iam_role_policy.gateway]
}

resource "aws_api_gateway_method_settings" "this" {
  for_each = var.api.throttles

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.key

  settings {
    metrics_enabled        = true
    throttling_rate_limit  = each.value.rate_limit
    throttling_burst_limit = each.value.burst_limit
  }
}

resource "aws_api_gateway_api_key" "ingestion" {
  name        = "${var.name}-ingestion"
  description = "Producers of listening events"
}

resource "aws_api_gateway_usage_plan" "ingestion" {
  name        = "${var.name}-ingestion"
  description = "What one key of the ingestion may send"

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    rate_limit  = var.api.rate_limit
    burst_limit = var.api.burst_limit
  }

  quota_settings {
    limit  = var.api.quota.limit
    period = var.api.quota.period
  }
}

resource "aws_api_gateway_usage_plan_key" "ingestion" {
  usage_plan_id = aws_api_gateway_usage_plan.ingestion.id
  key_id        = aws_api_gateway_api_key.ingestion.id
  key_type      = "API_KEY"
}

resource "aws_lambda_permission" "recommendations" {
  statement_id  = "apigateway"
  action        = "lambda:InvokeFunction"
  function_name = var.recommendations_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/*/GET/recommendations"
}

# API Gateway writes access logs only once it has a role for that, one for the account and region.
resource "aws_iam_role" "gateway_logs" {
  count = var.gateway_log_role ? 1 : 0

  name               = "${var.name}-apigateway-logs"
  assume_role_policy = var.trust
}

resource "aws_iam_role_policy_attachment" "gateway_logs" {
  count = var.gateway_log_role ? 1 : 0

  role       = aws_iam_role.gateway_logs[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.gateway_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.gateway_logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.gateway_logs]
}
