"""The embedded AWS: one process, one port on the loopback device, everything alive behind it."""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from musicrec.local import stored_function
from musicrec.local.admin import Admin
from musicrec.local.event_sources import EventSourceMappings
from musicrec.local.functions import Functions
from musicrec.local.http_server import HOST, HttpServer
from musicrec.local.iam import function_roles
from musicrec.local.iam.control import AccessControl
from musicrec.local.iam.needs import Lookups
from musicrec.local.invoke_api import InvokeApi
from musicrec.local.kinesis import iterators
from musicrec.local.moto_store import MotoStore
from musicrec.local.parts import Aws
from musicrec.local.router import Exchange, Router, Routes, signature_of
from musicrec.local.schedules import Schedules

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from musicrec.local.iam.rights import Access
    from musicrec.local.personalize.app import PersonalizeApp
    from musicrec.local.schedules import FiredTarget

    Middleware = Callable[[WSGIApplication], WSGIApplication]

DRAIN_LIMIT_S: Final = 300.0

_FUNCTION_CHANGE: Final = re.compile(
    r"/[^/]+/functions/(?P<name>[^/]+)(?:/(?:code|configuration|concurrency))?/?"
)


def _unchanged(application: WSGIApplication) -> WSGIApplication:
    return application


class NotRunningError(RuntimeError):
    """The embedded AWS was asked for something before it was started, or after it was stopped."""


class EmbeddedAws:
    """Everything that the stack needs of AWS, in this process; a context manager.

    moto keeps its state per process, so one runs at a time, and each starts empty.

    Args:
        port: loopback port; 0 takes a free one.
        log_dir: where each function's output goes, one file a function; None for a temporary
            directory that ends with the server.
        clock: the time in epoch seconds, for schedules, Kinesis and Personalize.
        stream_transition_s: how long a Kinesis stream is CREATING, UPDATING or DELETING.
        runtime: the script that runs handlers (see `stored_function`); None for the best at hand.
        middleware: wraps the application behind the port, for tests that make it fail.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        log_dir: Path | None = None,
        clock: Callable[[], float] = time.time,
        runtime: str | None = None,
        middleware: Middleware | None = None,
        stream_transition_s: float = 0.0,
    ) -> None:
        self._port = port
        self._log_dir = log_dir
        self._clock = clock
        self._runtime = runtime or stored_function.choose_runtime()
        self._middleware = middleware or _unchanged
        self._stream_transition_s = stream_transition_s
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def aws(self) -> Aws:
        """How to reach it."""
        return self._parts.aws

    @property
    def endpoint_url(self) -> str:
        """Base URL of every service."""
        return self.aws.endpoint_url

    @property
    def personalize(self) -> PersonalizeApp:
        """The application behind the three Personalize services, to be called without HTTP."""
        return self._parts.personalize

    def start(self) -> None:
        """Listen and bring everything to life; when this returns, requests are answered.

        Raises:
            PortTakenError: another program listens on the port.
            AlreadyOpenError: another embedded AWS runs in this process.
        """
        with ExitStack() as stack:
            running = _Running(
                stack,
                port=self._port,
                log_dir=self._log_dir,
                clock=self._clock,
                runtime=self._runtime,
                middleware=self._middleware,
                stream_transition_s=self._stream_transition_s,
            )
            running.keep(stack.pop_all())
        self._running = running

    def stop(self) -> None:
        """End every process, thread and connection; harmless when it does not run."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def drain(self, timeout: float = DRAIN_LIMIT_S) -> dict[str, Any]:
        """Wait until everything accepted so far has been processed.

        Args:
            timeout: seconds.

        Returns:
            what was processed since the start: `event_sources` counts records by function,
            `delivery_streams` has the `DeliveryCounts` of each delivery stream.

        Raises:
            TimeoutError: it took longer; the message says what was still waiting.
        """
        return self._parts.drain(timeout)

    def fire_rule(self, name: str, at: float | None = None) -> list[FiredTarget]:
        """Deliver a rule's scheduled event to its targets now (see `Schedules.fire`)."""
        return self._parts.schedules.fire(name, at)

    def accesses(self) -> list[Access]:
        """Everything distinct that roles have asked for, and what their policies said to it."""
        return self._parts.access.rights.accesses()

    def function_log(self, name: str) -> list[str]:
        """The newest lines that a function's processes printed."""
        return self._parts.functions.log(name).tail()

    @property
    def _parts(self) -> _Running:
        if self._running is None:
            raise NotRunningError("the embedded AWS does not run: start it, or use it in `with`")
        return self._running


