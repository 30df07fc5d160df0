"""What a request asks for: actions, and the resources that they are on.

Source: Service Authorization Reference, by service. A service without rules here is asked for
`<service>:<operation>` on all resources, which only a statement with the resource `*` allows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from musicrec.local.iam import personalize_needs, s3_needs
from musicrec.local.iam.policies import ANY, Ask

if TYPE_CHECKING:
    from musicrec.local.iam.calls import Call

_PREFIXES: Final = {"monitoring": "cloudwatch"}
"""IAM's names of services that sign with another one."""


class Lookups(Struct, frozen=True):
    """What a request names by an id of the service's own.

    Attributes:
        account_id: the account that owns everything.
        stream_of: the stream that a Kinesis iterator reads; empty if it is none.
        workgroup_of: the work group of an Athena query; empty if there is no such query.
    """

    account_id: str
    stream_of: Callable[[str], str]
    workgroup_of: Callable[[str], str]


class _Context(Struct, frozen=True):
    call: Call
    lookups: Lookups

    def arn(self, resource: str) -> str:
        call = self.call
        return f"arn:aws:{call.service}:{call.region}:{self.lookups.account_id}:{resource}"

    def text(self, name: str) -> str:
        return self.call.params.text(name)

    def asks(self, *resources: str, action: str = "") -> list[Ask]:
        prefix = _PREFIXES.get(self.call.service, self.call.service)
        named = f"{prefix}:{action or self.call.operation}"
        return [Ask(named, resource) for resource in resources or (ANY,)]


def needs(call: Call, lookups: Lookups) -> list[Ask]:
    """What a request asks for: every one of them must be allowed."""
    if call.service == "s3":
        return s3_needs.needs(call)
    if call.service == "personalize":
        return personalize_needs.needs(call, lookups.account_id)
    rule = _RULES.get(call.service)
    context = _Context(call, lookups)
    return context.asks() if rule is None else rule(context)


_STREAM_UNNAMED: Final = frozenset(
    {
        "DescribeLimits",
        "DisableEnhancedMonitoring",
        "EnableEnhancedMonitoring",
        "ListStreams",
        "UpdateShardCount",
        "UpdateStreamMode",
    }
)
"""Actions of Kinesis that support no resource."""


def _kinesis(context: _Context) -> list[Ask]:
    if context.call.operation in _STREAM_UNNAMED:
        return context.asks()
    arns = [context.text(name) for name in ("ConsumerARN", "StreamARN", "ResourceARN")]
    streams = [context.text("StreamName")]
    if iterator := context.text("ShardIterator"):
        streams.append(context.lookups.stream_of(iterator))
    arns += [context.arn(f"stream/{stream}") for stream in streams if stream]
    return context.asks(*dict.fromkeys(filter(None, arns)))


_PARTS: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
"""Which right a part of a transaction takes."""


def _dynamodb(context: _Context) -> list[Ask]:
    batch = context.call.params.mapping("RequestItems")
    parts = context.call.params.mappings("TransactItems")
    if batch:
        return context.asks(*(_table(context, name) for name in batch))
    if parts:
        return [
            ask
            for part in parts
            for kind, item in part.items()
            for ask in context.asks(_table(context, _named(item)), action=_PARTS.get(kind, kind))
        ]
    table, index = context.text("TableName"), context.text("IndexName")
    if not table:
        return context.asks()
    return context.asks(_table(context, table) + (f"/index/{index}" if index else ""))


def _named(item: Any) -> str:
    return str(item.get("TableName")) if isinstance(item, dict) else ""


def _table(context: _Context, name: str) -> str:
    return name if name.startswith("arn:") else context.arn(f"table/{name}")


_QUEUE_ACTIONS: Final = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}


def _sqs(context: _Context) -> list[Ask]:
    path = urlsplit(context.text("QueueUrl")).path
    queue = path.rpartition("/")[2] or context.text("QueueName")
    operation = context.call.operation
    action = _QUEUE_ACTIONS.get(operation, operation)
    return context.asks(*([context.arn(queue)] if queue else []), action=action)


def _ssm(context: _Context) -> list[Ask]:
    one = context.text("Name") or context.text("Path")
    names = [*context.call.params.texts("Names"), *([one] if one else [])]
    return context.asks(*(_parameter(context, name) for name in names))


def _parameter(context: _Context, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return context.arn(f"parameter/{name.removeprefix('/').partition(':')[0]}")


def _athena(context: _Context) -> list[Ask]:
    operation, params = context.call.operation, context.call.params
    if operation in {"ListWorkGroups", "ListDataCatalogs", "ListEngineVersions"}:
        return context.asks()
    catalog = context.text("CatalogName") or (
        context.text("Name") if operation.endswith("DataCatalog") else ""
    )
    if catalog:
        return context.asks(context.arn(f"datacatalog/{catalog}"))
    ids = [*params.texts("QueryExecutionIds"), context.text("QueryExecutionId")]
    groups = {context.lookups.workgroup_of(one) for one in ids if one}
    created = context.text("Name") if operation == "CreateWorkGroup" else ""
    groups = groups or {context.text("WorkGroup") or created or "primary"}
    return context.asks(*(context.arn(f"workgroup/{group}") for group in sorted(groups)))


def _glue(context: _Context) -> list[Ask]:
    """The catalogue, and below it the database and the table: each must be allowed."""
    operation, params = context.call.operation, context.call.params
    made = params.mapping("TableInput") or params.mapping("DatabaseInput")
    name = context.text("Name") or str(made.get("Name", ""))
    catalog, database = context.arn("catalog"), context.text("DatabaseName")
    if operation.endswith(("Database", "Databases")):
        return context.asks(catalog, context.arn(f"database/{name or ANY}"))
    if not database:
        return context.asks(catalog) if operation == "GetCatalog" else context.asks()
    table = context.text("TableName") or name or ANY
    return context.asks(
        catalog, context.arn(f"database/{database}"), context.arn(f"table/{database}/{table}")
    )


def _lambda(context: _Context) -> list[Ask]:
    operation = context.call.operation
    name = unquote(context.text("FunctionName"))
    arn = name if name.startswith("arn:") else context.arn(f"function:{name}")
    if operation in {"Invoke", "InvokeAsync"}:
        return context.asks(arn, action="InvokeFunction")
    asked = context.asks(*([arn] if name else []))
    role = context.text("Role")
    passed = (("iam:passedtoservice", "lambda.amazonaws.com"),)
    return [*asked, Ask("iam:PassRole", role, passed)] if role else asked


def _logs(context: _Context) -> list[Ask]:
    group = context.text("logGroupName")
    if not group:
        return context.asks()
    region, account_id = context.call.region, context.lookups.account_id
    return context.asks(log_arn(region, account_id, group, context.text("logStreamName")))


def log_arn(region: str, account_id: str, group: str, stream: str = "") -> str:
    """A log stream's ARN; with no name of a stream, as CloudWatch Logs asks for a whole group."""
    return f"arn:aws:logs:{region}:{account_id}:log-group:{group}:log-stream:{stream}"


def _sts(context: _Context) -> list[Ask]:
    """Who one is, one may always ask."""
    if context.call.operation == "GetCallerIdentity":
        return []
    role = context.text("RoleArn")
    return context.asks(*([role] if role else []))


_RULES: Final[dict[str, Callable[[_Context], list[Ask]]]] = {
    "athena": _athena,
    "dynamodb": _dynamodb,
    "glue": _glue,
    "kinesis": _kinesis,
    "lambda": _lambda,
    "logs": _logs,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
