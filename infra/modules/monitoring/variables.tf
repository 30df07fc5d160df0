variable "name" {
  description = "The stack's name."
  type        = string
}

variable "alarms" {
  description = "The alarms by key; the statistic is a name or a percentile, fill what gaps count as."
  type = map(object({
    description        = string
    namespace          = string
    metric             = string
    dimensions         = map(string)
    statistic          = string
    period_seconds     = number
    evaluation_periods = number
    threshold          = number
    comparison         = string
    treat_missing_data = string
    fill               = number
  }))
}

variable "dashboard" {
  description = "Body of the dashboard, as CloudWatch takes it."
  type        = string
}
