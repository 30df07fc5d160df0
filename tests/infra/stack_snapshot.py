"""What a stack consists of, read back through the AWS API, in a form that two stacks can be compared in.

Names become `<stack>`, ids that AWS gives out become what they are ids of, and what changes by itself
(times, revisions, counts) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from musicrec.deployment import Deployment
from musicrec.local.parts import Aws

Json = Any

CHANGING = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreateTime",
        "CreatedTimestamp",
        "DestinationId",
        "ETag",
        "EventSourceMappingArn",
        "LastModifiedTimestamp",
        "LastProcessingResult",
        "ResponseMetadata",
        "RevisionId",
        "RoleId",
        "RoleLastUsed",
        "StateTransitionReason",
        "TableId",
        "UUID",
        "UpdateTime",
        "VersionId",
        "creationTime",
        "stateUpdatedTimestamp",
        "storedBytes",
    }
)
"""Members that are no setting of a stack."""

_NOTHING = (None, "", [], {})


def snapshot(aws: Aws, deployment: Deployment) -> dict[str, Json]:
    """Everything of a stack by kind and name."""
    stack = _Stack(aws, deployment)
    found = {kind: _settled(read(stack)) for kind, read in READERS.items()}
    text = json.dumps(found)
    for given, meaning in stack.meanings.items():
        text = text.replace(given, meaning)
    return {kind: _ordered(read) for kind, read in json.loads(text).items()}


def differences(one: Json, other: Json, place: str = "") -> Iterator[tuple[str, Json, Json]]:
    """Where two snapshots differ: path, value here, value there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            inner = f"{place}/{key}" if place else key
            yield from differences(one.get(key), other.get(key), inner)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from differences(here, there, f"{place}/{index}")
    elif one != other:
        yield place, one, other


class _Stack:
    """One stack to read.

    Attributes:
        meanings: what stands in a snapshot for names and ids.
    """

    def __init__(self, aws: Aws, deployment: Deployment) -> None:
        self.aws, self.deployment, self.name = aws, deployment, deployment.name
        self.meanings = {self.name: "<stack>"}

    def ask(self, service: str, operation: str, **arguments: Any) -> Json:
        """One answer."""
        answer = getattr(self.aws.client(service), operation)(**arguments)
        answer.pop("ResponseMetadata")
        return answer

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Json]:
        """All pages of a list."""
        client = self.aws.client(service)
        if not client.can_paginate(operation):
            return list(getattr(client, operation)(**arguments)[key])
        pages = client.get_paginator(operation).paginate(**arguments)
        return [row for page in pages for row in page[key]]

    def means(self, given: str, meaning: str) -> None:
        """From now on an id is called by its meaning."""
        self.meanings[given] = meaning

    def mine(self, rows: list[Json], key: str) -> dict[str, Json]:
        """The rows whose name is the stack's or begins with it, by name."""
        return {
            row[key]: row
            for row in rows
            if row[key] == self.name or row[key].startswith(f"{self.name}-")
        }


def _settled(node: Json) -> Json:
    """Without what changes by itself, and without what is empty: AWS may say that or nothing."""
    if isinstance(node, dict):
        pairs = ((key, _settled(value)) for key, value in node.items() if key not in CHANGING)
        return {key: value for key, value in pairs if value not in _NOTHING}
    if isinstance(node, list):
        return [_settled(each) for each in node]
    return None if isinstance(node, datetime) else node


def _ordered(node: Json) -> Json:
    """With every list in an order of its contents."""
    if isinstance(node, dict):
        return {key: _ordered(value) for key, value in node.items()}
    if isinstance(node, list):
        return sorted(map(_ordered, node), key=lambda each: json.dumps(each, sort_keys=True))
    return node


def _functions(stack: _Stack) -> Json:
    found = {}
    functions = stack.mine(stack.pages("lambda", "list_functions", "Functions"), "FunctionName")
    for name, function in functions.items():
        found[name] = {key: value for key, value in function.items() if key != "LastModified"}
        found[name]["policy"] = _invokers(stack, name)
        found[name]["concurrency"] = stack.ask(
            "lambda", "get_function_concurrency", FunctionName=name
        )
        found[name]["tags"] = stack.ask("lambda", "list_tags", Resource=function["FunctionArn"])
    return found


