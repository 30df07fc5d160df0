"""An event source mapping's settings, as Lambda's API gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

PARTIAL_RESPONSES: Final = "ReportBatchItemFailures"
UNSUPPORTED: Final = ("FilterCriteria", "TumblingWindowInSeconds")
DEFAULT_BATCH_SIZE: Final = 100


class Mapping(Struct, frozen=True, kw_only=True):
    """The settings of one Kinesis mapping.

    `ParallelizationFactor` is taken as 1: each shard is processed by one invocation at a time.

    Attributes:
        uuid: the mapping's id.
        stream_arn: where records come from.
        function_arn: where they go.
        role_arn: the function's role, which every record's event names.
        starting_position: `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`.
        starting_timestamp: for `AT_TIMESTAMP`.
        batch_size: most records in one invocation.
        window: seconds to wait for a batch to fill, counted from its first record.
        max_retries: tries after the first; None for no limit.
        max_record_age: seconds after which a record is given up; None for no limit.
        bisect: try a failed batch again in halves.
        partial_responses: the function says which records failed.
        on_failure: ARN of the SQS queue that is told about discarded records, or None.
    """

    uuid: str
    stream_arn: str
    function_arn: str
    role_arn: str
    starting_position: str
    starting_timestamp: datetime | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    window: float = 0.0
    max_retries: int | None = None
    max_record_age: float | None = None
    bisect: bool = False
    partial_responses: bool = False
    on_failure: str | None = None

    @property
    def region(self) -> str:
        """The stream's region."""
        return self.stream_arn.split(":")[3]

    @property
    def stream_name(self) -> str:
        """The stream's name."""
        return self.stream_arn.rpartition("/")[2]

    @property
    def start(self) -> dict[str, Any]:
        """The starting position, as GetShardIterator takes it."""
        position: dict[str, Any] = {"ShardIteratorType": self.starting_position}
        if self.starting_position == "AT_TIMESTAMP":
            position["Timestamp"] = self.starting_timestamp
        return position

    def has_exhausted(self, failures: int) -> bool:
        """Whether a batch that failed so often is to be given up."""
        return self.max_retries is not None and failures > self.max_retries


def from_api(configuration: dict[str, Any], role_arn: str) -> Mapping:
    """Read one entry of ListEventSourceMappings.

    Args:
        configuration: the entry, of a Kinesis mapping.
        role_arn: the function's role.
    """
    destination = configuration.get("DestinationConfig", {}).get("OnFailure", {})
    return Mapping(
        uuid=configuration["UUID"],
        stream_arn=configuration["EventSourceArn"],
        function_arn=configuration["FunctionArn"],
        role_arn=role_arn,
        starting_position=configuration["StartingPosition"],
        starting_timestamp=configuration.get("StartingPositionTimestamp"),
        batch_size=configuration.get("BatchSize") or DEFAULT_BATCH_SIZE,
        window=float(configuration.get("MaximumBatchingWindowInSeconds") or 0),
        max_retries=_limit(configuration.get("MaximumRetryAttempts")),
        max_record_age=_limit(configuration.get("MaximumRecordAgeInSeconds")),
        bisect=bool(configuration.get("BisectBatchOnFunctionError")),
        partial_responses=PARTIAL_RESPONSES in configuration.get("FunctionResponseTypes", []),
        on_failure=destination.get("Destination"),
    )


def is_active(configuration: dict[str, Any]) -> bool:
    """Whether an entry of ListEventSourceMappings reads a Kinesis stream and is switched on."""
    is_kinesis = ":kinesis:" in configuration.get("EventSourceArn", "")
    return is_kinesis and configuration.get("State") == "Enabled"


def unsupported(configuration: dict[str, Any]) -> list[str]:
    """Settings of an entry that are stored but have no effect in the embedded AWS."""
    return [name for name in UNSUPPORTED if configuration.get(name)]


def _limit(value: int | None) -> int | None:
    """Lambda writes -1 for no limit."""
    return None if value is None or value < 0 else value
