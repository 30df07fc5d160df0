# Who hears of the alarms: nobody, unless somebody is named. AWS asks the address to confirm.

variable "alarm_email" {
  description = "E-mail address that hears when an alarm goes off, and when it ends; null for none."
  type        = string
  default     = null
}

resource "aws_sns_topic_subscription" "alarm_email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = module.monitoring.topic_arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
