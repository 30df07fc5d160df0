"""Lambda's runtime client in plain Python: runs a handler where AWS's own client has no wheel.

This file runs inside the function's process, as a script with the handler's name as its argument.
It imports the standard library alone, so that nothing of this package shadows the function's code.
The protocol is AWS's Lambda runtime API, version 2018-06-01.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

VERSION = "2018-06-01"
ANSWER_TIME_LIMIT = None  # the next invocation may be hours away


class RuntimeApiError(RuntimeError):
    """The runtime API refused a request; the process has no more to do."""


class StartError(RuntimeError):
    """The handler cannot be loaded.

    Attributes:
        kind: Lambda's name for the reason.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class RuntimeApi:
    """One kept-alive connection to the runtime API.

    Args:
        address: `host:port/prefix`, the value of `AWS_LAMBDA_RUNTIME_API`.
    """

    def __init__(self, address: str) -> None:
        host, _, prefix = address.partition("/")
        self._connection = http.client.HTTPConnection(host, timeout=ANSWER_TIME_LIMIT)
        self._base = f"/{prefix}/{VERSION}/runtime" if prefix else f"/{VERSION}/runtime"

    def next_invocation(self) -> tuple[bytes, http.client.HTTPMessage]:
        """Wait for the next event; returns it with the headers that describe it."""
        return self._request("GET", "/invocation/next", None)

    def post(self, path: str, document: bytes, error_type: str | None = None) -> None:
        """Report a result or an error."""
        headers = {"Content-Type": "application/json"}
        if error_type is not None:
            headers["Lambda-Runtime-Function-Error-Type"] = error_type
        self._request("POST", path, document, headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str] | None = None
    ) -> tuple[bytes, http.client.HTTPMessage]:
        self._connection.request(method, self._base + path, body, headers or {})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in {200, 202}:
            raise RuntimeApiError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return answer, response.headers


class Context:
    """What Lambda hands a handler beside the event (AWS's names)."""

    client_context = None
    identity = None

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation, never negative."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def error_document(error: BaseException, request_id: str = "") -> tuple[bytes, str]:
    """The JSON document and type by which Lambda reports an exception."""
    kind = error.kind if isinstance(error, StartError) else type(error).__name__
    frames = [] if isinstance(error, StartError) else traceback.extract_tb(error.__traceback__)[1:]
    document = {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }
    return json.dumps(document).encode(), kind


def load_handler(name: str) -> Any:
    """Import the handler `module.function`; dots or slashes may separate packages.

    Raises:
        StartError: there is no such handler, or its module cannot be imported.
    """
    module_name, _, function = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise StartError("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise StartError("Runtime.UserCodeSyntaxError", message) from error
    try:
        return getattr(module, function)
    except AttributeError as error:
        message = f"Handler '{function}' missing on module '{module_name}'"
        raise StartError("Runtime.HandlerNotFound", message) from error


def initialise(name: str, api: RuntimeApi) -> Any:
    """Import the handler, or report why that failed and end the process."""
    try:
        return load_handler(name)
    except Exception as error:  # noqa: BLE001 - the function's own code may raise anything
        traceback.print_exc()
        document, kind = error_document(error)
        api.post("/init/error", document, kind)
        sys.exit(1)


def run_one(handler: Any, api: RuntimeApi) -> None:
    """Wait for one event, run the handler on it and report what came of it."""
    body, headers = api.next_invocation()
    os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = json.dumps(handler(json.loads(body), Context(headers))).encode()
    except Exception as error:  # noqa: BLE001 - the function's own code may raise anything
        traceback.print_exc()
        document, kind = error_document(error, request_id)
        api.post(f"/invocation/{request_id}/error", document, kind)
    else:
        api.post(f"/invocation/{request_id}/response", answer)


def main() -> None:
    """Serve invocations until the runtime API ends."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    handler = initialise(sys.argv[1], api)
    try:
        while True:
            run_one(handler, api)
    except (OSError, http.client.HTTPException, RuntimeApiError) as error:
        sys.exit(f"the runtime API has ended: {error}")


if __name__ == "__main__":
    main()
