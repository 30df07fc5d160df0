"""Work that those who need it cannot do themselves: a thread that does it soon after it is asked for."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

RETRY_S: Final = 1.0
"""How long to wait before work that failed is tried again."""

_log = logging.getLogger(__name__)


class Succession:
    """Does one piece of work after each request; requests that meet are served together.

    Args:
        work: what is done; a fault of the embedded AWS in it is logged, and it is tried again.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._asked = 0
        self._served = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to serve requests."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="succession", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the work in progress."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def ask(self) -> None:
        """Have the work done soon; returns at once."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def wait(self, deadline: float) -> None:
        """Return when every request so far is served, or the thread has been stopped.

        Raises:
            TimeoutError: the deadline (`time.monotonic()`) passed first.
        """
        with self._changed:
            asked = self._asked
            done = self._changed.wait_for(
                lambda: self._served >= asked or self._stopping, deadline - time.monotonic()
            )
        if not done:
            raise TimeoutError("the shards that follow on closed ones were not taken up in time")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked > self._served or self._stopping)
                if self._stopping:
                    return
                ticket = self._asked
            try:
                self._work()
            except (ClientError, BotoCoreError) as error:
                _log.warning("shards that follow on closed ones: %s", error)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, RETRY_S)
                continue
            with self._changed:
                self._served = ticket
                self._changed.notify_all()
