"""Events from the stream to Personalize while they are fresh: few calls, nothing lost, nothing moved in time.

Personalize takes ten events a call, all of one listener and session. Calls go out side by side, but
the events of one session follow one another in the order of the stream.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from msgspec import Struct

from musicrec.events import EventType, ListeningEvent, is_interaction
from musicrec.records import Batch, Poison, PoisonQueue, Record, without
from musicrec.retry import Retries, error_code, is_retryable

if TYPE_CHECKING:
    from mypy_boto3_personalize_events import PersonalizeEventsClient

EVENTS_PER_CALL: Final = 10
"""What one PutEvents takes."""

PARALLEL_CALLS: Final = 8

_VALUE_DECIMALS: Final = 4
_REFUSALS: Final = frozenset({"InvalidInputException", "ValidationException"})
_TRACKING: Final = "tracking"
"""What a refusal of the tracking id says in some form; its exact words are not documented."""

_WITH_VALUE: Final = frozenset({EventType.COMPLETE, EventType.SKIP})


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        groups: how many interactions stood in each call that Personalize took.
        held_back: interactions that went nowhere because there is no event tracker yet; the daily
            import brings them to Personalize.
        calls: PutEvents calls made, repetitions included.
        poison: the records queued as poison, those that Personalize refused among them.
        failed: sequence numbers of the records to hand back to the stream.
        tracker_unknown: Personalize does not know the tracking id; it must be read anew.
        error: the first error behind `failed`, if any.
    """

    groups: tuple[int, ...] = ()
    held_back: int = 0
    calls: int = 0
    poison: tuple[Poison, ...] = ()
    failed: tuple[str, ...] = ()
    tracker_unknown: bool = False
    error: str | None = None

    @property
    def sent(self) -> int:
        """Interactions that Personalize took."""
        return sum(self.groups)


class OutOfTimeError(Exception):
    """The invocation ends too soon for another call."""


class TrackerUnknownError(Exception):
    """The tracking id names no event tracker, so that every call is refused."""


def process(
    batch: Batch,
    *,
    personalize: PersonalizeEventsClient,
    tracking_id: str | None,
    queue: PoisonQueue,
    retries: Retries,
) -> Outcome:
    """Hand the interactions of a batch to Personalize, and what is poison to its queue.

    What could not be read is queued first, so that it is settled however long Personalize throttles.

    Args:
        batch: records of the stream; those that are no interaction are passed over.
        personalize: client; it should not retry by itself.
        tracking_id: of the event tracker; None when there is none yet.
        queue: for poison.
        retries: how to wait when throttled, and until when.
    """
    unqueued = queue.send(batch.poison, retries)
    sessions = _by_session(batch.records)
    if tracking_id is None:
        deliveries = []
        held_back = sum(len(session) for session in sessions)
    else:
        deliveries = _deliver(sessions, personalize, tracking_id, retries)
        held_back = 0
    refused = [poison for one in deliveries for poison in one.refused]
    unqueued += queue.send(refused, retries)
    errors = [one.error for one in deliveries if one.error]
    failed = [record.sequence_number for one in deliveries for record in one.pending]
    return Outcome(
        groups=tuple(size for one in deliveries for size in one.groups),
        held_back=held_back,
        calls=sum(one.calls for one in deliveries),
        poison=without((*batch.poison, *refused), unqueued),
        failed=(*failed, *(poison.sequence_number for poison in unqueued)),
        tracker_unknown=any(isinstance(error, TrackerUnknownError) for error in errors),
        error=repr(errors[0]) if errors else "the poison queue takes nothing" if unqueued else None,
    )


