"""The refusals of Kinesis, by the names that its clients catch."""

from __future__ import annotations

from typing import ClassVar


class KinesisError(Exception):
    """A refusal that travels to the client as `code` and `message`."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgumentError(KinesisError):
    """A value that the operation does not take."""

    code = "InvalidArgumentException"


class ValidationError(KinesisError):
    """A member outside the length, range, pattern or enumeration of the service model."""

    code = "ValidationException"


class MalformedRequestError(KinesisError):
    """A body that is not JSON, or a member of another type than the service model's."""

    code = "SerializationException"


class UnknownOperationError(KinesisError):
    """A request that names no operation of Kinesis, or one that is not emulated."""

    code = "UnknownOperationException"


class ResourceNotFoundError(KinesisError):
    """No such stream, shard, consumer or policy."""

    code = "ResourceNotFoundException"


class ResourceInUseError(KinesisError):
    """The name is taken, or the stream is changing."""

    code = "ResourceInUseException"


class LimitExceededError(KinesisError):
    """More than an account may have."""

    code = "LimitExceededException"


class ThroughputExceededError(KinesisError):
    """A shard takes or gives no more in this second."""

    code = "ProvisionedThroughputExceededException"

    def __init__(self, shard_id: str, stream: str, account: str) -> None:
        super().__init__(
            f"Rate exceeded for shard {shard_id} in stream {stream} under account {account}."
        )


class ExpiredIteratorError(KinesisError):
    """A shard iterator was kept for too long."""

    code = "ExpiredIteratorException"


class ExpiredNextTokenError(KinesisError):
    """A page token was kept for too long."""

    code = "ExpiredNextTokenException"


class InternalFailureError(KinesisError):
    """A defect of the embedded service itself."""

    code = "InternalFailure"

    def __init__(self) -> None:
        super().__init__("The embedded Kinesis broke; its log has the details.")
