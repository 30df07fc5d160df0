"""Delivers events in a thread of its own, so that a slow API cannot hold up the polls.

The outbox belongs to the thread that polls, and asks its sender for an outcome. A `Courier` is such a
sender: it starts a delivery, waits for a moment only, and when the outcome is not there yet says that
it is under way and gives it when asked again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from musicrec.events import ListeningEvent
from musicrec.producer.ingest import RefusedSenderError, RejectedEventsError, SendResult

if TYPE_CHECKING:
    from musicrec.producer.isolating import Sender

UNDER_WAY: Final = "under way"
"""The reason for which an event waits while its delivery goes on."""

PATIENCE_S: Final = 0.25
_REMEMBERED: Final = 32


class Courier:
    """Hands events to a sender that may be slow, one delivery at a time.

    Args:
        api: the slow sender; used from one other thread only.
        patience_s: how long `send` waits for an outcome.
    """

    def __init__(self, api: Sender, *, patience_s: float = PATIENCE_S) -> None:
        self._api = api
        self._patience_s: float | None = patience_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="courier")
        self._outcome: Future[SendResult] | None = None
        self._carried: tuple[str, ...] = ()
        self._rejected: deque[tuple[tuple[str, ...], RejectedEventsError]] = deque(
            maxlen=_REMEMBERED
        )

    def send(self, events: Sequence[ListeningEvent]) -> SendResult:
        """Deliver events, or ask what became of a delivery that was started before.

        Returns:
            Events that were not part of a finished delivery have failed with `UNDER_WAY`.

        Raises:
            RejectedEventsError: the API rejects exactly these events, or a part of them.
            RefusedSenderError: the API refuses the key or the address.
        """
        ids = tuple(event.event_id for event in events)
        for rejected, error in self._rejected:
            if rejected == ids:
                raise error
        if self._outcome is None:
            self._carried = ids
            self._outcome = self._thread.submit(self._api.send, tuple(events))
        if not wait([self._outcome], self._patience_s).done:
            return SendResult(0, dict.fromkeys(ids, UNDER_WAY))
        outcome, self._outcome = self._outcome, None
        try:
            return self._told(ids, outcome.result())
        except RefusedSenderError:
            raise
        except RejectedEventsError as error:
            # Told about other events than it asked for, the outbox halves those all the same.
            self._rejected.append((self._carried, error))
            raise

    def be_patient(self) -> None:
        """From now on wait for every outcome, however long it takes."""
        self._patience_s = None

    def close(self) -> None:
        """Let a delivery that is under way end, and end the thread."""
        self._thread.shutdown()

    def _told(self, ids: tuple[str, ...], result: SendResult) -> SendResult:
        """The outcome of what was carried, as far as it is about `ids`."""
        carried = set(self._carried)
        failed = {
            event_id: result.failed[event_id] if event_id in carried else UNDER_WAY
            for event_id in ids
            if event_id not in carried or event_id in result.failed
        }
        return SendResult(len(ids) - len(failed), failed, result.retry_after_s)
