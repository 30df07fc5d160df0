"""What is deployed, read from the files that Terraform reads too.

`infra/stack.json` holds the settings, `infra/openapi.yaml` the REST API and `infra/policies/` the
rights of each role. All are Terraform templates: `render` fills in their `${...}` placeholders as
Terraform's `templatefile` does, only stricter, so that both deployers make the same stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

INFRA_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "infra"
"""Where the files are in the repository; they are not part of the installed package."""

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<name>[^}]*)\}")


class StackFileNotFoundError(FileNotFoundError):
    """A file of `infra/` is not where it is looked for."""


class TemplateVariableError(ValueError):
    """A template and its variables do not fit."""


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The Kinesis stream: `PROVISIONED` with so many shards or `ON_DEMAND`, and what it keeps.

    `kms_key` encrypts the records; that of AWS itself needs no further rights.
    """

    mode: str
    shards: int
    retention_hours: int
    kms_key: str


class QueueSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The SQS queue of records that could not be processed; SQS's own keys encrypt it."""

    retention_seconds: int
    max_message_bytes: int
    managed_encryption: bool


class TableSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of the DynamoDB profile table (both are strings), its backups and its encryption.

    Point-in-time recovery goes back 35 days; the key is AWS's own in the account, else in DynamoDB.
    """

    partition_key: str
    sort_key: str
    point_in_time_recovery: bool
    kms_encryption: bool


class BucketSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How the bucket encrypts, and how long it keeps what was overwritten, deleted or given up."""

    encryption: str
    versioning: str
    noncurrent_expire_days: int
    abort_uploads_days: int


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the logs of functions and API are kept."""

    retention_days: int


class FunctionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One Lambda function; its code is `lambdas/<key in stack.json>/`, `tracing` X-Ray's mode."""

    name: str
    description: str
    handler: str
    runtime: str
    architecture: str
    memory_mb: int
    timeout_seconds: int
    tracing: str
    environment: dict[str, str]


class MappingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How Lambda reads the stream for one function."""

    starting_position: str
    batch_size: int
    batching_window_seconds: int
    parallelization_factor: int
    bisect_on_error: bool
    maximum_retry_attempts: int
    maximum_record_age_seconds: int
    function_response_types: list[str]


class Transition(Struct, frozen=True, forbid_unknown_fields=True):
    """When objects of the lake move to a cheaper storage class."""

    storage_class: str
    days: int


class LakeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The Glue tables of raw events and curated interactions, and the life of the raw objects.

    Both are partitioned by the same key; curated interactions never age.
    """

    table: str
    partition_key: str
    prefix: str
    partition_range: str
    transitions: list[Transition]
    errors_prefix: str
    errors_expire_days: int
    curated_table: str
    curated_prefix: str


class AthenaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The work group that asks the lake: where results go, and how much one query may read."""

    results_prefix: str
    results_expire_days: int
    scan_limit_bytes: int


class DeliverySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How Firehose buffers, partitions and names what it writes."""

    buffer_mb: int
    buffer_seconds: int
    prefix: str
    error_prefix: str
    retry_seconds: int


class ScheduleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When the datasets are built, as an EventBridge expression."""

    expression: str


class QuotaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that one API key may send in a period (DAY, WEEK or MONTH)."""

    limit: int
    period: str


class ThrottleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a second that a method takes from all clients, and how many may come at once."""

    rate_limit: float
    burst_limit: int


class ApiSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Stage and usage plan of the REST API; rates are requests a second.

    `throttles` are keyed by path and method, `access_log` is what a line of it holds.
    """

    stage: str
    rate_limit: float
    burst_limit: int
    quota: QuotaSettings
    throttles: dict[str, ThrottleSettings]
    access_log: dict[str, str]

    @property
    def access_log_format(self) -> str:
        """A line of the access log, as Terraform's `jsonencode` writes it."""
        return json.dumps(self.access_log, sort_keys=True, separators=(",", ":"))


class StackSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """All of `infra/stack.json`; functions and mappings are keyed by the directory in `lambdas/`.

    `parameters` name what only exists once Personalize does (see `musicrec.parameters.UNSET`).
    """

    stream: StreamSettings
    poison_queue: QueueSettings
    profile_table: TableSettings
    bucket: BucketSettings
    logs: LogSettings
    parameters: list[str]
    functions: dict[str, FunctionSettings]
    event_source_mappings: dict[str, MappingSettings]
    lake: LakeSettings
    athena: AthenaSettings
    delivery: DeliverySettings
    schedule: ScheduleSettings
    api: ApiSettings


