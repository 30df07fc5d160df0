# The daily datasets and the recommendations. Personalize itself is made from the notebooks.

module "function" {
  source   = "../function"
  for_each = var.functions

  name     = var.name
  function = each.value
}

resource "aws_cloudwatch_event_rule" "daily_datasets" {
  name                = "${var.name}-daily-datasets"
  schedule_expression = var.schedule
}

resource "aws_cloudwatch_event_target" "dataset_builder" {
  rule      = aws_cloudwatch_event_rule.daily_datasets.name
  target_id = "dataset-builder"
  arn       = module.function["dataset_builder"].arn
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "events"
  action        = "lambda:InvokeFunction"
  function_name = module.function["dataset_builder"].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.daily_datasets.arn
}

resource "aws_iam_role" "personalize" {
  name               = "${var.name}-personalize"
  assume_role_policy = var.trust
}

resource "aws_iam_role_policy" "personalize" {
  name   = "personalize"
  role   = aws_iam_role.personalize.name
  policy = var.rights
}

# What Personalize's tracker, campaign and filter are called; notebooks write it once they exist.
resource "aws_ssm_parameter" "personalize" {
  for_each = toset(var.parameters)

  name        = "/${var.name}/${each.key}"
  description = "Written once Personalize has it; unset until then"
  type        = "String"
  value       = "unset"

  lifecycle {
    ignore_changes = [value]
  }
}
