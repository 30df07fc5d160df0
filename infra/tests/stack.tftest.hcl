# The whole stack planned with a provider that asks nobody: names, rights, layers, variables.
# The zips must be there (`make package`), or another folder named by -var packages=...

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name   = "tunes"
  region = "eu-west-1"
}

run "defaults" {
  command = plan

  assert {
    condition     = local.names.bucket == "tunes-123456789012-eu-west-1"
    error_message = "The bucket's name must be unique in the world: stack, account and region."
  }

  assert {
    condition     = toset(keys(local.functions)) == toset(["hot_path", "profile_builder", "dataset_builder", "recommendations"])
    error_message = "Each folder of lambdas/ is one function."
  }

  assert {
    condition     = local.stream.mode == local.settings.stream.mode
    error_message = "Without a variable the stream is what stack.json says."
  }

  assert {
    condition = alltrue(flatten([
      for part in values(local.functions) : [
        for statement in jsondecode(part.rights).Statement :
        statement.Resource != "*" || alltrue([
          for action in flatten([statement.Action]) : startswith(action, "xray:") || strcontains(action, ":List") || action == "personalize:PutEvents"
        ])
      ]
    ]))
    error_message = "Every statement names its resources; listings, traces and PutEvents know none."
  }

  assert {
    condition = alltrue(flatten([
      for part in values(local.functions) : [
        for statement in jsondecode(part.rights).Statement : [
          for action in flatten([statement.Action]) : !strcontains(action, "*")
        ]
      ]
    ]))
    error_message = "No statement allows every action of a service."
  }

  assert {
    condition     = local.functions["dataset_builder"].layers[1] == local.pandas_layer && startswith(local.pandas_layer, "arn:aws:lambda:eu-west-1:")
    error_message = "The dataset builder gets the pandas layer of its own region."
  }

  assert {
    condition     = [for key, function in local.functions : key if length(function.layers) > 1] == ["dataset_builder"]
    error_message = "pandas would make the other functions start slowly."
  }

  assert {
    condition     = aws_lambda_layer_version.dependencies.compatible_architectures == toset(["arm64"])
    error_message = "The layer is built for arm64, as are the functions."
  }

  assert {
    condition     = aws_ssm_parameter.deployment.name == "/tunes/deployment"
    error_message = "musicrec.deployment looks for the stack there."
  }
}

run "on_demand" {
  command = plan

  variables {
    stream_mode = "ON_DEMAND"
  }

  assert {
    condition     = local.stream.mode == "ON_DEMAND"
    error_message = "The variable decides the stream's mode."
  }
}

run "another_pandas_layer" {
  command = plan

  variables {
    pandas_layer = "arn:aws:lambda:eu-west-1:123456789012:layer:own:1"
  }

  assert {
    condition     = local.pandas_layer == "arn:aws:lambda:eu-west-1:123456789012:layer:own:1"
    error_message = "The variable replaces AWS's layer."
  }
}

run "unknown_stream_mode" {
  command = plan

  variables {
    stream_mode = "ELASTIC"
  }

  expect_failures = [var.stream_mode]
}

run "impossible_name" {
  command = plan

  variables {
    name = "Tunes_1"
  }

  expect_failures = [var.name]
}
