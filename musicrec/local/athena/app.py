"""The way in: one WSGI application that speaks AWS JSON 1.1 as Athena does."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena import (
    metadata_operations,
    query_operations,
    tag_operations,
    work_group_operations,
)
from musicrec.local.athena.errors import (
    AthenaError,
    InternalServerError,
    InvalidRequestError,
    MalformedRequestError,
    NotEmulatedError,
    QueryFailedError,
    UnknownOperationError,
)
from musicrec.local.athena.service import Service, Shared
from musicrec.local.service_models import WrongTypeError, rendered, service_model, violation
from musicrec.local.strict_json import read_json
from musicrec.local.wsgi import read_body, respond

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from botocore.model import OperationModel

    from musicrec.local.athena.service import Operation
    from musicrec.local.parts import Aws

logger: Final = logging.getLogger(__name__)

OPERATIONS: Final[dict[str, Operation]] = {
    **metadata_operations.OPERATIONS,
    **query_operations.OPERATIONS,
    **tag_operations.OPERATIONS,
    **work_group_operations.OPERATIONS,
}
"""What is emulated; every other operation of Athena's is refused."""

PATIENCE: Final = 2.0
"""Seconds that a look waits for a query, so that a short one has ended at the first look."""

_CONTENT_TYPE: Final = "application/x-amz-json-1.1"


class AthenaApp:
    """Serves Athena.

    The engine starts with the first request: most programs never ask.

    Args:
        aws: how it reaches Glue and S3 for those who may do everything.
        caller: the embedded AWS as the sender of a request sees it; None for those.
        clock: epoch seconds.
        patience: seconds that a look at an execution may wait for its end.
    """

    def __init__(
        self,
        aws: Aws,
        caller: Callable[[WSGIEnvironment], Aws | None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self._patience = patience
        self._aws = aws
        self._caller = caller
        self._clock = clock
        self._lock = Lock()
        self._shared: Shared | None = None
        self._services: dict[str, Service] = {}

    def workgroup_of(self, query_id: str) -> str:
        """The work group of a query; empty if there is no such query."""
        try:
            return self._shared.executions.get(query_id).workgroup if self._shared else ""
        except InvalidRequestError:
            return ""

    def reset(self) -> None:
        """Forget every query and work group; queries that run are ended."""
        with self._lock:
            self._services.clear()
        if self._shared is not None:
            self._shared.reset()

    def close(self) -> None:
        """End every query and give everything back."""
        with self._lock:
            shared, self._shared = self._shared, None
            self._services.clear()
        if shared is not None:
            shared.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        headers = [("Content-Type", _CONTENT_TYPE), ("x-amzn-RequestId", str(uuid.uuid4()))]
        try:
            answer = self._answer(environ)
        except AthenaError as error:
            status = 500 if isinstance(error, InternalServerError) else 400
            body = json.dumps({"__type": error.code, **error.members}).encode()
            return respond(start_response, status, body, headers)
        return respond(start_response, 200, json.dumps(answer).encode(), headers)

    def _answer(self, environ: WSGIEnvironment) -> dict[str, Any]:
        operation = _operation(environ.get("HTTP_X_AMZ_TARGET", ""))
        params = _checked(operation, read_body(environ))
        perform = OPERATIONS.get(operation.name)
        if perform is None:
            raise NotEmulatedError(f"the operation {operation.name}")
        try:
            result = perform(self._service(self._caller(environ) or self._aws), params)
        except QueryFailedError as error:
            raise InvalidRequestError(error.reason) from error
        except AthenaError:
            raise
        except Exception as error:
            logger.exception("%s broke", operation.name)
            raise InternalServerError from error
        assert operation.output_shape  # as each operation of Athena's has
        answer: dict[str, Any] = rendered(operation.output_shape, result)
        return answer

    def _service(self, caller: Aws) -> Service:
        """Athena as a caller has it, made at the caller's first request."""
        key = caller.credentials.access_key
        with self._lock:
            self._shared = self._shared or Shared(self._clock)
            if key not in self._services:
                self._services[key] = Service(self._shared, caller, self._patience)
            return self._services[key]


def _operation(target: str) -> OperationModel:
    model = service_model("athena")
    prefix, _, name = target.partition(".")
    if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        raise UnknownOperationError(f"Amazon Athena has no operation {target!r}.")
    return model.operation_model(name)


def _checked(operation: OperationModel, body: bytes) -> dict[str, Any]:
    try:
        params = read_json(body or b"{}")
        if not isinstance(params, dict):
            raise MalformedRequestError("The request body must be a JSON object.")
        given = {name: value for name, value in params.items() if value is not None}
        assert operation.input_shape  # as each operation of Athena's has
        wrong = violation(operation.input_shape, given)
    except WrongTypeError as error:
        raise MalformedRequestError(str(error)) from None
    except ValueError as error:
        raise MalformedRequestError(f"The request body is not JSON: {error}.") from None
    if wrong is not None:
        raise InvalidRequestError(wrong)
    return given
