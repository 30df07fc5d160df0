# What the recommender makes of its settings: two functions, a schedule, room for Personalize's names.
# The functions' code is any file here: these plans send it nowhere.

mock_provider "aws" {}

variables {
  name       = "tunes"
  schedule   = "cron(0 3 * * ? *)"
  parameters = ["campaign_arn", "tracking_id"]
  rights     = "{}"
  trust      = "{}"

  functions = {
    dataset_builder = {
      name               = "tunes-dataset-builder"
      part               = "dataset-builder"
      description        = "Builds"
      handler            = "handler.lambda_handler"
      runtime            = "python3.12"
      architecture       = "arm64"
      memory_mb          = 3008
      timeout_seconds    = 900
      tracing            = "Active"
      environment        = { STACK = "tunes" }
      rights             = "{}"
      trust              = "{}"
      package            = "stack.json"
      layers             = []
      log_retention_days = 30
    }
    recommendations = {
      name               = "tunes-recommendations"
      part               = "recommendations"
      description        = "Answers"
      handler            = "handler.lambda_handler"
      runtime            = "python3.12"
      architecture       = "arm64"
      memory_mb          = 512
      timeout_seconds    = 10
      tracing            = "Active"
      environment        = { STACK = "tunes" }
      rights             = "{}"
      trust              = "{}"
      package            = "stack.json"
      layers             = []
      log_retention_days = 30
    }
  }
}

run "schedule" {
  command = plan

  module {
    source = "./modules/recommender"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.daily_datasets.schedule_expression == "cron(0 3 * * ? *)" && aws_cloudwatch_event_target.dataset_builder.rule == "tunes-daily-datasets"
    error_message = "The daily rule has the dataset builder as its target."
  }

  assert {
    condition     = aws_lambda_permission.schedule.function_name == "tunes-dataset-builder" && aws_lambda_permission.schedule.principal == "events.amazonaws.com"
    error_message = "EventBridge may invoke the dataset builder."
  }
}

run "parameters" {
  command = plan

  module {
    source = "./modules/recommender"
  }

  assert {
    condition     = { for key, one in aws_ssm_parameter.personalize : one.name => one.value } == { "/tunes/campaign_arn" = "unset", "/tunes/tracking_id" = "unset" }
    error_message = "musicrec.parameters takes the value unset as none."
  }
}

run "function" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    function = var.functions.recommendations
  }

  assert {
    condition     = aws_iam_role.this.name == "tunes-recommendations" && aws_iam_role_policy.this.name == "recommendations"
    error_message = "Each function has a role of its own."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/tunes-recommendations" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "A function's log ends."
  }

  assert {
    condition     = one(aws_lambda_function.this.architectures) == "arm64" && aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "A function runs on arm64 and is traced."
  }
}
