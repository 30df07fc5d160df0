variable "name" {
  description = "The stack's name."
  type        = string
}

variable "stream_name" {
  description = "Name of the stream of listening events."
  type        = string
}

variable "stream" {
  description = "The stream's settings."
  type = object({
    mode            = string
    shards          = number
    retention_hours = number
    kms_key         = string
  })
}

variable "api" {
  description = "Stage, usage plan, throttles and access log of the API; rates are requests a second."
  type = object({
    stage       = string
    rate_limit  = number
    burst_limit = number
    quota       = object({ limit = number, period = string })
    throttles   = map(object({ rate_limit = number, burst_limit = number }))
    access_log  = map(string)
  })
}

variable "document" {
  description = "The API as an OpenAPI document in JSON."
  type        = string
}

variable "log_retention_days" {
  description = "How long the access log is kept."
  type        = number
}

variable "gateway_log_role" {
  description = "Whether to make API Gateway's role for logs and set it for the account and region."
  type        = bool
}

variable "recommendations_name" {
  description = "Name of the function behind GET /recommendations."
  type        = string
}

variable "rights" {
  description = "Policy of the role by which the API puts events on the stream."
  type        = string
}

variable "trust" {
  description = "Policy that lets API Gateway assume a role."
  type        = string
}
