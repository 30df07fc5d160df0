"""The refusals of Amazon Personalize, by the names that its clients catch."""

from __future__ import annotations

from typing import ClassVar


class PersonalizeError(Exception):
    """A refusal that travels to the client as `code` and `message`."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInputError(PersonalizeError):
    """A value, a state or an expression that the operation does not take."""

    code = "InvalidInputException"


class MalformedRequestError(PersonalizeError):
    """A body that is not JSON, or a member of another type than the service model's."""

    code = "SerializationException"


class UnknownOperationError(PersonalizeError):
    """A request that names no operation of the three services."""

    code = "UnknownOperationException"


class InvalidNextTokenError(PersonalizeError):
    """A page token that this listing did not hand out."""

    code = "InvalidNextTokenException"

    def __init__(self) -> None:
        super().__init__("The nextToken is not valid; pass on the token of the answer before.")


class LimitExceededError(PersonalizeError):
    """A quota is used up."""

    code = "LimitExceededException"


class ResourceAlreadyExistsError(PersonalizeError):
    """The name is taken in this account and region."""

    code = "ResourceAlreadyExistsException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Another resource with Arn {arn} already exists.")


class ResourceNotFoundError(PersonalizeError):
    """No such resource."""

    code = "ResourceNotFoundException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Resource Arn {arn} does not exist.")


class ResourceInUseError(PersonalizeError):
    """Something depends on the resource, or it is changing."""

    code = "ResourceInUseException"


class TooManyTagsError(PersonalizeError):
    """More tags than a resource may carry."""

    code = "TooManyTagsException"


class InternalFailureError(PersonalizeError):
    """A defect of the embedded service itself."""

    code = "InternalFailure"

    def __init__(self) -> None:
        super().__init__("The embedded Personalize broke; its log has the details.")


class NotEmulatedError(InvalidInputError):
    """An operation or a parameter that the embedded Personalize leaves out."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The embedded Personalize does not emulate {what}; see docs/embedded-personalize.md."
        )