def _invokers(stack: _Stack, name: str) -> Json:
    client = stack.aws.client("lambda")
    try:
        policy = client.get_policy(FunctionName=name)["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return {one["Sid"]: one for one in json.loads(policy)["Statement"]}


def _layers(stack: _Stack) -> Json:
    return list(stack.mine(stack.pages("lambda", "list_layers", "Layers"), "LayerName"))


def _mappings(stack: _Stack) -> Json:
    rows = stack.pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    mine = [row for row in rows if f"function:{stack.name}-" in row["FunctionArn"]]
    return {row["FunctionArn"]: row for row in mine}


def _stream(stack: _Stack) -> Json:
    name = stack.deployment.stream
    summary = stack.ask("kinesis", "describe_stream_summary", StreamName=name)
    return {**summary, **stack.ask("kinesis", "list_tags_for_stream", StreamName=name)}


def _queue(stack: _Stack) -> Json:
    url = stack.deployment.poison_queue_url
    return stack.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])


def _table(stack: _Stack) -> Json:
    name = stack.deployment.profile_table
    table = stack.ask("dynamodb", "describe_table", TableName=name)["Table"]
    for count in ("ItemCount", "TableSizeBytes"):
        del table[count]
    return {
        **table,
        **stack.ask("dynamodb", "describe_continuous_backups", TableName=name),
        **stack.ask("dynamodb", "describe_time_to_live", TableName=name),
        **stack.ask("dynamodb", "list_tags_of_resource", ResourceArn=table["TableArn"]),
    }


def _bucket(stack: _Stack) -> Json:
    bucket = stack.deployment.bucket
    asked = {
        name: stack.ask("s3", f"get_{name}", Bucket=bucket)
        for name in (
            "bucket_encryption",
            "bucket_lifecycle_configuration",
            "bucket_location",
            "bucket_logging",
            "bucket_notification_configuration",
            "bucket_ownership_controls",
            "bucket_versioning",
            "public_access_block",
        )
    }
    policy = stack.ask("s3", "get_bucket_policy", Bucket=bucket)["Policy"]
    return {**asked, "policy": json.loads(policy)}


def _glue(stack: _Stack) -> Json:
    database = stack.deployment.database
    tables = stack.pages("glue", "get_tables", "TableList", DatabaseName=database)
    return {
        "database": stack.ask("glue", "get_database", Name=database),
        "tables": {table["Name"]: table for table in tables},
    }


def _work_group(stack: _Stack) -> Json:
    return stack.ask("athena", "get_work_group", WorkGroup=stack.deployment.workgroup)


def _delivery_stream(stack: _Stack) -> Json:
    name = stack.deployment.delivery_stream
    return stack.ask("firehose", "describe_delivery_stream", DeliveryStreamName=name)


def _rules(stack: _Stack) -> Json:
    rules = stack.mine(stack.pages("events", "list_rules", "Rules"), "Name")
    return {
        name: {**rule, **stack.ask("events", "list_targets_by_rule", Rule=name)}
        for name, rule in rules.items()
    }


def _roles(stack: _Stack) -> Json:
    roles = stack.mine(stack.pages("iam", "list_roles", "Roles"), "RoleName")
    return {name: {**role, **_rights(stack, name)} for name, role in roles.items()}


def _rights(stack: _Stack, role: str) -> Json:
    inline = stack.pages("iam", "list_role_policies", "PolicyNames", RoleName=role)
    attached = stack.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    return {
        "attached": attached,
        "inline": {
            name: stack.ask("iam", "get_role_policy", RoleName=role, PolicyName=name)
            for name in inline
        },
    }


def _api(stack: _Stack) -> Json:
    (api,) = stack.mine(stack.pages("apigateway", "get_rest_apis", "items"), "name").values()
    del api["createdDate"]
    stack.means(api["id"], "<api>")
    if api.get("rootResourceId"):
        stack.means(api["rootResourceId"], "<root>")
    given = {"restApiId": api["id"]}
    validators = stack.pages("apigateway", "get_request_validators", "items", **given)
    for validator in validators:
        stack.means(validator["id"], f"<validator {validator['name']}>")
    return {
        "api": api,
        "validators": validators,
        "resources": _resources(stack, given),
        "models": {
            model["name"]: {**model, "id": None, "schema": json.loads(model["schema"])}
            for model in stack.pages("apigateway", "get_models", "items", **given)
        },
        "responses": {
            response["responseType"]: response
            for response in stack.pages("apigateway", "get_gateway_responses", "items", **given)
        },
        "stages": _stages(stack, given),
    }


def _resources(stack: _Stack, given: dict[str, str]) -> Json:
    rows = stack.pages("apigateway", "get_resources", "items", embed=["methods"], **given)
    paths = {row["id"]: row["path"] for row in rows}
    return {
        row["path"]: {
            "parent": paths.get(row.get("parentId")),
            "methods": {
                name: _method(method) for name, method in row.get("resourceMethods", {}).items()
            },
        }
        for row in rows
    }


