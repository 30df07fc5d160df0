output "stream" {
  description = "Name of the stream."
  value       = aws_kinesis_stream.events.name
}

output "stream_arn" {
  description = "ARN of the stream."
  value       = aws_kinesis_stream.events.arn
}

output "gateway_role_arn" {
  description = "ARN of the role by which the API puts events on the stream."
  value       = aws_iam_role.gateway.arn
}

output "api_id" {
  description = "Id of the API."
  value       = aws_api_gateway_rest_api.this.id
}

output "invoke_url" {
  description = "Base of the API's paths, as AWS names it."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "api_key_id" {
  description = "Id of the ingestion key."
  value       = aws_api_gateway_api_key.ingestion.id
}
