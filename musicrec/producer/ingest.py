"""Client of the ingestion API: delivers listening events over HTTP, each until it is accepted.

Everything that may pass by itself (a lost connection, throttling, a failing service, the part of a
batch that the stream refused) is tried again; everything else is an error that says what to change.
Sending an event twice is harmless, because consumers know it by its `event_id`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
import requests

from musicrec.events import MAX_EVENTS_PER_REQUEST, ListeningEvent

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
FIRST_BACKOFF_S: Final = 0.5
"""Upper bound of the first random wait; it doubles with each further attempt."""

MAX_BACKOFF_S: Final = 60.0
"""No wait is longer, whatever `Retry-After` asks for."""

RETRIED_STATUSES: Final = frozenset({408, 425, 429})
"""Client errors that pass by themselves; every 5xx is retried too."""

EVENT_STATUSES: Final = frozenset({400, 413, 422})
"""Client errors that are about the events sent, not about who sends them or where."""


class RejectedEventsError(Exception):
    """The API will never accept this request, because of the events in it.

    Attributes:
        status: HTTP status of the answer.
        event_ids: the events of the rejected request.
    """

    def __init__(self, status: int, message: str, event_ids: Sequence[str]) -> None:
        super().__init__(f"HTTP {status} for {len(event_ids)} events: {message}")
        self.status = status
        self.event_ids = tuple(event_ids)


class RefusedSenderError(RejectedEventsError):
    """The API refuses the sender (key, address), so that no event at all would be accepted."""


class ApiSettingError(ValueError):
    """The API's address or key cannot be right."""


@dataclass(frozen=True)
class SendResult:
    """What became of a send.

    Attributes:
        accepted: number of events that the API took.
        failed: event id to the reason why it was not taken, after the last attempt; worth
            sending again later.
        retry_after_s: seconds that the API asked to wait before that, None if it did not.
    """

    accepted: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass(frozen=True)
