variable "name" {
  description = "The stack's name."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "stream_arn" {
  description = "ARN of the stream of listening events."
  type        = string
}

variable "functions" {
  description = "The functions that read the stream, as ../function takes them."
  type        = any
}

variable "mappings" {
  description = "How Lambda reads the stream for each function."
  type = map(object({
    starting_position          = string
    batch_size                 = number
    batching_window_seconds    = number
    parallelization_factor     = number
    bisect_on_error            = bool
    maximum_retry_attempts     = number
    maximum_record_age_seconds = number
    function_response_types    = list(string)
  }))
}

variable "queue_name" {
  description = "Name of the queue of records that could not be processed."
  type        = string
}

variable "table_name" {
  description = "Name of the table of musical profiles."
  type        = string
}

variable "poison_queue" {
  description = "Settings of the queue of records that could not be processed."
  type        = object({ retention_seconds = number, max_message_bytes = number, managed_encryption = bool })
}

variable "profile_table" {
  description = "Keys, backups and encryption of the table of musical profiles."
  type = object({
    partition_key          = string
    sort_key               = string
    point_in_time_recovery = bool
    kms_encryption         = bool
  })
}

variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "bucket_settings" {
  description = "How the bucket encrypts, and how long it keeps what was overwritten or given up."
  type = object({
    encryption             = string
    versioning             = string
    noncurrent_expire_days = number
    abort_uploads_days     = number
  })
}

variable "bucket_policy" {
  description = "Who may use the bucket how, beside the roles' own rights."
  type        = string
}

variable "force_destroy" {
  description = "Whether destroy may delete a bucket, and a work group, that hold something."
  type        = bool
}

variable "lake" {
  description = "Tables, places and ageing of the lake."
  type = object({
    table              = string
    partition_key      = string
    prefix             = string
    partition_range    = string
    transitions        = list(object({ storage_class = string, days = number }))
    errors_prefix      = string
    errors_expire_days = number
    curated_table      = string
    curated_prefix     = string
  })
}

variable "columns" {
  description = "Columns of the raw and of the curated table."
  type = object({
    raw     = list(object({ Name = string, Type = string }))
    curated = list(object({ Name = string, Type = string }))
  })
}

variable "athena" {
  description = "Where query results go, how long they stay, and how much one query may read."
  type = object({
    results_prefix      = string
    results_expire_days = number
    scan_limit_bytes    = number
  })
}

variable "delivery" {
  description = "How Firehose buffers, partitions and names what it writes."
  type = object({
    buffer_mb      = number
    buffer_seconds = number
    prefix         = string
    error_prefix   = string
    retry_seconds  = number
  })
}

variable "partition_query" {
  description = "The JQ, on one line, by which Firehose finds an event's partition."
  type        = string
}

variable "rights" {
  description = "Policy of Firehose's role."
  type        = string
}

variable "trust" {
  description = "Policy that lets Firehose assume a role."
  type        = string
}
