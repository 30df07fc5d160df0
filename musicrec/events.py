"""The listening event: the one definition from which validator, schema, columns and interaction come.

Every other shape of an event in this project (the request body in the OpenAPI document, the Glue
table's columns, the Personalize interaction) is derived from `ListeningEvent` or tested against it.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

MAX_EVENTS_PER_REQUEST: Final = 500
"""PutRecords takes 500 records at most, and one request becomes one PutRecords call."""

MIN_OCCURRED_AT: Final = 946_684_800_000
"""2000-01-01 in epoch milliseconds: a smaller number is almost surely in seconds."""

MAX_OCCURRED_AT: Final = 4_102_444_800_000
"""2100-01-01 in epoch milliseconds: a larger number is almost surely in micro- or nanoseconds."""

DAY_MS: Final = 86_400_000

_EVENT_NAMESPACE: Final = uuid.UUID("6f1d7c1e-33a5-5d0c-9a5c-1d7e0f5a9b11")


class EventType(StrEnum):
    """What happened to a play; exactly one terminal closes each `PLAY`."""

    PLAY = "play"
    COMPLETE = "complete"
    SKIP = "skip"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"


class Source(StrEnum):
    """How an event became known."""

    LIVE = "live"
    RECENTLY_PLAYED = "recently_played"
    EXPORT = "export"
    SIMULATED = "simulated"


TERMINALS: Final = frozenset({EventType.COMPLETE, EventType.SKIP, EventType.STOP})
"""`STOP` is neutral: the play ended, and that says nothing about liking it."""

PERSONALIZE_TYPES: Final = frozenset({EventType.PLAY, EventType.COMPLETE, EventType.SKIP})
"""The types that become Personalize interactions."""

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
EventId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        min_length=36,
        max_length=36,
    ),
]
TrackId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{22}$", min_length=22, max_length=22)]
EpochMs = Annotated[int, Meta(ge=MIN_OCCURRED_AT, le=MAX_OCCURRED_AT)]
DurationMs = Annotated[int, Meta(ge=0, le=DAY_MS)]


class InvalidEventError(ValueError):
    """A payload that is not a listening event.

    Attributes:
        field: JSON path of the offending field, `$` for the whole payload.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class TrackInfo(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A track as the player named it, for tracks that the catalogue lacks."""

    name: Annotated[str, Meta(max_length=1000)]
    artists: Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=50)] = []
    album: Annotated[str, Meta(max_length=1000)] | None = None


class ListeningEvent(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One thing that happened while one listener played one track.

    Attributes:
        event_id: UUID, the same on every retry and after every restart.
        schema_version: 1.
        user_id: the listener, 1 to 256 characters.
        session_id: one sitting of that listener, 1 to 256 characters.
        track_id: Spotify's id of the track, 22 base62 characters.
        event_type: what happened.
        occurred_at: when it happened, epoch milliseconds (UTC), by the producer's clock.
        source: how the producer knows.
        listened_ms: audible time of the play, known at its terminal event.
        duration_ms: full length of the track.
        position_ms: where in the track it happened.
        context_uri: the playlist, album or artist page that was playing.
        device_type: Spotify's name of the kind of device.
        recommendation_id: the Personalize recommendation that led to this play.
        track: names, so that an unknown track can be shown.
    """

    event_id: EventId
    user_id: Identifier
    session_id: Identifier
    track_id: TrackId
    event_type: EventType
    occurred_at: EpochMs
    source: Source
    schema_version: Literal[1]
    listened_ms: DurationMs | None = None
    duration_ms: DurationMs | None = None
    position_ms: DurationMs | None = None
    context_uri: Annotated[str, Meta(max_length=256)] | None = None
    device_type: Annotated[str, Meta(max_length=64)] | None = None
    recommendation_id: Annotated[str, Meta(max_length=40)] | None = None
    track: TrackInfo | None = None

    @property
    def occurred_on(self) -> str:
        """The UTC day of the event, `YYYY-MM-DD`: its partition in the lake."""
        return self.occurred_time.strftime("%Y-%m-%d")

    @property
    def occurred_time(self) -> datetime:
        """`occurred_at` as an aware datetime."""
        return datetime.fromtimestamp(self.occurred_at / 1000, UTC)

    @property
    def is_terminal(self) -> bool:
        """Whether the event closes a play."""
        return self.event_type in TERMINALS

    @property
    def listened_ratio(self) -> float | None:
        """Audible share of the track, 0 to 1; None when either length is unknown."""
        if self.listened_ms is None or not self.duration_ms:
            return None
        return min(1.0, self.listened_ms / self.duration_ms)


_decoder = msgspec.json.Decoder(ListeningEvent)
_encoder = msgspec.json.Encoder()


def new_event_id(*parts: str | int) -> str:
    """The UUID (version 5) of an event from what makes it unique, so that a retry repeats it."""
    return str(uuid.uuid5(_EVENT_NAMESPACE, "\x1f".join(map(str, parts))))


def decode(payload: bytes | str) -> ListeningEvent:
    """Read one event from JSON, e.g. the data of a Kinesis record.

    Raises:
        InvalidEventError: the payload is not JSON, not UTF-8, or breaks the event's rules.
    """
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError as error:
        whole = _with_whole_numbers(payload)
        if whole is None:
            raise _named(error) from error
        return _converted(whole)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEventError("$", f"not JSON in UTF-8 ({error})") from error


def from_mapping(row: dict[str, Any]) -> ListeningEvent:
    """Build an event from plain Python values, e.g. a row of the lake; None means absent.

    Raises:
        InvalidEventError: the row breaks the event's rules.
    """
    return _converted({name: value for name, value in row.items() if value is not None})


def encode(event: ListeningEvent) -> bytes:
    """The event as compact JSON in UTF-8, absent fields left out."""
    return _encoder.encode(event)


def to_mapping(event: ListeningEvent) -> dict[str, Any]:
    """The event as plain Python values, absent fields left out."""
    mapping: dict[str, Any] = msgspec.to_builtins(event)
    return mapping


def json_schema() -> dict[str, Any]:
    """The event's JSON Schema without references, as API Gateway's models want it."""
    (schema,), components = msgspec.json.schema_components(
        [ListeningEvent], ref_template="#/definitions/{name}"
    )
    inlined: dict[str, Any] = _inline(schema, components)
    return inlined


def glue_columns() -> list[dict[str, str]]:
    """The Glue columns of the lake's event table, in the event's field order."""
    return [
        {"Name": field.encode_name, "Type": _glue_type(field.encode_name)}
        for field in msgspec.structs.fields(ListeningEvent)
    ]


def is_interaction(event: ListeningEvent) -> bool:
    """Whether the event goes to Personalize."""
    return event.event_type in PERSONALIZE_TYPES


_INTEGERS: Final = frozenset({"occurred_at", "listened_ms", "duration_ms", "position_ms"})
_PATH: Final = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]+)`)?$", re.DOTALL)
_UNNAMED: Final = re.compile(r"field `(?P<name>[^`]+)`")


def _converted(row: dict[str, Any]) -> ListeningEvent:
    try:
        return msgspec.convert(row, ListeningEvent)
    except msgspec.ValidationError as error:
        raise _named(error) from error


def _with_whole_numbers(payload: bytes | str) -> dict[str, Any] | None:
    """The payload with 1.0 as 1, which JSON calls the same number; None if it has no such one."""
    try:
        row = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None  # what stands after the first offence may be anything
    if not isinstance(row, dict):
        return None
    whole = {
        name: int(row[name])
        for name in (*_INTEGERS, "schema_version")
        if isinstance(row.get(name), float) and row[name].is_integer()
    }
    return {**row, **whole} if whole else None


def _glue_type(name: str) -> str:
    if name in _INTEGERS:
        return "bigint"
    if name == "schema_version":
        return "int"
    if name == "track":
        return "struct<name:string,artists:array<string>,album:string>"
    return "string"


def _named(error: msgspec.ValidationError) -> InvalidEventError:
    """Turn msgspec's message, which ends in the path, into field and reason."""
    match = _PATH.match(str(error))
    assert match
    field, reason = match["path"] or "$", match["reason"]
    unnamed = _UNNAMED.search(reason)
    if unnamed:
        field = f"{field}.{unnamed['name']}"
    return InvalidEventError(field, reason)


def _inline(node: Any, components: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, components) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(components[node["$ref"].rsplit("/", 1)[1]], components)
    return {
        key: _inline(value, components)
        for key, value in node.items()
        if not (key in ("title", "description") and isinstance(value, str))
    }
