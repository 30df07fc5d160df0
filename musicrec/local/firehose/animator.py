"""Runs every delivery stream that is stored, in one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from musicrec.local.firehose.configuration import (
    Configuration,
    UnsupportedDeliveryError,
    read_configuration,
)
from musicrec.local.firehose.delivery import Delivery, DeliveryCounts
from musicrec.local.firehose.naming import PrefixError
from musicrec.local.firehose.schema import UnknownColumnTypeError
from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.parts import ActAs, Aws

_LOG: Final = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
"""How often an idle stream is read; Firehose itself reads each shard once a second."""

_FAILURES: Final = (
    BotoCoreError,
    ClientError,
    PrefixError,
    RoleNotAssumableError,
    UnknownColumnTypeError,
    UnsupportedDeliveryError,
)


class DeliveryStreams:
    """Delivers for each delivery stream whose source is a Kinesis stream.

    Direct puts stay with moto. What goes wrong for one delivery stream is logged, and its records
    are tried again at the next reading.

    Args:
        aws: the embedded AWS.
        act_as: takes the roles of delivery streams.
        clock: monotonic seconds.
        now: the UTC time.
        random: for object names.
    """

    def __init__(
        self,
        *,
        aws: Aws,
        act_as: ActAs,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Random | None = None,
    ) -> None:
        self._aws = aws
        self._act_as = act_as
        self._clock = clock
        self._now = now
        self._random = random or Random()  # noqa: S311 - names objects, guards nothing
        self._deliveries: dict[str, Delivery] = {}
        self._failures: dict[str, str] = {}
        self._changed = threading.Condition()
        self._working = threading.Lock()
        self._asked = 0
        self._served = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="firehose", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what its buffers hold is not written."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()
            self._thread = None

    def drain(self, deadline: float) -> None:
        """Return when everything that was on the streams at the call is in S3.

        Args:
            deadline: `time.monotonic()` seconds.

        Raises:
            TimeoutError: the deadline passed first; the message says what failed last.
        """
        with self._changed:
            self._asked += 1
            ticket = self._asked
            self._changed.notify_all()
            left = max(0.0, deadline - time.monotonic())
            if not self._changed.wait_for(lambda: self._served >= ticket, timeout=left):
                raise TimeoutError(f"delivery streams were not drained in time: {self._why()}")

    def counts(self) -> dict[str, DeliveryCounts]:
        """What each delivery stream has done so far."""
        return {name: delivery.counts for name, delivery in self._deliveries.items()}

    def reset(self) -> None:
        """Forget every delivery stream, when the embedded AWS is emptied."""
        with self._working:
            self._deliveries.clear()
            self._failures.clear()

    def _why(self) -> str:
        failures = [f"{name}: {why}" for name, why in self._failures.items()]
        return "; ".join(failures) or "records are still being read"

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, timeout=POLL_SECONDS)
                if self._stopping:
                    return
                ticket = self._asked
                draining = ticket > self._served
            with self._working:
                complete = self._pass(draining=draining)
            if complete and draining:
                with self._changed:
                    self._served = ticket
                    self._changed.notify_all()

    def _has_work(self) -> bool:
        """Whether not to wait; a drain that has failed is tried again after the usual pause."""
        return self._stopping or (self._asked > self._served and not self._failures)

    def _pass(self, *, draining: bool) -> bool:
        """Read and write once for every delivery stream; whether all went well."""
        self._failures.clear()
        self._attempt("the list of delivery streams", self._discover)
        for name, delivery in list(self._deliveries.items()):
            self._attempt(name, partial(_deliver, delivery, draining=draining))
        return not self._failures

    def _attempt(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except _FAILURES as error:
            self._failures[name] = str(error)
            if not self._stopping:
                _LOG.warning("%s: %s", name, error)

    def _discover(self) -> None:
        """Take up new delivery streams, changed configurations, and drop deleted ones."""
        firehose = self._aws.client("firehose")
        names = firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")
        stored = names["DeliveryStreamNames"]
        for gone in self._deliveries.keys() - set(stored):
            del self._deliveries[gone]
        for name in stored:
            self._attempt(name, partial(self._take_up, firehose, name))

    def _take_up(self, firehose: Any, name: str) -> None:
        described = firehose.describe_delivery_stream(DeliveryStreamName=name)
        configuration = read_configuration(described["DeliveryStreamDescription"])
        known = self._deliveries.get(name)
        if configuration is None:
            self._deliveries.pop(name, None)
        elif known is None or known.configuration.source != configuration.source:
            self._deliveries[name] = self._new(configuration)
        elif known.configuration != configuration:
            known.configure(configuration)

    def _new(self, configuration: Configuration) -> Delivery:
        return Delivery(
            self._act_as, configuration, clock=self._clock, now=self._now, random=self._random
        )


def _deliver(delivery: Delivery, *, draining: bool) -> None:
    delivery.read()
    delivery.flush(only_due=not draining)
