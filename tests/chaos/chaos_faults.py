"""What goes wrong in the chaos test: answers that fail, answers that get lost, processes that die.

It sits between the port and the embedded AWS and knows only the requests of AWS's own protocols.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import psutil

from musicrec.local.router import signing_service
from musicrec.local.wsgi import read_body, respond

FAILING: Final = 0.05
"""Share of the calls of each kind that are refused."""

LOST: Final = 0.02
"""Share of the calls that are carried out and whose answer never arrives."""

STRIKE_EVERY: Final = 50
"""At so many of its calls a process of the function that makes them is killed."""

STOP_EVERY: Final = 8
"""At so many of those it is stopped instead, so that the function times out."""

MAX_STOPPED: Final = 5
"""Every one costs a function's whole timeout."""

PARTLY: Final = 0.10
"""Share of the PutRecords calls that take only a part of the records."""

Application = Callable[..., Iterable[bytes]]


class Faults:
    """Makes calls fail at random while it is on.

    Args:
        seed: of the choices; which call meets which of them depends on the threads.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.on = False
        self.met: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def __call__(self, application: Application) -> Application:
        """The application with its faults."""

        def faulty(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            operation = _operation(environ) if self.on else None
            if operation is None:
                return application(environ, start_response)
            return self._answer(operation, application, environ, start_response)

        return faulty

    def _answer(
        self, operation: str, application: Application, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        function = _CALLER.get(operation)
        if function and self._is_due(function):
            self._strike(function)
        if self._chance(FAILING):
            self.met[f"{operation}: refused"] += 1
            return _refuse(operation, start_response)
        if self._chance(LOST):
            self.met[f"{operation}: answer lost"] += 1
            list(application(environ, _nobody))
            return respond(start_response, 500, b'{"__type": "InternalFailure"}')
        if operation == "PutRecords" and self._chance(PARTLY):
            return self._partly(application, environ, start_response)
        return application(environ, start_response)

    def _partly(
        self, application: Application, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        """Let the stream take some of the records, and say of the others that it did not."""
        request = msgspec.json.decode(read_body(environ))
        records = request["Records"]
        refused = {place for place in range(len(records)) if self._chance(0.5)}
        if len(refused) == len(records):
            return _refuse("PutRecords", start_response)
        request["Records"] = [r for place, r in enumerate(records) if place not in refused]
        body = msgspec.json.encode(request)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        heard: list[Any] = []
        answered = b"".join(application(environ, lambda *given: heard.extend(given)))
        if not heard[0].startswith("200"):
            start_response(*heard)
            return [answered]
        self.met["PutRecords: part of the records refused"] += 1
        return respond(start_response, 200, _merged(answered, refused, len(records)), _AMAZON_JSON)

    def _chance(self, share: float) -> bool:
        with self._lock:
            return self._random.random() < share

    def _is_due(self, function: str) -> bool:
        with self._lock:
            self._calls[function] += 1
            return self._calls[function] % STRIKE_EVERY == 0

    def _strike(self, function: str) -> None:
        processes = _processes(function)
        if not processes:
            return
        with self._lock:
            victim = self._random.choice(processes)
        struck = self.met[f"{function}: killed"] + self.met[f"{function}: stopped"]
        stopping = struck % STOP_EVERY == 1 and self.met[f"{function}: stopped"] < MAX_STOPPED
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGSTOP if stopping else signal.SIGKILL)
            self.met[f"{function}: {'stopped' if stopping else 'killed'}"] += 1


_AMAZON_JSON: Final = [("Content-Type", "application/x-amz-json-1.1")]

_TARGETS: Final = {
    "Kinesis_20131202.PutRecords": "PutRecords",
    "Kinesis_20131202.GetRecords": "GetRecords",
    "DynamoDB_20120810.PutItem": "PutItem",
    "DynamoDB_20120810.UpdateItem": "UpdateItem",
    "DynamoDB_20120810.BatchGetItem": "BatchGetItem",
    "AmazonSQS.SendMessageBatch": "SendMessageBatch",
}

_CALLER: Final = {
    "PutEvents": "hot-path",
    "PutItem": "profile-builder",
    "UpdateItem": "profile-builder",
    "BatchGetItem": "profile-builder",
}
"""Which function makes the call, by the end of its name."""

_REFUSALS: Final = {
    "PutRecords": (400, "ProvisionedThroughputExceededException", "Rate exceeded"),
    "GetRecords": (400, "ProvisionedThroughputExceededException", "Rate exceeded"),
    "PutItem": (400, "ConditionalCheckFailedException", "The conditional request failed"),
    "UpdateItem": (400, "ProvisionedThroughputExceededException", "Throughput exceeded"),
    "BatchGetItem": (400, "ProvisionedThroughputExceededException", "Throughput exceeded"),
    "SendMessageBatch": (503, "ServiceUnavailable", "Service unavailable"),
    "PutEvents": (400, "ThrottlingException", "Rate exceeded"),
    "PutObject": (503, "SlowDown", "Please reduce your request rate."),
}


def _operation(environ: dict[str, Any]) -> str | None:
    """Which of the operations that may fail a request is, None for all others."""
    target = _TARGETS.get(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target is not None:
        return target
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    service = signing_service(environ)
    if service == "personalize" and (method, path) == ("POST", "/events"):
        return "PutEvents"
    if service == "s3" and method == "PUT" and "/raw/" in path:
        return "PutObject"
    return None


def _refuse(operation: str, start_response: Any) -> Iterable[bytes]:
    status, code, message = _REFUSALS[operation]
    if operation == "PutObject":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        return respond(start_response, status, body, [("Content-Type", "application/xml")])
    body = msgspec.json.encode({"__type": code, "message": message})
    return respond(start_response, status, body, [*_AMAZON_JSON, ("x-amzn-ErrorType", code)])


def _nobody(*_: Any) -> None:
    """Hears the status of an answer that gets lost."""


def _merged(answered: bytes, refused: set[int], count: int) -> bytes:
    answer = msgspec.json.decode(answered)
    taken = iter(answer["Records"])
    failure = {
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": "Rate exceeded for a shard",
    }
    answer["Records"] = [failure if n in refused else next(taken) for n in range(count)]
    answer["FailedRecordCount"] = sum("ErrorCode" in record for record in answer["Records"])
    return msgspec.json.encode(answer)


def _processes(function: str) -> Sequence[psutil.Process]:
    """The processes of this one's children that run a function."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            name = child.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
            if name.endswith(function) and child.status() != psutil.STATUS_STOPPED:
                found.append(child)
    return found
