# One Lambda function with a role of its own and a log that ends.

resource "aws_iam_role" "this" {
  name               = "${var.name}-${var.function.part}"
  assume_role_policy = var.function.trust
}

resource "aws_iam_role_policy" "this" {
  name   = var.function.part
  role   = aws_iam_role.this.name
  policy = var.function.rights
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.function.name}"
  retention_in_days = var.function.log_retention_days
}

resource "aws_lambda_function" "this" {
  function_name    = var.function.name
  description      = var.function.description
  role             = aws_iam_role.this.arn
  handler          = var.function.handler
  runtime          = var.function.runtime
  architectures    = [var.function.architecture]
  memory_size      = var.function.memory_mb
  timeout          = var.function.timeout_seconds
  filename         = var.function.package
  source_code_hash = filebase64sha256(var.function.package)
  layers           = var.function.layers

  environment {
    variables = var.function.environment
  }

  tracing_config {
    mode = var.function.tracing
  }

  # It must not run before it may, and must not make a log group that never ends.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}