class StackNames(Struct, frozen=True):
    """What the parts of a stack are called.

    Attributes:
        name: the stack's name, the prefix of all others.
        region: AWS region.
        account_id: AWS account, 12 digits.
    """

    name: str
    region: str
    account_id: str

    @property
    def stream(self) -> str:
        """Kinesis stream of listening events."""
        return f"{self.name}-events"

    @property
    def poison_queue(self) -> str:
        """SQS queue of records that could not be processed."""
        return f"{self.name}-poison"

    @property
    def profile_table(self) -> str:
        """DynamoDB table of musical profiles."""
        return f"{self.name}-profiles"

    @property
    def bucket(self) -> str:
        """S3 bucket of lake, catalogue, datasets and code."""
        return f"{self.name}-{self.account_id}-{self.region}"

    @property
    def delivery_stream(self) -> str:
        """Firehose stream that fills the lake."""
        return f"{self.name}-lake"

    @property
    def workgroup(self) -> str:
        """Athena work group that asks the lake."""
        return f"{self.name}-lake"

    @property
    def access_log_group(self) -> str:
        """CloudWatch log group of the API's access log."""
        return f"/aws/apigateway/{self.name}"

    @property
    def schedule_rule(self) -> str:
        """EventBridge rule that builds the datasets."""
        return f"{self.name}-daily-datasets"

    def role(self, part: str) -> str:
        """IAM role of a part: a function (`hot-path`) or a service (`firehose`)."""
        return f"{self.name}-{part}"

    def role_arn(self, part: str) -> str:
        """ARN of `role(part)`."""
        return f"arn:aws:iam::{self.account_id}:role/{self.role(part)}"

    def arn(self, service: str, resource: str) -> str:
        """ARN of a regional resource of this account."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


def render(template: str, variables: Mapping[str, str], *, partial: bool = False) -> str:
    """Fill in the `${name}` placeholders of a template.

    Args:
        template: text as Terraform's `templatefile` takes it, with plain names in the placeholders.
        variables: value of each name.
        partial: whether the template may leave some of the variables unused.

    Raises:
        TemplateVariableError: a placeholder has no value, or a variable has no placeholder.
    """
    wanted = {match["name"] for match in _PLACEHOLDER.finditer(template)}
    if unknown := sorted(wanted - variables.keys()):
        raise TemplateVariableError(
            f"placeholder ${{{unknown[0]}}} has no value: give one of {sorted(variables)} or add it"
        )
    if not partial and (unused := sorted(variables.keys() - wanted)):
        raise TemplateVariableError(f"variable {unused[0]!r} is used nowhere: remove it")
    return _PLACEHOLDER.sub(lambda match: variables[match["name"]], template)


def settings(variables: Mapping[str, str], directory: Path = INFRA_DIRECTORY) -> StackSettings:
    """Read `stack.json`.

    Args:
        variables: `name`, `poison_queue_url`, `profile_table` and `catalog_uri`.
        directory: where `stack.json` is.

    Raises:
        StackFileNotFoundError: there is no such file.
        TemplateVariableError: a variable is missing or superfluous.
        msgspec.ValidationError: the file is not of the form of `StackSettings`.
    """
    text = render(_read(directory / "stack.json"), variables)
    return msgspec.json.decode(text, type=StackSettings)


def api_document(variables: Mapping[str, str], directory: Path = INFRA_DIRECTORY) -> dict[str, Any]:
    """Read `openapi.yaml` as API Gateway imports it.

    Args:
        variables: `name`, `region`, `stream_name`, `gateway_role_arn` and
            `recommendations_function_arn`.
        directory: where `openapi.yaml` is.

    Raises:
        StackFileNotFoundError: there is no such file.
        TemplateVariableError: a variable is missing or superfluous.
    """
    text = render(_read(directory / "openapi.yaml"), variables)
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def policy(part: str, variables: Mapping[str, str], directory: Path = INFRA_DIRECTORY) -> str:
    """The rights of a part's role, a JSON policy document.

    Args:
        part: name of the file in `policies/`, e.g. `hot-path`.
        variables: a superset of what the policies name.
        directory: the parent of `policies/`.

    Raises:
        StackFileNotFoundError: the part has no policy.
        TemplateVariableError: a variable is missing.
    """
    return render(_read(directory / "policies" / f"{part}.json"), variables, partial=True)


def bucket_policy(bucket_arn: str, directory: Path = INFRA_DIRECTORY) -> str:
    """Who may use the bucket how, beside the roles' own rights: a JSON policy document.

    Raises:
        StackFileNotFoundError: `bucket-policy.json` is missing.
    """
    variables = {"bucket_arn": bucket_arn}
    return render(_read(directory / "bucket-policy.json"), variables)


def partition_query(directory: Path = INFRA_DIRECTORY) -> str:
    """The JQ by which Firehose finds an event's partition, on one line.

    It gives none for what `musicrec.events.decode` refuses, as far as JQ can tell without regular
    expressions: Firehose's conversion to Parquet would make an event of it all the same.

    Raises:
        StackFileNotFoundError: `partition.jq` is missing.
    """
    return " ".join(_read(directory / "partition.jq").split())


def trust_policy(service: str, directory: Path = INFRA_DIRECTORY) -> str:
    """Who may assume a role: an AWS service such as `lambda.amazonaws.com`.

    Raises:
        StackFileNotFoundError: `policies/assume-role.json` is missing.
    """
    return render(_read(directory / "policies" / "assume-role.json"), {"service": service})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StackFileNotFoundError(
            f"{path} does not exist: run from a clone of the repository, or give its infra directory"
        ) from error