class _Attempt:
    """Outcome of one request: what is left to send, and why."""

    left: tuple[ListeningEvent, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


class _RecordResult(msgspec.Struct):
    index: int
    status: Literal["accepted", "failed"]
    error: str = "unnamed"
    message: str = ""


class _Answer(msgspec.Struct):
    """The body of 200 and 207, as `infra/openapi.yaml` defines it."""

    accepted: int
    failed: int = 0
    results: list[_RecordResult] = []


class _Problem(msgspec.Struct):
    """The body of every error answer; the detail names the offending field."""

    message: str
    detail: str = ""


class IngestionApi:
    """Sends listening events to `POST <api_url>/events`.

    Args:
        api_url: base address of the API, with its stage and without `/events`.
        api_key: value of the API's key; it appears in no message and no representation.
        session: connection pool to use; one of its own when None.
        attempts: requests made for one batch before its events count as failed.
        clock: seconds since the epoch, to read a `Retry-After` date.
        sleep: waits that many seconds.
        rng: randomness of the waits, so that many producers do not come back at once.

    Raises:
        ApiSettingError: the address is not http(s), or the key cannot be sent as a header.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        session: requests.Session | None = None,
        attempts: int = 8,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        if urlsplit(api_url).scheme not in {"http", "https"} or not urlsplit(api_url).hostname:
            raise ApiSettingError(
                f"API address {api_url!r} is not http(s)://host/...: take `api_url` of the stack"
            )
        self.url = f"{api_url.rstrip('/')}/events"
        self._key = _checked_key(api_key)
        self._headers = {"x-api-key": self._key, "content-type": "application/json"}
        self._session = session or requests.Session()
        self._attempts = max(1, attempts)
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing

    def __repr__(self) -> str:
        return f"IngestionApi({self.url!r})"

    def send(self, events: Sequence[ListeningEvent]) -> SendResult:
        """Deliver events in their order, at most `MAX_EVENTS_PER_REQUEST` a request.

        After a request that stays unsuccessful the later ones are not tried, because events of
        one listener must not overtake each other: they are reported as failed too.

        Raises:
            RejectedEventsError: the API answers a permanent 4xx about the events; those of
                earlier requests of this call are accepted.
            RefusedSenderError: the API answers a permanent 4xx about the key or the address.
        """
        accepted = 0
        for start in range(0, len(events), MAX_EVENTS_PER_REQUEST):
            batch = tuple(events[start : start + MAX_EVENTS_PER_REQUEST])
            outcome = self._deliver(batch)
            accepted += len(batch) - len(outcome.left)
            if outcome.left:
                return _failed(accepted, outcome, events[start + len(batch) :])
        return SendResult(accepted)

    def _deliver(self, batch: tuple[ListeningEvent, ...]) -> _Attempt:
        outcome = self._attempt(batch)
        for bound in self._backoff_bounds():
            if not outcome.left:
                break
            self._sleep(
                self._rng.uniform(0.0, bound)
                if outcome.retry_after_s is None
                else min(outcome.retry_after_s, MAX_BACKOFF_S)
            )
            outcome = self._attempt(outcome.left)
        return outcome

    def _backoff_bounds(self) -> Iterator[float]:
        for retry in range(self._attempts - 1):
            yield min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0**retry)

    def _attempt(self, batch: tuple[ListeningEvent, ...]) -> _Attempt:
        try:
            response = self._session.post(
                self.url,
                data=msgspec.json.encode({"events": batch}),
                headers=self._headers,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                # A redirect would carry the key to an address that nobody chose.
                allow_redirects=False,
            )
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            return _all_left(batch, f"{type(error).__name__} at {self.url}")
        return self._judge(batch, response)

    def _judge(self, batch: tuple[ListeningEvent, ...], response: requests.Response) -> _Attempt:
        status = response.status_code
        if status in {200, 207}:
            return _read_answer(batch, response, self._without_key)
        if status in RETRIED_STATUSES or status >= 500:
            wait = self._retry_after(response.headers.get("Retry-After"))
            return _all_left(batch, f"HTTP {status}: {self._message(response)}", wait)
        ids = [event.event_id for event in batch]
        if status in EVENT_STATUSES:
            raise RejectedEventsError(status, self._message(response), ids)
        raise RefusedSenderError(
            status, f"{self._message(response)} (check the API key and the address {self.url})", ids
        )

    def _message(self, response: requests.Response) -> str:
        """The body's own words about an error, cut to a line's length, the key taken out."""
        try:
            problem = msgspec.json.decode(response.content, type=_Problem)
        except msgspec.DecodeError:
            return self._without_key(response.text)[:200] or response.reason or "no body"
        detail = f" ({problem.detail})" if problem.detail else ""
        return self._without_key(f"{problem.message}{detail}")[:1000]

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[the API key]")

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds to wait by a `Retry-After` header, which holds seconds or a date (RFC 9110)."""
        if value is None:
            return None
        if value.strip().isdecimal():
            return float(value)
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock())
        except ValueError:
            return None


def _checked_key(api_key: str) -> str:
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ApiSettingError(
            "the API key is empty or holds characters that no header may carry: "
            "copy it again from the stack"
        )
    return key


def _read_answer(
    batch: tuple[ListeningEvent, ...], response: requests.Response, redact: Callable[[str], str]
) -> _Attempt:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except msgspec.DecodeError as error:
        return _all_left(batch, f"HTTP {response.status_code} with an unreadable answer: {error}")
    refused = {row.index: row for row in answer.results if row.status == "failed"}
    if answer.accepted + len(refused) != len(batch) or not all(i < len(batch) for i in refused):
        return _all_left(
            batch,
            f"the answer accounts for {answer.accepted} + {len(refused)} of {len(batch)} events",
        )
    return _Attempt(
        left=tuple(batch[index] for index in sorted(refused)),
        reasons={
            batch[index].event_id: redact(f"{row.error}: {row.message}")
            for index, row in refused.items()
        },
    )


def _all_left(
    batch: tuple[ListeningEvent, ...], reason: str, retry_after_s: float | None = None
) -> _Attempt:
    return _Attempt(batch, {event.event_id: reason for event in batch}, retry_after_s)


def _failed(accepted: int, outcome: _Attempt, untried: Sequence[ListeningEvent]) -> SendResult:
    last = next(iter(outcome.reasons.values()))
    later = {event.event_id: f"not tried after {last}" for event in untried}
    return SendResult(accepted, {**outcome.reasons, **later}, outcome.retry_after_s)
