"""Checks a request against botocore's service model, as the service does before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicrec.local.personalize.errors import InvalidInputError, MalformedRequestError
from musicrec.local.service_models import WrongTypeError, violation

if TYPE_CHECKING:
    from botocore.model import StructureShape


def check(shape: StructureShape, params: dict[str, Any]) -> None:
    """Check `params` against the input shape.

    Raises:
        MalformedRequestError: a member has another JSON type than the model's.
        InvalidInputError: a member is missing, or outside its length, range, pattern or enum.
    """
    try:
        wrong = violation(shape, params)
    except WrongTypeError as error:
        raise MalformedRequestError(str(error)) from None
    if wrong is not None:
        raise InvalidInputError(wrong)
