"""Raw lakes of all kinds, and what curated interactions must be made of them."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from musicrec import events
from musicrec.processor import lake
from musicrec.processor.curated_store import CuratedStore
from musicrec.processor.hot_path import event_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musicrec.events import ListeningEvent


def expected(happened: Iterable[ListeningEvent]) -> dict[str, tuple[Any, ...]]:
    """The oracle: what stands in the curated table of each interaction, by event id."""
    return {
        event.event_id: (
            event.occurred_on,
            event.user_id,
            event.track_id,
            event.event_type.value,
            event.occurred_at,
            event_value(event),
        )
        for event in happened
        if events.is_interaction(event)
    }


def held(store: CuratedStore) -> list[tuple[str, tuple[Any, ...]]]:
    """Every row of the curated table in the oracle's form; a doubled row is here twice."""
    columns = ("user_id", "track_id", "event_type", "occurred_at", "event_value")
    return [
        (row["event_id"], (day, *(row[name] for name in columns)))
        for day, standing in store.standing().items()
        for row in store.table(standing).to_pylist()
    ]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a file of the raw lake."""
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=lake.SCHEMA), body)
    return body.getvalue()


class KilledError(Exception):
    """The process ends here."""


@dataclass
class Bucket:
    """An S3 client of one bucket in a dictionary: quick, countable, and killed when told to.

    It has what curation uses of S3, conditional writes included. `left` is how many calls go
    through before the process dies: the last of them is done, but its answer is never seen.
    """

    name: str = "b"
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)
    left: int | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    _etags: dict[str, str] = field(default_factory=dict)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **more: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Store an object, unless a condition fails."""
        assert Bucket == self.name
        self._check(more, Key)
        self.objects[Key] = (Body, more.get("Metadata", {}))
        self._etags[Key] = f"etag-{next(self._number)}"
        return self._done("put", Key, {})

    def get_object(self, *, Bucket: str, Key: str, **more: Any) -> dict[str, Any]:  # noqa: N803 - as above
        """An object's content, unless it is archived or a condition fails."""
        assert Bucket == self.name
        if Key not in self.objects:
            raise _error("NoSuchKey")
        if Key in self.archived:
            raise _error("InvalidObjectState")
        self._check(more, Key)
        return self._done("get", Key, {"Body": io.BytesIO(self.objects[Key][0])})

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as above
        """An object's metadata."""
        assert Bucket == self.name
        if Key not in self.objects:
            raise _error("404")
        body, metadata = self.objects[Key]
        answer = {"ETag": f'"{self._etags[Key]}"', "ContentLength": len(body), "Metadata": metadata}
        return self._done("head", Key, answer)

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as above
        """Remove an object."""
        assert Bucket == self.name
        self.objects.pop(Key, None)
        return self._done("delete", Key, {})

    def get_paginator(self, _: str) -> Bucket:
        """Listings come in pages."""
        return self

    def paginate(self, *, Prefix: str, Delimiter: str | None = None, **_: Any) -> list[Any]:  # noqa: N803 - as above
        """A listing in one page."""
        keys = sorted(key for key in list(self.objects) if key.startswith(Prefix))
        if Delimiter:
            below = {key[len(Prefix) :].split(Delimiter)[0] for key in keys}
            page = {"CommonPrefixes": [{"Prefix": f"{Prefix}{name}/"} for name in sorted(below)]}
        else:
            page = {"Contents": [self._row(key) for key in keys]}
        return [self._done("list", Prefix, page)]

    def _row(self, key: str) -> dict[str, Any]:
        return {
            "Key": key,
            "ETag": f'"{self._etags[key]}"',
            "Size": len(self.objects[key][0]),
            "StorageClass": "GLACIER" if key in self.archived | self.restored else "STANDARD",
            "RestoreStatus": {"RestoreExpiryDate": "later"} if key in self.restored else {},
        }

    def _check(self, conditions: dict[str, Any], key: str) -> None:
        wanted = conditions.get("IfMatch")
        if wanted and wanted != f'"{self._etags.get(key)}"':
            raise _error("PreconditionFailed")
        if conditions.get("IfNoneMatch") and key in self.objects:
            raise _error("PreconditionFailed")

    def _done(self, call: str, key: str, answer: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((call, key))
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError(f"after {call} {key}")
        return answer

    def deliver(self, day: str, name: str, rows: list[dict[str, Any]]) -> None:
        """Put a file into the raw lake, as the delivery stream does."""
        left, self.left = self.left, None
        self.put_object(Bucket="b", Key=f"raw/dt={day}/{name}.parquet", Body=parquet(rows))
        self.left = left


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "S3")
