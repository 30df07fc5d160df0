# One bucket: the lake, the catalogue, the datasets, and what queries answered.

resource "aws_s3_bucket" "this" {
  bucket        = var.bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = var.bucket_settings.encryption
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = var.bucket_settings.versioning
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = var.bucket_policy

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "raw-ages-out"
    status = "Enabled"

    filter {
      prefix = var.lake.prefix
    }

    dynamic "transition" {
      for_each = var.lake.transitions

      content {
        storage_class = transition.value.storage_class
        days          = transition.value.days
      }
    }
  }

  rule {
    id     = "errors-expire"
    status = "Enabled"

    filter {
      prefix = var.lake.errors_prefix
    }

    expiration {
      days = var.lake.errors_expire_days
    }
  }

  rule {
    id     = "query-results-expire"
    status = "Enabled"

    filter {
      prefix = var.athena.results_prefix
    }

    expiration {
      days = var.athena.results_expire_days
    }
  }

  rule {
    id     = "old-versions-expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = var.bucket_settings.noncurrent_expire_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = var.bucket_settings.abort_uploads_days
    }
  }

  # Rules about versions need a bucket that has them.
  depends_on = [aws_s3_bucket_versioning.this]
}
