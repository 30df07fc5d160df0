# The whole stack. Its numbers are in stack.json, its API in openapi.yaml, the rights of its roles in
# policies/: the files from which musicrec.local.deployer makes the same stack without Terraform.

provider "aws" {
  region                      = var.region
  s3_use_path_style           = var.embedded
  skip_credentials_validation = var.embedded
  skip_metadata_api_check     = var.embedded
  skip_region_validation      = var.embedded

  default_tags {
    tags = var.tags
  }
}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  packages   = startswith(var.packages, "/") ? var.packages : "${path.root}/${var.packages}"

  # The queue's address is known once there is a queue; functions get it then.
  queue_url_placeholder = "$${poison_queue_url}"

  settings = jsondecode(templatefile("${path.module}/stack.json", {
    name             = var.name
    poison_queue_url = local.queue_url_placeholder
    profile_table    = local.names.profile_table
    catalog_uri      = "s3://${local.names.bucket}/catalog/catalog.sqlite"
  }))

  stream = merge(local.settings.stream, { mode = coalesce(var.stream_mode, local.settings.stream.mode) })

  # Named here and not by the resources, so that a plan shows every policy in full.
  names = {
    stream        = "${var.name}-events"
    poison_queue  = "${var.name}-poison"
    profile_table = "${var.name}-profiles"
    bucket        = "${var.name}-${local.account_id}-${var.region}"
  }

  # What policies/*.json name.
  rights = {
    name                 = var.name
    region               = var.region
    account_id           = local.account_id
    stream_arn           = "arn:aws:kinesis:${var.region}:${local.account_id}:stream/${local.names.stream}"
    poison_queue_arn     = "arn:aws:sqs:${var.region}:${local.account_id}:${local.names.poison_queue}"
    profile_table_arn    = "arn:aws:dynamodb:${var.region}:${local.account_id}:table/${local.names.profile_table}"
    bucket_arn           = "arn:aws:s3:::${local.names.bucket}"
    personalize_role_arn = "arn:aws:iam::${local.account_id}:role/${var.name}-personalize"
  }

  # What alarms.json and dashboard.json name.
  watched = {
    name            = var.name
    region          = var.region
    stage           = local.settings.api.stage
    stream          = local.names.stream
    delivery_stream = "${var.name}-lake"
    poison_queue    = local.names.poison_queue
    profile_table   = local.names.profile_table
    schedule_rule   = "${var.name}-daily-datasets"
  }

  # Every function as its module needs it: settings, rights, code and layers.
  functions = {
    for key, function in local.settings.functions : key => merge(function, {
      part    = replace(key, "_", "-")
      rights  = templatefile("${path.module}/policies/${replace(key, "_", "-")}.json", local.rights)
      trust   = templatefile("${path.module}/policies/assume-role.json", { service = "lambda.amazonaws.com" })
      package = "${local.packages}/${key}.zip"
      layers = concat(
        [aws_lambda_layer_version.dependencies.arn],
        key == "dataset_builder" ? [local.pandas_layer] : [],
      )
      log_retention_days = local.settings.logs.retention_days
      environment = {
        for name, value in function.environment :
        name => replace(value, local.queue_url_placeholder, module.processor.poison_queue_url)
      }
    })
  }

  # AWS SDK for pandas 3.17: account and version are the same in every region that has Personalize.
  pandas_layer = coalesce(
    var.pandas_layer,
    "arn:aws:lambda:${var.region}:336392948345:layer:AWSSDKPandas-Python312-Arm64:29",
  )

  api_url = var.api_url == null ? module.ingestion.invoke_url : replace(
    replace(var.api_url, "{api_id}", module.ingestion.api_id), "{stage}", local.settings.api.stage,
  )
}

