"""Streaming writes: `PutEvents`, `PutItems`, `PutUsers`.

An event is in its user's history when the call returns.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import attribution_reports, properties
from musicrec.local.personalize.datasets import INTERACTIONS, ITEMS, USERS, of_group
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.event_trackers import tracker_of
from musicrec.local.personalize.interaction_log import StreamedEvent
from musicrec.local.personalize.region import require_unchanging
from musicrec.local.personalize.resources import Dataset

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.operation import Operation
    from musicrec.local.personalize.region import Region

FORBIDDEN: Final = frozenset(
    {"userId", "sessionId", "eventType", "timestamp", "recommendationId", "impression"}
)
"""Keys that the service does not take among an event's properties."""

MAX_EVENT_BYTES: Final = 10_000
"""Of one event as JSON. AWS says 10 KB, and not how it counts."""

MAX_SECONDS: Final = 1e15
"""Beyond this `sentAt` is no time at all. Milliseconds pass, and are useless, as on AWS."""


def put_events(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`PutEvents`: all events are taken, or, when one is bad, none."""
    tracker = tracker_of(region, params["trackingId"])
    dataset = of_group(region, tracker.group, INTERACTIONS)
    schema = dataset.schema.fields if dataset else None
    events = [_event(params, entry, schema) for entry in params["eventList"]]
    taken = [event for event in events if tracker.group.log.append([event])]
    attribution_reports.streamed(region, tracker.group, taken)
    return {}


def _event(
    params: dict[str, Any], entry: dict[str, Any], schema: DatasetSchema | None
) -> StreamedEvent:
    _check_size(entry)
    given = properties.read(entry.get("properties"))
    forbidden = sorted(FORBIDDEN & given.keys())
    if forbidden:
        raise InvalidInputError(f"properties must not have the keys {forbidden}.")
    value = entry.get("eventValue", given.get("eventValue"))
    impression = {"IMPRESSION": "|".join(entry["impression"])} if "impression" in entry else {}
    recommended = (
        {"RECOMMENDATION_ID": entry["recommendationId"]} if "recommendationId" in entry else {}
    )
    attributed = entry.get("metricAttribution", {})
    source = (
        {"EVENT_ATTRIBUTION_SOURCE": attributed["eventAttributionSource"]} if attributed else {}
    )
    own = properties.columns(given, schema) if schema else {}
    return StreamedEvent(
        user_id=params.get("userId"),
        session_id=params["sessionId"],
        item_id=_item_id(entry, given),
        timestamp=_seconds(entry["sentAt"]),
        event_type=entry["eventType"],
        value=None if value is None else properties.single_precision("eventValue", value),
        event_id=entry.get("eventId"),
        properties=own | impression | recommended | source,
    )


def _check_size(entry: dict[str, Any]) -> None:
    size = len(json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > MAX_EVENT_BYTES:
        raise InvalidInputError(f"An event may have {MAX_EVENT_BYTES} bytes; this one has {size}.")


def _item_id(entry: dict[str, Any], given: dict[str, Any]) -> str:
    """The item, from the event or, in the older form, from its properties."""
    item_id = entry.get("itemId", given.get("itemId"))
    if not isinstance(item_id, str) or not 1 <= len(item_id) <= 256:
        raise InvalidInputError(
            f"Each event needs an itemId of 1 to 256 characters, not {item_id!r}."
        )
    return item_id


def _seconds(sent_at: float) -> int:
    if not -MAX_SECONDS <= sent_at <= MAX_SECONDS:
        raise InvalidInputError(f"sentAt must be epoch seconds, not {sent_at}.")
    return math.floor(sent_at)


def put_items(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`PutItems`."""
    _put(region, params["datasetArn"], ITEMS, params["items"], "itemId")
    return {}


def put_users(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`PutUsers`."""
    _put(region, params["datasetArn"], USERS, params["users"], "userId")
    return {}


def _put(
    region: Region, dataset_arn: str, kind: str, entries: list[dict[str, Any]], id_key: str
) -> None:
    dataset = region.get_active(Dataset, dataset_arn)
    if dataset.records is None or dataset.kind != kind:
        raise InvalidInputError(f"Dataset {dataset.arn} is not of type {kind}.")
    require_unchanging(dataset)
    rows = {entry[id_key]: _row(entry, dataset) for entry in entries}
    for identifier, row in rows.items():
        dataset.records.put(identifier, row)


def _row(entry: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    assert dataset.records
    schema = dataset.schema.fields
    row = properties.columns(properties.read(entry.get("properties")), schema)
    for field in schema.fields:
        missing = field.name not in row and field.name != dataset.records.id_column
        if missing and not field.nullable:
            raise InvalidInputError(f"Property {properties.camel_case(field.name)} is required.")
    return row


OPERATIONS: Final[dict[str, Operation]] = {
    "PutEvents": put_events,
    "PutItems": put_items,
    "PutUsers": put_users,
}
