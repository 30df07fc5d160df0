"""Getting the stack into an AWS account: what Lambda runs, and Terraform that puts it there."""
