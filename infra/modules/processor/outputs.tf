output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "poison_queue_url" {
  description = "Address of that queue."
  value       = aws_sqs_queue.poison.url
}

output "profile_table" {
  description = "Name of the table of musical profiles."
  value       = aws_dynamodb_table.profiles.name
}

output "delivery_stream" {
  description = "Name of the Firehose stream that fills the lake."
  value       = aws_kinesis_firehose_delivery_stream.lake.name
}

output "database" {
  description = "Name of the Glue database of the lake."
  value       = aws_glue_catalog_database.this.name
}

output "table" {
  description = "Glue table of the raw events."
  value       = aws_glue_catalog_table.this[var.lake.table].name
}

output "curated_table" {
  description = "Glue table of the curated interactions."
  value       = aws_glue_catalog_table.this[var.lake.curated_table].name
}

output "workgroup" {
  description = "Athena work group that asks the lake."
  value       = aws_athena_workgroup.lake.name
}
