output "api_url" {
  description = "Base of POST /events and GET /recommendations."
  value       = local.api_url
}

output "api_key_id" {
  description = "Id of the ingestion key; `aws apigateway get-api-key --include-value` shows its value."
  value       = module.ingestion.api_key_id
}

output "bucket" {
  description = "Lake, catalogue and datasets."
  value       = module.processor.bucket
}

output "deployment_parameter" {
  description = "SSM parameter from which notebooks and tools know the stack."
  value       = aws_ssm_parameter.deployment.name
}

output "personalize_role_arn" {
  description = "Role by which Amazon Personalize reads the datasets."
  value       = module.recommender.personalize_role_arn
}

output "alarm_topic_arn" {
  description = "SNS topic of the alarms; subscribe whoever is to hear of them."
  value       = module.monitoring.topic_arn
}
