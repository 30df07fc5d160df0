"""The lake read back: raw Parquet under event-date partitions, each event once.

Firehose delivers at least once and Kinesis redelivers, so the files hold duplicates. Copies of an
event carry the same `occurred_at` and hence lie in the same day: reading the lake day by day and
dropping repeated ids within a day gives every event exactly once in memory bounded by one day.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import awswrangler as wr
import numpy as np
import pyarrow as pa
from msgspec import Struct

from musicrec.events import InvalidEventError, ListeningEvent, from_mapping, glue_columns
from musicrec.processor.validity import valid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import boto3
    import pandas as pd

    from musicrec.deployment import Deployment

COLUMNS: Final = tuple(column["Name"] for column in glue_columns())
"""Every column of the raw table, in the event's field order."""

KEY_COLUMNS: Final = ("event_id", "user_id", "track_id", "event_type", "occurred_at")
"""What decides whether a row is a valid event and which; read whatever else is asked for."""

_PARTITION: Final = "dt="

_ARROW_TYPES: Final = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "struct<name:string,artists:array<string>,album:string>": pa.struct(
        [("name", pa.string()), ("artists", pa.list_(pa.string())), ("album", pa.string())]
    ),
}
SCHEMA: Final = pa.schema(
    [(column["Name"], _ARROW_TYPES[column["Type"]]) for column in glue_columns()]
)
"""The raw table's columns as Parquet files hold them."""


class LakeCount(Struct, frozen=True, kw_only=True):
    """How much one day, or the whole lake, holds.

    Attributes:
        rows: rows in the files.
        events: distinct valid events.
        invalid: rows that are not valid events.
    """

    rows: int
    events: int
    invalid: int

    @property
    def duplicates(self) -> int:
        """Valid rows that repeat an event which another row holds."""
        return self.rows - self.events - self.invalid

    def __add__(self, other: LakeCount) -> LakeCount:
        return LakeCount(
            rows=self.rows + other.rows,
            events=self.events + other.events,
            invalid=self.invalid + other.invalid,
        )


class LakeDay(Struct, frozen=True, kw_only=True):
    """One day of the lake, each valid event once.

    Attributes:
        day: the partition, `YYYY-MM-DD`.
        table: the events, ordered by `occurred_at`, then `event_id`.
        count: what the files held.
    """

    day: str
    table: pa.Table
    count: LakeCount