def _method(method: Json) -> Json:
    integration = method.get("methodIntegration")
    if integration:
        integration = {k: v for k, v in integration.items() if k != "cacheNamespace"}
    return {**method, "methodIntegration": integration}


def _stages(stack: _Stack, given: dict[str, str]) -> Json:
    found = {}
    for stage in stack.ask("apigateway", "get_stages", **given)["item"]:
        shown = stack.ask(
            "apigateway", "get_deployment", deploymentId=stage.pop("deploymentId"), **given
        )
        del shown["id"]
        found[stage["stageName"]] = {**stage, "deployment": {**shown, "description": "<digest>"}}
    return found


def _keys(stack: _Stack) -> Json:
    keys = stack.mine(stack.pages("apigateway", "get_api_keys", "items"), "name")
    for key in keys.values():
        stack.means(key["id"], "<key>")
    shown = {n: {k: v for k, v in key.items() if k != "id"} for n, key in keys.items()}
    plans = stack.mine(stack.pages("apigateway", "get_usage_plans", "items"), "name")
    for plan in plans.values():
        plan_id = plan.pop("id")
        plan["keys"] = stack.pages(
            "apigateway", "get_usage_plan_keys", "items", usagePlanId=plan_id
        )
        for key in plan["keys"]:
            key.pop("value", None)
    return {"keys": shown, "plans": plans, "account": stack.ask("apigateway", "get_account")}


def _parameters(stack: _Stack) -> Json:
    rows = stack.pages("ssm", "describe_parameters", "Parameters")
    names = [row["Name"] for row in rows if row["Name"].startswith(f"/{stack.name}/")]
    values = {
        name: stack.ask("ssm", "get_parameter", Name=name)["Parameter"]["Value"] for name in names
    }
    own = json.loads(values.pop(f"/{stack.name}/deployment"))
    return {"deployment": own, "others": sorted(values)}


def _logs(stack: _Stack) -> Json:
    groups = stack.pages("logs", "describe_log_groups", "logGroups")
    return {g["logGroupName"]: g for g in groups if f"/{stack.name}" in g["logGroupName"]}


def _monitoring(stack: _Stack) -> Json:
    alarms = stack.pages(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{stack.name}-"
    )
    dashboards = stack.pages("cloudwatch", "list_dashboards", "DashboardEntries")
    topics = stack.pages("sns", "list_topics", "Topics")
    return {
        "alarms": {alarm["AlarmName"]: _alarm(alarm) for alarm in alarms},
        "dashboards": {
            name: json.loads(
                stack.ask("cloudwatch", "get_dashboard", DashboardName=name)["DashboardBody"]
            )
            for name in stack.mine(dashboards, "DashboardName")
        },
        "topics": [t["TopicArn"] for t in topics if f":{stack.name}-" in t["TopicArn"]],
    }


def _alarm(alarm: Json) -> Json:
    """An alarm without the state that it happens to be in."""
    return {key: value for key, value in alarm.items() if not key.startswith("State")}


READERS: dict[str, Callable[[_Stack], Json]] = {
    "api": _api,
    "bucket": _bucket,
    "delivery_stream": _delivery_stream,
    "functions": _functions,
    "glue": _glue,
    "keys": _keys,
    "layers": _layers,
    "logs": _logs,
    "mappings": _mappings,
    "monitoring": _monitoring,
    "parameters": _parameters,
    "queue": _queue,
    "roles": _roles,
    "rules": _rules,
    "stream": _stream,
    "table": _table,
    "work_group": _work_group,
}


LISTS = (
    ("apigateway", "get_api_keys", "items", "name"),
    ("apigateway", "get_rest_apis", "items", "name"),
    ("apigateway", "get_usage_plans", "items", "name"),
    ("athena", "list_work_groups", "WorkGroups", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("events", "list_rules", "Rules", "Name"),
    ("firehose", "list_delivery_streams", "DeliveryStreamNames", None),
    ("glue", "get_databases", "DatabaseList", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("kinesis", "list_streams", "StreamNames", None),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_layers", "Layers", "LayerName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
    ("ssm", "describe_parameters", "Parameters", "Name"),
)
"""Where resources are listed: service, operation, key of the rows, key of the name."""


def leftovers(aws: Aws, name: str) -> list[str]:
    """The resources of any kind whose name has a stack's in it."""
    found = []
    for service, operation, rows_key, name_key in LISTS:
        answer = getattr(aws.client(service), operation)()
        for row in answer.get(rows_key, []):
            called = row if name_key is None else row[name_key]
            if name in called:
                found.append(f"{service} {called}")
    return found
