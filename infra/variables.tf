variable "name" {
  description = "The stack's name, and the prefix of all its resources."
  type        = string
  default     = "musicrec"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "A name has 2 to 21 lower-case letters, digits and hyphens, a letter first: it becomes part of a bucket's name."
  }
}

variable "region" {
  description = "AWS region; Amazon Personalize must be offered there."
  type        = string
  default     = "us-east-1"
}

variable "packages" {
  description = "Folder of the zips that `make package` builds, one a function and dependencies.zip; relative to this folder, or absolute."
  type        = string
  default     = "../build/lambdas"
}

variable "stream_mode" {
  description = "PROVISIONED (with the shards of stack.json) or ON_DEMAND; by default what stack.json says."
  type        = string
  default     = null

  validation {
    condition     = var.stream_mode == null || contains(["PROVISIONED", "ON_DEMAND"], coalesce(var.stream_mode, "PROVISIONED"))
    error_message = "A stream is PROVISIONED or ON_DEMAND."
  }
}

variable "pandas_layer" {
  description = "ARN of the AWS SDK for pandas layer (Python 3.12, arm64) for the dataset builder; by default AWS's own in the region."
  type        = string
  default     = null
}

variable "api_url" {
  description = "Where clients reach the API when that is not the stage's own address, such as a custom domain; {api_id} and {stage} are filled in."
  type        = string
  default     = null
}

variable "gateway_log_role" {
  description = "Whether to make the role by which API Gateway writes logs and set it for the account and region; false where another stack did."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Whether destroy may delete a bucket, and an Athena work group, that hold something."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

variable "embedded" {
  description = "Whether AWS_ENDPOINT_URL points at an emulator: the provider then asks nothing that only AWS can answer."
  type        = bool
  default     = false
}