class Lake:
    """Reads the raw events that the delivery stream wrote.

    Args:
        session: whose credentials and region to read with; its endpoint comes from the standard
            `AWS_ENDPOINT_URL` variables.
        location: S3 URI above the `dt=` partitions, e.g. `s3://bucket/raw/`.
    """

    def __init__(self, session: boto3.Session, location: str) -> None:
        self._session = session
        self.location = f"{location.rstrip('/')}/"

    @classmethod
    def of(cls, deployment: Deployment, session: boto3.Session) -> Lake:
        """The lake of a deployed stack."""
        return cls(session, f"s3://{deployment.bucket}/raw/")

    def days(self, first: str | None = None, last: str | None = None) -> list[str]:
        """The days that have a partition, ascending, `first` and `last` included.

        Raises:
            ValueError: a bound is not a day as `YYYY-MM-DD`.
        """
        for bound in filter(None, (first, last)):
            date.fromisoformat(bound)
        folders: list[str] = wr.s3.list_directories(self.location, boto3_session=self._session)
        names = (folder.rstrip("/").rsplit("/", 1)[1] for folder in folders)
        days = sorted(name.removeprefix(_PARTITION) for name in names if _is_partition(name))
        return [day for day in days if (first or day) <= day <= (last or day)]

    def day(self, day: str, columns: Sequence[str] = COLUMNS) -> LakeDay:
        """One day's events with the key columns and `columns`; empty when nothing was delivered."""
        table = self._read(day, _schema(columns))
        kept = table.filter(valid(table.select(list(KEY_COLUMNS))))
        unique = _first_of_each(kept)
        count = LakeCount(
            rows=table.num_rows,
            events=unique.num_rows,
            invalid=table.num_rows - kept.num_rows,
        )
        return LakeDay(day=day, table=unique, count=count)

    def iterate(
        self, columns: Sequence[str] = COLUMNS, first: str | None = None, last: str | None = None
    ) -> Iterator[LakeDay]:
        """The days in order, one in memory at a time."""
        for day in self.days(first, last):
            yield self.day(day, columns)

    def events(self, first: str | None = None, last: str | None = None) -> Iterator[ListeningEvent]:
        """Every event once, as the type that the rest of the system uses; for rebuilds."""
        for day in self.iterate(first=first, last=last):
            for batch in day.table.to_batches(max_chunksize=10_000):
                yield from valid_events(batch.to_pylist())

    def read(
        self, columns: Sequence[str] = COLUMNS, first: str | None = None, last: str | None = None
    ) -> pd.DataFrame:
        """Some days as one data frame, each event once; for exploring what fits in memory."""
        nothing = _schema(columns).empty_table()
        tables = [day.table for day in self.iterate(columns, first, last)]
        frame: pd.DataFrame = pa.concat_tables([nothing, *tables]).to_pandas()
        return frame

    def counts(self, first: str | None = None, last: str | None = None) -> dict[str, LakeCount]:
        """What each day holds, by day."""
        return {day.day: day.count for day in self.iterate(KEY_COLUMNS, first, last)}

    def event_count(self, first: str | None = None, last: str | None = None) -> int:
        """How many distinct events the lake holds."""
        return sum(count.events for count in self.counts(first, last).values())

    def event_ids(self, first: str | None = None, last: str | None = None) -> set[str]:
        """The distinct event ids; about 100 bytes of memory each."""
        ids: set[str] = set()
        for day in self.iterate(KEY_COLUMNS, first, last):
            ids.update(day.table["event_id"].to_pylist())
        return ids

    def _read(self, day: str, schema: pa.Schema) -> pa.Table:
        path = f"{self.location}{_PARTITION}{day}/"
        files = wr.s3.list_objects(path, suffix=".parquet", boto3_session=self._session)
        chunks = [self._read_file(file, schema) for file in sorted(files)]
        return pa.concat_tables([schema.empty_table(), *chunks])

    def _read_file(self, file: str, schema: pa.Schema) -> pa.Table:
        frame = wr.s3.read_parquet(
            file,
            columns=schema.names,
            dtype_backend="pyarrow",  # keeps integers with gaps integers, and avoids a copy
            use_threads=False,
            boto3_session=self._session,
        )
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return table.replace_schema_metadata(None).cast(schema)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([field for field in SCHEMA if field.name in {*KEY_COLUMNS, *columns}])


def _is_partition(name: str) -> bool:
    if not name.startswith(_PARTITION):
        return False
    try:
        date.fromisoformat(name.removeprefix(_PARTITION))
    except ValueError:
        return False  # e.g. Hive's default partition: nothing of ours
    return True


def _first_of_each(table: pa.Table) -> pa.Table:
    """Each event id once, in an order that depends on the events alone."""
    if not table.num_rows:
        return table
    ordered = table.sort_by([("occurred_at", "ascending"), ("event_id", "ascending")])
    ids = ordered["event_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(ids, return_index=True)
    return ordered if len(first) == len(ids) else ordered.take(pa.array(np.sort(first)))


def valid_events(rows: list[dict[str, Any]]) -> Iterator[ListeningEvent]:
    """Rows of the raw table as events; a row that breaks the event's rules is passed over."""
    for row in rows:
        track = row.get("track")
        if track:
            row["track"] = {key: value for key, value in track.items() if value is not None}
        try:
            yield from_mapping(row)
        except InvalidEventError:
            continue  # the stream's consumers have put it on the poison queue with this reason
