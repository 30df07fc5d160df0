"""What the embedded Athena refuses: requests, by the names that clients catch, and queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

USER: Final = 2
SYSTEM: Final = 1


class AthenaError(Exception):
    """A refusal of a request, which travels to the client as `code` and `message`."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def members(self) -> dict[str, str]:
        """The members of the error's shape."""
        return {"Message": self.message}


class InvalidRequestError(AthenaError):
    """A request, or a statement, that Athena does not take."""

    code = "InvalidRequestException"

    def __init__(self, message: str, athena_code: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.athena_code = athena_code

    @property
    def members(self) -> dict[str, str]:
        """Athena's own code beside the message."""
        return {**super().members, "AthenaErrorCode": self.athena_code}


class MalformedQueryError(InvalidRequestError):
    """A statement that cannot be parsed; Athena refuses it before it becomes an execution."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "MALFORMED_QUERY")


class NotEmulatedError(InvalidRequestError):
    """An operation or a parameter that the embedded Athena leaves out."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The embedded Athena does not emulate {what}; see docs/embedded-aws.md.")


class NoSuchResourceError(AthenaError):
    """A prepared statement or a named query that does not exist."""

    code = "ResourceNotFoundException"


class MetadataError(AthenaError):
    """A database or table that the catalogue does not have."""

    code = "MetadataException"


class MalformedRequestError(AthenaError):
    """A body that is not a JSON object, or a member of another type than the model's."""

    code = "SerializationException"


class UnknownOperationError(AthenaError):
    """A request that names no operation of Athena."""

    code = "UnknownOperationException"


class InternalServerError(AthenaError):
    """A defect of the embedded service itself."""

    code = "InternalServerException"

    def __init__(self) -> None:
        super().__init__("The embedded Athena broke; its log has the details.")


@dataclass(frozen=True)
class Position:
    """A place in a statement, both counted from 1.

    Attributes:
        line: of the text.
        column: of the first character meant.
    """

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}:{self.column}"


class QueryFailedError(Exception):
    """A query that was taken and failed.

    Attributes:
        code: the engine's name of the situation, e.g. `TABLE_NOT_FOUND`.
        reason: as `StateChangeReason` shows it.
        category: 1 for the system's fault, 2 for the user's.
    """

    def __init__(
        self, code: str, message: str, at: Position | None = None, *, category: int = USER
    ) -> None:
        place = f"{at}: " if at is not None else ""
        self.code = code
        self.reason = f"{code}: {place}{message}"
        self.category = category
        super().__init__(self.reason)


class QueryCancelledError(Exception):
    """A query that ended because somebody, or a limit, stopped it; the message is the reason."""
