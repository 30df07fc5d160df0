"""Stored Lambda functions, alive: environments made on demand, reused, and retired on change.

Lambda scales a function to a thousand environments; here two at a time serve each function, further
invocations wait their turn, and all functions together keep a bounded number of processes.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from musicrec.local import stored_function
from musicrec.local.environments import Environment, failure
from musicrec.local.function_log import FunctionLog
from musicrec.local.parts import FunctionNotRunnableError, FunctionThrottledError, InvokeResult
from musicrec.local.runtime_api import PREFIX, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from musicrec.local.iam.function_roles import FunctionRoles
    from musicrec.local.parts import Aws
    from musicrec.local.stored_function import StoredFunction

ENVIRONMENTS_PER_FUNCTION: Final = 2
ENVIRONMENTS_IN_ALL: Final = 24
"""Each idle environment holds one thread of the HTTP server; beyond this the longest idle ends."""

MAX_ANSWER_BYTES: Final = 6_291_556
"""Lambda's limit for the answer of a synchronous invocation."""

ASYNC_RETRY_WAITS_S: Final = (1.0, 2.0)
"""Lambda retries a failed asynchronous invocation after one and two minutes; here, seconds."""

_log = logging.getLogger(__name__)


class _Pool:
    """The environments of one function with one version of its settings and code."""

    def __init__(self, function: StoredFunction, aws: Aws, task_root: Path) -> None:
        self.function = function
        self.aws = aws
        self.task_root = task_root
        self.idle: list[tuple[float, Environment]] = []
        self.busy: set[Environment] = set()
        self.retired = False
        reserved = function.reserved_concurrency
        self.limit = ENVIRONMENTS_PER_FUNCTION
        if reserved is not None:
            self.limit = min(reserved, ENVIRONMENTS_PER_FUNCTION)

    @property
    def size(self) -> int:
        return len(self.idle) + len(self.busy)


