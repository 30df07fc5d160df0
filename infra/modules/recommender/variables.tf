variable "name" {
  description = "The stack's name."
  type        = string
}

variable "functions" {
  description = "dataset_builder and recommendations, as ../function takes them."
  type        = any
}

variable "schedule" {
  description = "When the datasets are built, an EventBridge expression in UTC."
  type        = string
}

variable "parameters" {
  description = "Keys of the SSM parameters that name what Personalize has."
  type        = list(string)
}

variable "rights" {
  description = "Policy of the role by which Personalize uses the bucket."
  type        = string
}

variable "trust" {
  description = "Policy that lets Personalize assume a role."
  type        = string
}