def interaction(event: ListeningEvent) -> dict[str, Any]:
    """The event as PutEvents takes it.

    The time is in whole seconds, as in the INTERACTIONS dataset, so that the bulk copy of an event
    and the streamed one are the same interaction.
    """
    optional = {
        "eventValue": event_value(event),
        "recommendationId": event.recommendation_id or None,
    }
    return {
        "eventId": event.event_id,
        "eventType": event.event_type.value,
        "itemId": event.track_id,
        "sentAt": datetime.fromtimestamp(event.occurred_at // 1000, UTC),
        **{name: value for name, value in optional.items() if value is not None},
    }


def event_value(event: ListeningEvent) -> float | None:
    """Audible share of the track, for the event that completes or skips it; None if unknown."""
    ratio = event.listened_ratio
    if ratio is None or event.event_type not in _WITH_VALUE:
        return None
    return round(ratio, _VALUE_DECIMALS)


class _Delivery:
    """The delivery of one session's events, in order; what is not done stays in `pending`."""

    def __init__(
        self,
        records: Iterable[Record],
        personalize: PersonalizeEventsClient,
        tracking_id: str,
        retries: Retries,
    ) -> None:
        self._personalize, self._tracking_id, self._retries = personalize, tracking_id, retries
        self.pending = deque(records)
        self.refused: list[Poison] = []
        self.groups: list[int] = []
        self.calls = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Send group after group until done, or until one fails: nothing may overtake it."""
        try:
            while self.pending:
                self._send_group()
        except (OutOfTimeError, TrackerUnknownError, BotoCoreError, ClientError) as error:
            self.error = error

    def _send_group(self) -> None:
        group = list(islice(self.pending, EVENTS_PER_CALL))
        if self._put(group) is None:
            self._done(group)
            return
        # One bad event makes the whole call fail: find it.
        for record in group:
            reason = self._put([record])
            if reason is None:
                self._done([record])
            else:
                self.refused.append(Poison.of(self.pending.popleft(), reason))

    def _done(self, records: Sequence[Record]) -> None:
        self.groups.append(len(records))
        for _ in records:
            self.pending.popleft()

    def _put(self, records: Sequence[Record]) -> str | None:
        """Send one group, again and again while that may help and time allows.

        Returns:
            None when Personalize took it, its reason when it refuses what stands in the group.
        """
        attempt = 0
        while True:
            if not self._retries.has_time():
                raise OutOfTimeError("the invocation has no time for another PutEvents")
            attempt += 1
            try:
                self._call(records)
            except (BotoCoreError, ClientError) as error:
                if _is_refusal(error, records):
                    return _reason(error)
                if not is_retryable(error) or not self._retries.pause(attempt):
                    raise
            else:
                return None

    def _call(self, records: Sequence[Record]) -> None:
        event = records[0].event
        self.calls += 1
        self._personalize.put_events(
            trackingId=self._tracking_id,
            userId=event.user_id,
            sessionId=event.session_id,
            eventList=[interaction(record.event) for record in records],  # type: ignore[misc] # the stub wants its own TypedDict
        )


def _deliver(
    sessions: Sequence[Sequence[Record]],
    personalize: PersonalizeEventsClient,
    tracking_id: str,
    retries: Retries,
) -> list[_Delivery]:
    deliveries = [_Delivery(records, personalize, tracking_id, retries) for records in sessions]
    if len(deliveries) == 1:
        deliveries[0].run()
    elif deliveries:
        with ThreadPoolExecutor(min(PARALLEL_CALLS, len(deliveries))) as pool:
            list(pool.map(_Delivery.run, deliveries))
    return deliveries


def _by_session(records: Iterable[Record]) -> list[list[Record]]:
    """The interactions by listener and session, each event once, in the order of the stream."""
    sessions: dict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
    for record in records:
        event = record.event
        if is_interaction(event):
            sessions[event.user_id, event.session_id].setdefault(event.event_id, record)
    return [list(session.values()) for session in sessions.values()]


def _is_refusal(error: Exception, records: Sequence[Record]) -> bool:
    """Whether Personalize will never take the very same call, of some records.

    Raises:
        TrackerUnknownError: the refusal is not about the events.
    """
    if isinstance(error, ParamValidationError):
        return True
    code = error_code(error)
    refusal = code in _REFUSALS
    if code == "ResourceNotFoundException" or (refusal and _names_tracker(error, records)):
        raise TrackerUnknownError(_reason(error)) from error
    return refusal


def _names_tracker(error: Exception, records: Sequence[Record]) -> bool:
    """Whether a refusal speaks of the tracking id, and not of an event's text that it quotes."""
    reason = _reason(error).lower()
    for event in (record.event for record in records):
        for text in (event.user_id, event.session_id, event.recommendation_id or ""):
            if _TRACKING in text.lower():
                reason = reason.replace(text.lower(), "")
    return _TRACKING in reason


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return f"{error_code(error)}: {error.response['Error'].get('Message', '')}"
    return str(error)
