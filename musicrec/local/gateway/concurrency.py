"""How many requests the gateway works on at once.

An integration answers through the same HTTP port, so requests that filled all its threads would wait
for each other. API Gateway refuses such a burst too, at its account's limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from musicrec.local.gateway.exchange import GatewayError

MAX_RUNNING: Final = 20
MAX_PRESENT: Final = 40
"""Together with what running requests call, this leaves threads of the port's 64 for functions."""


class Gate:
    """Lets a number of requests run, some more wait, and refuses the rest.

    Args:
        running: requests that run at once.
        present: requests that run or wait.
    """

    def __init__(self, running: int = MAX_RUNNING, present: int = MAX_PRESENT) -> None:
        self._running = threading.BoundedSemaphore(running)
        self._present = threading.BoundedSemaphore(present)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold a place while a request runs.

        Raises:
            GatewayError: `THROTTLED`; as many requests wait as may.
        """
        if not self._present.acquire(blocking=False):
            raise GatewayError("THROTTLED")
        try:
            with self._running:
                yield
        finally:
            self._present.release()
