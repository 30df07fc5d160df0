"""The wire: which operation a request names, and how answers and refusals are written.

The control plane speaks AWS JSON 1.1 (`POST /` with a target header), events and runtime REST-JSON
(one path an operation). Both are read off botocore's service models.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import (
    InvalidInputError,
    MalformedRequestError,
    UnknownOperationError,
)
from musicrec.local.service_models import rendered, service_model
from musicrec.local.strict_json import read_json

if TYPE_CHECKING:
    from botocore.model import OperationModel

    from musicrec.local.personalize.errors import PersonalizeError

SERVICES: Final = ("personalize", "personalize-events", "personalize-runtime")

_CREDENTIAL: Final = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/")


@dataclass(frozen=True)
class Call:
    """One request, understood but not yet checked.

    Attributes:
        operation: botocore's model of the operation.
        region: from the signature's scope.
        params: the JSON body.
    """

    operation: OperationModel
    region: str
    params: dict[str, Any]

    @property
    def name(self) -> str:
        """The operation's name; no two of the services share one."""
        return self.operation.name


@cache
def _operation(target: str, path: str) -> OperationModel:
    """The operation of an `X-Amz-Target` header or, without one, of a path.

    Raises:
        UnknownOperationError: none of the three services has it.
    """
    if target:
        control = service_model("personalize")
        prefix, _, name = target.partition(".")
        if prefix == control.metadata["targetPrefix"] and name in control.operation_names:
            return control.operation_model(name)
    else:
        for service in SERVICES[1:]:
            model = service_model(service)
            for name in model.operation_names:
                if model.operation_model(name).http["requestUri"] == path:
                    return model.operation_model(name)
    raise UnknownOperationError(f"Amazon Personalize has no operation {target or path!r}.")


def read_call(environ: dict[str, Any], default_region: str) -> Call:
    """Understand a WSGI request.

    Args:
        environ: the WSGI environment.
        default_region: for requests that are not signed.

    Raises:
        UnknownOperationError: the request names no operation.
        MalformedRequestError: the body is not a JSON object.
    """
    operation = _operation(environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO", "/"))
    scope = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b"{}"
    return Call(operation, scope.group(1) if scope else default_region, _json_object(body))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        params = read_json(body)
    except ValueError as error:
        raise MalformedRequestError(f"The request body is not JSON: {error}.") from error
    if not isinstance(params, dict):
        raise MalformedRequestError("The request body must be a JSON object.")
    return {name: value for name, value in params.items() if value is not None}


def content_type(operation: OperationModel | None) -> str:
    """The media type of the operation's answers."""
    rest = operation is not None and operation.service_model.metadata["protocol"] == "rest-json"
    return "application/json" if rest else "application/x-amz-json-1.1"


def answer(operation: OperationModel, result: dict[str, Any]) -> bytes:
    """The body of an answer: the members of the output shape and nothing else."""
    shape = operation.output_shape
    return b"" if shape is None else json.dumps(rendered(shape, result)).encode()


def declared(operation: OperationModel, error: PersonalizeError) -> PersonalizeError:
    """The error in the words of the operation's model.

    A client knows the errors that the model declares: what is in use or not found becomes invalid
    input for an operation that declares neither. Unreadable requests stay what they are.
    """
    names = {shape.name for shape in operation.error_shapes}
    known = error.code in names or InvalidInputError.code not in names
    if known or isinstance(error, MalformedRequestError):
        return error
    return InvalidInputError(error.message)


def refusal(error: PersonalizeError) -> bytes:
    """The body of an error answer."""
    return json.dumps({"__type": error.code, "message": error.message}).encode()


def refusal_status(operation: OperationModel | None, error: PersonalizeError) -> int:
    """The HTTP status of an error: as its shape says in the operation's service, else 400."""
    if operation is None or error.code not in operation.service_model.shape_names:
        return 400
    shape = operation.service_model.shape_for(error.code)
    return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
