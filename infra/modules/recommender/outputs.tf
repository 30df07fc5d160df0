output "recommendations_arn" {
  description = "ARN of the function behind GET /recommendations."
  value       = module.function["recommendations"].arn
}

output "schedule_rule" {
  description = "Name of the rule that builds the datasets daily."
  value       = aws_cloudwatch_event_rule.daily_datasets.name
}

output "personalize_role_arn" {
  description = "ARN of the role by which Personalize uses the bucket."
  value       = aws_iam_role.personalize.arn
}
