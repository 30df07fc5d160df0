"""One execution environment of a Lambda function: a process, and the invocation that it works on.

The process asks for work over the runtime API (`musicrec.local.runtime_api`) and reports there; the
invoking thread waits here. A process that times out or dies takes its environment with it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from musicrec.local.parts import InvokeResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from musicrec.local.iam.function_roles import RoleLog

UNHANDLED: Final = "Unhandled"
"""Lambda calls every failure of a Python function `Unhandled`, raised exceptions included."""

INIT_LIMIT_S: Final = 10.0
"""Lambda's limit for starting up; a longer function timeout extends it, as Lambda then retries."""

THREAD_END_S: Final = 2.0


class Invocation(Struct, frozen=True):
    """One event on its way to a handler.

    Attributes:
        request_id: UUID that names the invocation.
        event: JSON document.
        function_arn: the function as it was called.
        deadline_ms: epoch milliseconds at which Lambda ends it.
        trace_id: value of `X-Amzn-Trace-Id`.
    """

    request_id: str
    event: bytes
    function_arn: str
    deadline_ms: int
    trace_id: str


def failure(kind: str, message: str) -> InvokeResult:
    """The answer that Lambda itself gives for a function that could not answer."""
    return InvokeResult(
        msgspec.json.encode({"errorType": kind, "errorMessage": message}), UNHANDLED
    )


class Environment:
    """A function's process; one thread at a time may invoke it.

    Args:
        name: unguessable name, the path prefix of its runtime API.
        command: what to run.
        variables: the whole environment of the process.
        directory: working directory, the unpacked code.
        log: takes what the process prints.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        directory: Path,
        log: RoleLog,
    ) -> None:
        self.name = name
        self._command = command
        self._variables = variables
        self._directory = directory
        self._log = log
        self._condition = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._asked_for_work = False
        self._exited = False
        self._pending: Invocation | None = None
        self._current: str | None = None
        self._result: InvokeResult | None = None
        self._init_error: InvokeResult | None = None

    @property
    def dead(self) -> bool:
        """Whether the process has ended or was told to."""
        with self._condition:
            return self._exited

    def start(self) -> None:
        """Start the process, which imports the handler and then asks for work; once only."""
        with self._condition:
            if self._process is not None or self._exited:
                return
            self._process = self._popen()
        self._log.open()
        for target in (self._read_output, self._await_exit):
            thread = threading.Thread(target=target, name=f"lambda-{self.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _popen(self) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and script
            self._command,
            env=dict(self._variables),
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that what the handler starts can be ended with it
        )

    def invoke(self, event: bytes, *, function_arn: str, timeout: float) -> InvokeResult:
        """Run the handler on one event.

        Args:
            event: JSON document.
            function_arn: the function as it was called.
            timeout: the function's timeout in seconds, counted once its process is ready.
        """
        with self._condition:
            failed = self._await_ready(max(timeout, INIT_LIMIT_S))
            if failed is not None:
                return failed
            request_id = str(uuid.uuid4())
            self._pending = _invocation(request_id, event, function_arn, timeout)
            self._current, self._result = request_id, None
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._result or self._exited, timeout)
            result = self._take_result()
        if result is not None:
            return result
        if self.dead:
            return self._exit_failure(request_id)
        self.kill()
        message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
        return self._logged(failure("Sandbox.Timedout", message))

    def kill(self) -> None:
        """End the process and everything that it started; harmless when it has ended."""
        with self._condition:
            self._exited = True
            self._condition.notify_all()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(THREAD_END_S)

    def next_invocation(self) -> Invocation | None:
        """Wait for work on behalf of the process; None when the environment has ended."""
        with self._condition:
            self._asked_for_work = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._pending or self._exited)
            invocation, self._pending = self._pending, None
            return None if self._exited else invocation

    def report(self, request_id: str, result: InvokeResult) -> bool:
        """Take the result of an invocation; False when it is not the one in progress."""
        with self._condition:
            if self._current != request_id or self._result is not None:
                return False
            self._result = result
            self._condition.notify_all()
            return True

    def report_init_error(self, document: bytes) -> None:
        """Take the process's word that it could not start."""
        with self._condition:
            self._init_error = InvokeResult(document, UNHANDLED)
            self._exited = True
            self._condition.notify_all()

    def _take_result(self) -> InvokeResult | None:
        self._current = None
        return self._result

    def _await_ready(self, limit: float) -> InvokeResult | None:
        """Wait, holding the condition, until the process asks for work; returns why it cannot."""
        self._condition.wait_for(self._has_started, limit)
        if self._init_error is not None:
            return self._init_error
        if self._exited:
            return self._exit_failure("")
        if self._asked_for_work:
            return None
        self._exited = True  # too slow; the pool kills what is dead
        message = f"Error: Task timed out after {limit:.2f} seconds"
        return self._logged(failure("Sandbox.Timedout", message))

    def _has_started(self) -> bool:
        return self._asked_for_work or self._exited or self._init_error is not None

    def _exit_failure(self, request_id: str) -> InvokeResult:
        code = self._process.wait() if self._process else None
        message = f"RequestId: {request_id} Error: Runtime exited {_how_it_ended(code)}"
        return self._logged(failure("Runtime.ExitError", message))

    def _logged(self, result: InvokeResult) -> InvokeResult:
        self._log.write(result.payload.decode())
        return result

    def _read_output(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self._log.write(line)

    def _await_exit(self) -> None:
        assert self._process is not None
        self._process.wait()
        with self._condition:
            self._exited = True
            self._condition.notify_all()


def _invocation(request_id: str, event: bytes, function_arn: str, timeout: float) -> Invocation:
    now = time.time()
    trace = f"Root=1-{int(now):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
    return Invocation(request_id, event, function_arn, int((now + timeout) * 1000), trace)


def _how_it_ended(code: Any) -> str:
    """Lambda's words for an exit code as `subprocess` gives it."""
    if not code:
        return "without providing a reason"
    if code < 0:
        return f"with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    return f"with error: exit status {code}"