class Functions:
    """Runs stored functions in processes of their own.

    Args:
        aws: the embedded AWS.
        read_code: gives the zip archive of a function by name and qualifier.
        log_dir: directory for one log file a function.
        runtime: which script runs the handlers, see `stored_function.choose_runtime`.
        roles: gives the functions' processes their roles, and says whether they may keep a log.
    """

    def __init__(
        self,
        *,
        aws: Aws,
        read_code: Callable[[str, str], bytes],
        log_dir: Path,
        runtime: str,
        roles: FunctionRoles,
    ) -> None:
        self.runtime_api = RuntimeApi()
        self._aws = aws
        self._read_code = read_code
        self._log_dir = log_dir
        self._runtime = runtime
        self._roles = roles
        self._directory = tempfile.TemporaryDirectory(
            prefix="musicrec-functions-", ignore_cleanup_errors=True
        )
        self._work = Path(self._directory.name)
        self._code = stored_function.CodeStore(self._work / "code")
        self._condition = threading.Condition()
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._changes = 0
        self._logs: dict[str, FunctionLog] = {}
        self._stopping = threading.Event()
        self._executor = ThreadPoolExecutor(4, thread_name_prefix="lambda-async")
        self._queued = 0

    def start(self) -> None:
        """Nothing to do ahead of the first invocation."""

    def invoke(self, name_or_arn: str, event: bytes) -> InvokeResult:
        """Run a function on a JSON event and wait for its answer.

        Raises:
            FunctionNotRunnableError: there is nothing to run, or it may not run.
        """
        pool, environment = self._acquire(*stored_function.parse_name(name_or_arn))
        function = pool.function
        try:
            environment.start()  # a reused one has started already
            result = environment.invoke(event, function_arn=function.arn, timeout=function.timeout)
        finally:
            self._release(pool, environment)
        if len(result.payload) > MAX_ANSWER_BYTES:
            return failure(
                "Function.ResponseSizeTooLarge",
                f"Response payload size ({len(result.payload)} bytes) exceeded maximum allowed "
                f"payload size ({MAX_ANSWER_BYTES} bytes).",
            )
        return result

    def submit(self, name_or_arn: str, event: bytes) -> None:
        """Run a function later; a failure is retried twice and then logged.

        Raises:
            FunctionNotRunnableError: there is nothing to run.
        """
        self._pool(*stored_function.parse_name(name_or_arn))
        with self._condition:
            self._queued += 1
        self._executor.submit(self._run_submitted, name_or_arn, event)

    def retire(self, name: str) -> None:
        """Read the function anew before its next invocation: its code or settings have changed.

        An invocation in progress ends as it began, on the old code.
        """
        with self._condition:
            gone = [key for key in self._pools if key[0] == name]
            idle = self._forget(gone)
        self._end(idle)

    def reset(self) -> None:
        """Forget every function; invocations in progress fail."""
        with self._condition:
            busy = [environment for pool in self._pools.values() for environment in pool.busy]
            idle = self._forget(list(self._pools))
        self._end([*idle, *busy])

    def drain(self, deadline: float) -> None:
        """Return when every submitted invocation has ended.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        with self._condition:
            left = deadline - time.monotonic()
            if not self._condition.wait_for(lambda: self._queued == 0, left):
                raise TimeoutError(f"{self._queued} asynchronous invocations have not ended")

    def stop(self) -> None:
        """End every process; invocations in progress fail, later ones are refused."""
        with self._condition:
            self._stopping.set()
            self._condition.notify_all()
        self.reset()
        self._executor.shutdown(cancel_futures=True)
        self._directory.cleanup()

    def log(self, name: str) -> FunctionLog:
        """What a function's processes print."""
        with self._condition:
            if name not in self._logs:
                self._logs[name] = FunctionLog(self._log_dir / f"{name}.log")
            return self._logs[name]

    def _acquire(self, name: str, qualifier: str) -> tuple[_Pool, Environment]:
        """Wait for an idle environment or room for a new one, and take it."""
        log = self.log(name)
        while True:
            pool = self._pool(name, qualifier)
            with self._condition:
                self._condition.wait_for(partial(self._may_take, pool))
                if self._stopping.is_set():
                    raise FunctionNotRunnableError(f"{name} cannot run: the server is stopping")
                if pool.retired:
                    continue
                environment = pool.idle.pop()[1] if pool.idle else self._make(pool, log)
                pool.busy.add(environment)
                surplus = self._longest_idle()
            self._end(surplus)
            return pool, environment

    def _may_take(self, pool: _Pool) -> bool:
        return self._stopping.is_set() or pool.retired or bool(pool.idle) or pool.size < pool.limit

    def _pool(self, name: str, qualifier: str) -> _Pool:
        """The function's pool, made from what is stored now if it has none."""
        while True:
            with self._condition:
                pool = self._pools.get((name, qualifier))
                changes = self._changes
            if pool is not None:
                return pool
            pool = self._load(name, qualifier)
            with self._condition:
                if self._changes == changes:  # else the function changed while it was read
                    return self._pools.setdefault((name, qualifier), pool)

    def _load(self, name: str, qualifier: str) -> _Pool:
        function = stored_function.load(self._aws, name, qualifier)
        if function.reserved_concurrency == 0:
            raise FunctionThrottledError(f"{name} may not run: its reserved concurrency is 0")
        archive = self._read_code(name, qualifier)
        return _Pool(function, self._roles.acting(function), self._code.unpack(archive, name))

    def _make(self, pool: _Pool, log: FunctionLog) -> Environment:
        """An environment that has yet to start."""
        name = secrets.token_hex(16)
        temporary = self._work / "tmp" / name
        temporary.mkdir(parents=True)
        variables = stored_function.process_variables(
            pool.function,
            aws=pool.aws,
            runtime_api=f"{self._aws.endpoint_url.removeprefix('http://')}{PREFIX}/{name}",
            task_root=pool.task_root,
            temporary=temporary,
        )
        environment = Environment(
            name=name,
            command=stored_function.command(pool.function, self._runtime),
            variables=variables,
            directory=pool.task_root,
            log=self._roles.log(pool.function, name, log),
        )
        self.runtime_api.add(environment)
        return environment

    def _release(self, pool: _Pool, environment: Environment) -> None:
        with self._condition:
            pool.busy.discard(environment)
            keep = not (pool.retired or environment.dead)
            if keep:
                pool.idle.append((time.monotonic(), environment))
            self._condition.notify_all()
        if not keep:
            self._end([environment])

    def _longest_idle(self) -> list[Environment]:
        """Take environments out of their pools until no more than the bound are left."""
        taken: list[Environment] = []
        pools = self._pools.values()
        surplus = sum(pool.size for pool in pools) - ENVIRONMENTS_IN_ALL
        idle = sorted(
            ((since, pool, environment) for pool in pools for since, environment in pool.idle),
            key=lambda entry: entry[0],
        )
        for since, pool, environment in idle[: max(0, surplus)]:
            pool.idle.remove((since, environment))
            taken.append(environment)
        return taken

    def _forget(self, keys: Iterable[tuple[str, str]]) -> list[Environment]:
        """Drop pools; returns their idle environments, which are to end."""
        self._changes += 1
        idle: list[Environment] = []
        for pool in [self._pools.pop(key) for key in keys]:
            pool.retired = True
            idle += [environment for _, environment in pool.idle]
            pool.idle.clear()
        self._condition.notify_all()
        return idle

    def _end(self, environments: Iterable[Environment]) -> None:
        for environment in environments:
            self.runtime_api.remove(environment)
            environment.kill()
            shutil.rmtree(self._work / "tmp" / environment.name, ignore_errors=True)

    def _run_submitted(self, name_or_arn: str, event: bytes) -> None:
        try:
            self._run_with_retries(name_or_arn, event)
        except FunctionNotRunnableError as error:
            _log.warning("asynchronous invocation dropped: %s", error)
        finally:
            with self._condition:
                self._queued -= 1
                self._condition.notify_all()

    def _run_with_retries(self, name_or_arn: str, event: bytes) -> None:
        for wait in (*ASYNC_RETRY_WAITS_S, None):
            result = self.invoke(name_or_arn, event)
            if result.error is None or wait is None or self._stopping.wait(wait):
                break
        if result.error is not None:
            _log.warning("asynchronous invocation of %s failed: %s", name_or_arn, result.payload)