resource "aws_lambda_layer_version" "dependencies" {
  layer_name               = "${var.name}-dependencies"
  description              = "What the functions import beside the standard library and boto3"
  filename                 = "${local.packages}/dependencies.zip"
  source_code_hash         = filebase64sha256("${local.packages}/dependencies.zip")
  compatible_runtimes      = distinct([for function in local.settings.functions : function.runtime])
  compatible_architectures = distinct([for function in local.settings.functions : function.architecture])

  # Functions must never point at a version that is gone.
  lifecycle {
    create_before_destroy = true
  }
}

module "ingestion" {
  source = "./modules/ingestion"

  name                 = var.name
  stream_name          = local.names.stream
  stream               = local.stream
  api                  = local.settings.api
  log_retention_days   = local.settings.logs.retention_days
  gateway_log_role     = var.gateway_log_role
  recommendations_name = local.settings.functions.recommendations.name
  rights               = templatefile("${path.module}/policies/apigateway.json", local.rights)
  trust                = templatefile("${path.module}/policies/assume-role.json", { service = "apigateway.amazonaws.com" })

  document = jsonencode(yamldecode(templatefile("${path.module}/openapi.yaml", {
    name                         = var.name
    region                       = var.region
    stream_name                  = module.ingestion.stream
    gateway_role_arn             = module.ingestion.gateway_role_arn
    recommendations_function_arn = module.recommender.recommendations_arn
  })))
}

module "processor" {
  source = "./modules/processor"

  name            = var.name
  region          = var.region
  bucket          = local.names.bucket
  queue_name      = local.names.poison_queue
  table_name      = local.names.profile_table
  bucket_settings = local.settings.bucket
  force_destroy   = var.force_destroy
  lake            = local.settings.lake
  athena          = local.settings.athena
  delivery        = local.settings.delivery
  poison_queue    = local.settings.poison_queue
  profile_table   = local.settings.profile_table
  stream_arn      = module.ingestion.stream_arn
  mappings        = local.settings.event_source_mappings
  functions       = { for key, function in local.functions : key => function if contains(["hot_path", "profile_builder"], key) }
  columns         = jsondecode(file("${path.module}/columns.json"))
  partition_query = join(" ", compact(split(" ", replace(file("${path.module}/partition.jq"), "/\\s+/", " "))))
  rights          = templatefile("${path.module}/policies/firehose.json", local.rights)
  trust           = templatefile("${path.module}/policies/assume-role.json", { service = "firehose.amazonaws.com" })
  bucket_policy   = templatefile("${path.module}/bucket-policy.json", { bucket_arn = local.rights.bucket_arn })
}

module "recommender" {
  source = "./modules/recommender"

  name       = var.name
  functions  = { for key, function in local.functions : key => function if contains(["dataset_builder", "recommendations"], key) }
  schedule   = local.settings.schedule.expression
  parameters = local.settings.parameters
  rights     = templatefile("${path.module}/policies/personalize.json", local.rights)
  trust      = templatefile("${path.module}/policies/assume-role.json", { service = "personalize.amazonaws.com" })
}

module "monitoring" {
  source = "./modules/monitoring"

  name      = var.name
  alarms    = jsondecode(templatefile("${path.module}/alarms.json", local.watched))
  dashboard = templatefile("${path.module}/dashboard.json", local.watched)
}

# Where the parts are: what `musicrec.deployment.load` reads.
resource "aws_ssm_parameter" "deployment" {
  name        = "/${var.name}/deployment"
  description = "Where the parts of the stack are"
  type        = "String"

  value = jsonencode({
    name                 = var.name
    region               = var.region
    api_url              = local.api_url
    api_key_id           = module.ingestion.api_key_id
    bucket               = module.processor.bucket
    stream               = module.ingestion.stream
    delivery_stream      = module.processor.delivery_stream
    profile_table        = module.processor.profile_table
    poison_queue_url     = module.processor.poison_queue_url
    database             = module.processor.database
    table                = module.processor.table
    curated_table        = module.processor.curated_table
    workgroup            = module.processor.workgroup
    schedule_rule        = module.recommender.schedule_rule
    personalize_role_arn = module.recommender.personalize_role_arn
  })
}
