# What the processor makes of its settings: a bucket that gives nothing away, a lake, two consumers.

mock_provider "aws" {}

variables {
  name       = "tunes"
  region     = "eu-west-1"
  stream_arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/tunes-events"
  queue_name = "tunes-poison"
  table_name = "tunes-profiles"
  bucket     = "tunes-bucket"
  functions  = {}

  mappings      = {}
  force_destroy = false
  bucket_policy = "{}"
  rights        = "{}"
  trust         = "{}"

  poison_queue = { retention_seconds = 1209600, max_message_bytes = 262144, managed_encryption = true }

  profile_table = {
    partition_key          = "user_id"
    sort_key               = "part"
    point_in_time_recovery = true
    kms_encryption         = true
  }

  bucket_settings = {
    encryption             = "AES256"
    versioning             = "Enabled"
    noncurrent_expire_days = 30
    abort_uploads_days     = 7
  }

  lake = {
    table           = "listening_events"
    partition_key   = "dt"
    prefix          = "raw/"
    partition_range = "2000-01-01,NOW+1DAYS"
    transitions = [
      { storage_class = "STANDARD_IA", days = 30 },
      { storage_class = "GLACIER", days = 90 },
    ]
    errors_prefix      = "errors/"
    errors_expire_days = 90
    curated_table      = "curated_interactions"
    curated_prefix     = "curated/"
  }

  columns = {
    raw     = [{ Name = "event_id", Type = "string" }]
    curated = [{ Name = "event_id", Type = "string" }, { Name = "event_value", Type = "double" }]
  }

  athena = {
    results_prefix      = "athena/"
    results_expire_days = 7
    scan_limit_bytes    = 10485760
  }

  delivery = {
    buffer_mb      = 64
    buffer_seconds = 60
    prefix         = "raw/dt=!{partitionKeyFromQuery:dt}/"
    error_prefix   = "errors/"
    retry_seconds  = 300
  }

  partition_query = "{dt: .dt}"
}

run "bucket" {
  command = plan

  module {
    source = "./modules/processor"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The bucket encrypts what it stores."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Nothing in the bucket can be made public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "What is overwritten or deleted can be had back."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "Destroy must not take the listening history along unless it is told to."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id
      if length(rule.transition) > 0 || length(rule.expiration) > 0
    ] == ["raw-ages-out", "errors-expire", "query-results-expire"]
    error_message = "Only raw events, errors and query results age; curated interactions never do."
  }
}

run "lake" {
  command = plan

  module {
    source = "./modules/processor"
  }

  assert {
    condition     = aws_glue_catalog_table.this["listening_events"].parameters["storage.location.template"] == "s3://tunes-bucket/raw/dt=$${dt}/"
    error_message = "Athena computes the partitions' places."
  }

  assert {
    condition     = aws_glue_catalog_table.this["curated_interactions"].storage_descriptor[0].columns[*].name == tolist(["event_id", "event_value"])
    error_message = "The tables have the given columns, in their order."
  }

  assert {
    condition     = aws_kinesis_firehose_delivery_stream.lake.extended_s3_configuration[0].dynamic_partitioning_configuration[0].enabled
    error_message = "Firehose writes each event to the day on which it occurred."
  }

  assert {
    condition     = aws_athena_workgroup.lake.configuration[0].bytes_scanned_cutoff_per_query == 10485760
    error_message = "A query may read only so much."
  }
}

run "stores" {
  command = plan

  module {
    source = "./modules/processor"
  }

  assert {
    condition     = aws_dynamodb_table.profiles.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.profiles.point_in_time_recovery[0].enabled && aws_dynamodb_table.profiles.server_side_encryption[0].enabled
    error_message = "The profiles are billed by request, backed up and encrypted."
  }

  assert {
    condition     = aws_sqs_queue.poison.sqs_managed_sse_enabled && aws_sqs_queue.poison.message_retention_seconds == 1209600
    error_message = "Poison is encrypted, and kept as long as SQS can."
  }
}
