# The lake: Glue tables whose partitions are computed, Firehose to fill them, Athena to ask them.

locals {
  parquet_input  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
  parquet_output = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
  parquet_serde  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

  tables = {
    (var.lake.table)         = { prefix = var.lake.prefix, columns = var.columns.raw }
    (var.lake.curated_table) = { prefix = var.lake.curated_prefix, columns = var.columns.curated }
  }
}

resource "aws_glue_catalog_database" "this" {
  name = var.name
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  name          = each.key
  database_name = aws_glue_catalog_database.this.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"                                    = "TRUE"
    "classification"                              = "parquet"
    "projection.enabled"                          = "true"
    "projection.${var.lake.partition_key}.type"   = "date"
    "projection.${var.lake.partition_key}.format" = "yyyy-MM-dd"
    "projection.${var.lake.partition_key}.range"  = var.lake.partition_range
    "storage.location.template"                   = "s3://${var.bucket}/${each.value.prefix}${var.lake.partition_key}=$${${var.lake.partition_key}}/"
  }

  partition_keys {
    name = var.lake.partition_key
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${var.bucket}/${each.value.prefix}"
    input_format  = local.parquet_input
    output_format = local.parquet_output

    ser_de_info {
      serialization_library = local.parquet_serde
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value.Name
        type = columns.value.Type
      }
    }
  }
}

resource "aws_athena_workgroup" "lake" {
  name          = "${var.name}-lake"
  description   = "Questions to the lake of listening events"
  force_destroy = var.force_destroy

  configuration {
    # A client may choose another place for its results.
    enforce_workgroup_configuration    = false
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena.scan_limit_bytes

    result_configuration {
      output_location = "s3://${aws_s3_bucket.this.bucket}/${var.athena.results_prefix}"
    }
  }
}

resource "aws_iam_role" "firehose" {
  name               = "${var.name}-firehose"
  assume_role_policy = var.trust
}

resource "aws_iam_role_policy" "firehose" {
  name   = "firehose"
  role   = aws_iam_role.firehose.name
  policy = var.rights
}

resource "aws_kinesis_firehose_delivery_stream" "lake" {
  name        = "${var.name}-lake"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = var.stream_arn
    role_arn           = aws_iam_role.firehose.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.this.arn
    prefix              = var.delivery.prefix
    error_output_prefix = var.delivery.error_prefix
    buffering_size      = var.delivery.buffer_mb
    buffering_interval  = var.delivery.buffer_seconds
    compression_format  = "UNCOMPRESSED" # Parquet compresses by itself

    dynamic_partitioning_configuration {
      enabled        = true
      retry_duration = var.delivery.retry_seconds
    }

    processing_configuration {
      enabled = true

      processors {
        type = "MetadataExtraction"

        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = var.partition_query
        }

        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
      }
    }

    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          open_x_json_ser_de {}
        }
      }

      output_format_configuration {
        serializer {
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        role_arn      = aws_iam_role.firehose.arn
        database_name = aws_glue_catalog_database.this.name
        table_name    = aws_glue_catalog_table.this[var.lake.table].name
        region        = var.region
        version_id    = "LATEST"
      }
    }
  }

  depends_on = [aws_iam_role_policy.firehose]
}
