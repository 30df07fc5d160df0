variable "name" {
  description = "The stack's name."
  type        = string
}

variable "function" {
  description = "The function's settings of stack.json, with its part, rights, trust, package, layers and log_retention_days."
  type = object({
    name               = string
    part               = string
    description        = string
    handler            = string
    runtime            = string
    architecture       = string
    memory_mb          = number
    timeout_seconds    = number
    tracing            = string
    environment        = map(string)
    rights             = string
    trust              = string
    package            = string
    layers             = list(string)
    log_retention_days = number
  })
}
