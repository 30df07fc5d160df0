# What happens to events behind the stream: two functions, and a lake that Firehose fills.

resource "aws_sqs_queue" "poison" {
  name                      = var.queue_name
  message_retention_seconds = var.poison_queue.retention_seconds
  max_message_size          = var.poison_queue.max_message_bytes
  sqs_managed_sse_enabled   = var.poison_queue.managed_encryption
}

resource "aws_dynamodb_table" "profiles" {
  name         = var.table_name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = var.profile_table.partition_key
  range_key    = var.profile_table.sort_key

  attribute {
    name = var.profile_table.partition_key
    type = "S"
  }

  attribute {
    name = var.profile_table.sort_key
    type = "S"
  }

  point_in_time_recovery {
    enabled = var.profile_table.point_in_time_recovery
  }

  server_side_encryption {
    enabled = var.profile_table.kms_encryption
  }
}

module "function" {
  source   = "../function"
  for_each = var.functions

  name     = var.name
  function = each.value
}

resource "aws_lambda_event_source_mapping" "stream" {
  for_each = var.mappings

  event_source_arn                   = var.stream_arn
  function_name                      = module.function[each.key].arn
  starting_position                  = each.value.starting_position
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window_seconds
  parallelization_factor             = each.value.parallelization_factor
  bisect_batch_on_function_error     = each.value.bisect_on_error
  maximum_retry_attempts             = each.value.maximum_retry_attempts
  maximum_record_age_in_seconds      = each.value.maximum_record_age_seconds
  function_response_types            = each.value.function_response_types

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.poison.arn
    }
  }
}
