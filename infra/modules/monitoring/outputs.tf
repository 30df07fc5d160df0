output "topic_arn" {
  description = "Topic that hears when an alarm goes off, and when it ends."
  value       = aws_sns_topic.alarms.arn
}