class _Running:
    """The parts of one running server; what was begun is put on a stack that ends it."""

    def __init__(
        self,
        stack: ExitStack,
        *,
        port: int,
        log_dir: Path | None,
        clock: Callable[[], float],
        runtime: str,
        middleware: Middleware,
        stream_transition_s: float,
    ) -> None:
        # Imported here: together they cost most of a second, which `musicrec --help` need not wait.
        from musicrec.local.athena import AthenaApp  # noqa: PLC0415 - see above
        from musicrec.local.firehose import DeliveryStreams  # noqa: PLC0415 - see above
        from musicrec.local.gateway import Gateway  # noqa: PLC0415 - see above
        from musicrec.local.kinesis import KinesisApp  # noqa: PLC0415 - see above
        from musicrec.local.personalize.app import create_app  # noqa: PLC0415 - see above
        from musicrec.local.personalize.life_cycle import LifeCycle  # noqa: PLC0415 - see above

        self._moto = MotoStore()
        self._moto.open()
        stack.callback(self._moto.close)
        http = HttpServer(port)
        stack.callback(http.stop)
        self.aws = Aws(f"http://{HOST}:{http.port}")
        stack.callback(self.aws.close)
        lookups = Lookups(self.aws.account_id, iterators.stream_of, self._workgroup_of)
        self.access = AccessControl(self.aws, lookups, changed=self._refresh_mappings)
        stack.callback(self.access.close)
        act_as, permit = self.access.act_as, self.access.permit
        if log_dir is None:
            log_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="musicrec-log-")))
        log_dir.mkdir(parents=True, exist_ok=True)
        self.functions = Functions(
            aws=self.aws,
            read_code=partial(self._moto.function_code, self.aws.account_id, self.aws.region),
            log_dir=log_dir,
            runtime=runtime,
            roles=self.access.functions,
        )
        invoke = self.functions.invoke
        self._kinesis = KinesisApp(
            account_id=self.aws.account_id,
            region=self.aws.region,
            clock=clock,
            transition_s=stream_transition_s,
            announce=partial(self._moto.note_stream, self.aws.account_id),
        )
        self.event_sources = EventSourceMappings(
            aws=self.aws, act_as=act_as(function_roles.SERVICE), invoke=invoke, clock=clock
        )
        self.schedules = Schedules(
            aws=self.aws, invoke=invoke, clock=clock, permit=permit("events.amazonaws.com")
        )
        self.delivery = DeliveryStreams(aws=self.aws, act_as=act_as("firehose.amazonaws.com"))
        api = "apigateway.amazonaws.com"
        self.gateway = Gateway(aws=self.aws, invoke=invoke, permit=permit(api), act_as=act_as(api))
        stack.callback(self.gateway.close)
        life_cycle = LifeCycle.from_environment(os.environ)
        self.personalize = create_app(
            aws=self.aws,
            act_as=act_as("personalize.amazonaws.com"),
            clock=clock,
            life_cycle=life_cycle,
        )
        self.athena = AthenaApp(aws=self.aws, caller=self._caller, clock=clock)
        stack.callback(self.athena.close)
        http.start(middleware(Router(self._routes())))
        for animator in (self.delivery, self.schedules, self.event_sources, self.functions):
            stack.callback(animator.stop)
            animator.start()

    def keep(self, stack: ExitStack) -> None:
        """Take over what ends the parts."""
        self._stack = stack

    def close(self) -> None:
        """End the parts in reverse order: functions first, so that nothing waits for them."""
        self._stack.close()

    def drain(self, timeout: float) -> dict[str, Any]:
        """Wait for the parts in the order in which events pass through them."""
        deadline = time.monotonic() + timeout
        self.event_sources.drain(deadline)
        self.functions.drain(deadline)
        self.delivery.drain(deadline)
        return {
            "event_sources": self.event_sources.counts(),
            "delivery_streams": self.delivery.counts(),
        }

    def _workgroup_of(self, query_id: str) -> str:
        return self.athena.workgroup_of(query_id)

    def _refresh_mappings(self) -> None:
        self.event_sources.refresh()

    def _caller(self, environ: WSGIEnvironment) -> Aws | None:
        return self.access.sessions.view(signature_of(environ).access_key)

    def _routes(self) -> Routes:
        return Routes(
            moto=self._moto,
            kinesis=self._kinesis,
            personalize=self.personalize,
            athena=self.athena,
            gateway=self.gateway,
            invoke=InvokeApi(self.functions),
            runtime=self.functions.runtime_api,
            admin=Admin(
                drain=self.drain,
                fire=self.schedules.fire,
                log=lambda name: self.functions.log(name).tail(),
                personalize=self.personalize,
                accesses=self.access.rights.accesses,
            ),
            around=self.access.around,
            observers={
                "apigateway": self._observe_gateway,
                "events": self._observe_rules,
                "iam": self.access.observe_iam,
                "kinesis": self.event_sources.observe,
                "lambda": self._observe_functions,
                "sts": self.access.sessions.observe,
            },
            reset=self._reset,
        )

    def _observe_gateway(self, exchange: Exchange) -> None:
        if exchange.method != "GET":
            target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
            self.gateway.observe(
                exchange.method, target, exchange.body, exchange.status, exchange.response
            )

    def _observe_rules(self, exchange: Exchange) -> None:
        operation = exchange.target.rpartition(".")[2]
        if operation in {"PutRule", "EnableRule", "DisableRule", "DeleteRule"}:
            self.schedules.refresh()

    def _observe_functions(self, exchange: Exchange) -> None:
        self.access.observe_lambda(exchange)
        changed = _FUNCTION_CHANGE.fullmatch(exchange.path)
        if changed is not None and exchange.method != "GET":
            self.functions.retire(stored_function.parse_name(changed["name"])[0])
        self.event_sources.observe(exchange)

    def _reset(self) -> None:
        self.functions.reset()
        self.access.reset()
        self._kinesis.reset()
        self.event_sources.reset()
        self.schedules.reset()
        self.delivery.reset()
        self.gateway.reset()
        self.personalize.reset()
        self.athena.reset()
