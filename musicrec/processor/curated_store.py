"""Where the curated interactions lie, and how a day of them is replaced in one step.

A day is one object, `curated/dt=<day>/interactions.parquet`, and S3 replaces an object at once or
not at all. Which raw objects it was made of stands in a record of its own, written before and named
in the data object's metadata: the pair changes in the one step in which the data does. A crash
leaves at most a record that nothing names, which the next rewriting of the day takes away. Of two
writers at the same time one is refused (`If-Match`), and looks again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.processor import encoding
from musicrec.processor.curated import ENCODED, SCHEMA
from musicrec.processor.curated_records import DayRecord
from musicrec.processor.raw_objects import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_s3 import S3Client

    from musicrec.deployment import Deployment

PREFIX: Final = "curated/"
RECORDS: Final = "curated-records/"
CODEC: Final = "snappy"
"""How Parquet is compressed: AWS's own Lambda layer of pyarrow is built without Zstandard and LZ4, and
gzip takes three times as long to write a day for two thirds of the bytes."""

ROW_GROUP: Final = 1_048_576
"""Rows that a reader holds at once: 40 MB of what the CSV takes, 240 MB with all columns."""

_FILE: Final = "interactions.parquet"
_LOST_RACE: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_PLAIN: Final = frozenset({"event_id", "occurred_at", "listened_ms", "duration_ms"})
"""Columns that hardly repeat a value, for which a dictionary is only work."""


class DayChangedError(RuntimeError):
    """Another writer has replaced a curated day since it was read."""

    def __init__(self, day: str) -> None:
        super().__init__(
            f"the curated day {day} was rewritten meanwhile: another build is running; nothing is "
            "lost, run this one again"
        )


class StandingDay(Struct, frozen=True, kw_only=True):
    """A curated day as a listing shows it.

    Attributes:
        day: `YYYY-MM-DD`.
        etag: of the data.
        size: of the data, bytes.
        record: key of its record.
    """

    day: str
    etag: str
    size: int
    record: str

    @property
    def generation(self) -> int:
        """How often the day was written."""
        return int(self.record.rsplit("/", 1)[1].split("-")[0])


class CuratedStore:
    """The curated table of one bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    @classmethod
    def of(cls, deployment: Deployment, s3: S3Client) -> CuratedStore:
        """The curated table of a deployed stack."""
        return cls(s3, deployment.bucket)

    def standing(self) -> dict[str, StandingDay]:
        """Every curated day, ascending; two requests for every 1,000 of them."""
        records: dict[str, list[str]] = {}
        for row in self._listed(RECORDS):
            records.setdefault(str(_folder_day(row["Key"])), []).append(row["Key"])
        days = {
            day: StandingDay(
                day=day,
                etag=row["ETag"].strip('"'),
                size=row["Size"],
                record=self._record_of(row["Key"], records.get(day, ())),
            )
            for row in self._listed(PREFIX)
            if (day := _folder_day(row["Key"])) and row["Key"].endswith(_FILE)
        }
        return dict(sorted(days.items()))

    def find(self, day: str) -> StandingDay | None:
        """One curated day, None when there is none; one request."""
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=data_key(day))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise
        return StandingDay(
            day=day,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            record=head["Metadata"]["record"],
        )

    def record(self, standing: StandingDay | None) -> DayRecord:
        """What a day was made of; an empty record for a day that is not there.

        Raises:
            DayChangedError: another writer replaced the day since it was listed.
        """
        if standing is None:
            return DayRecord()
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=standing.record)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise DayChangedError(standing.day) from error
            raise
        return msgspec.json.decode(body, type=DayRecord)

    def table(self, standing: StandingDay | None) -> pa.Table:
        """A day's rows, all columns, as `curated.ENCODED`."""
        if standing is None:
            return ENCODED.empty_table()
        return encoding.read(self.body(standing), ENCODED)

    def body(self, standing: StandingDay) -> bytes:
        """A day's data as it lies in S3: compressed; see `opened`.

        Raises:
            DayChangedError: another writer replaced the day since it was listed.
        """
        try:
            answer = self._s3.get_object(
                Bucket=self._bucket, Key=data_key(standing.day), IfMatch=f'"{standing.etag}"'
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                raise DayChangedError(standing.day) from error
            raise
        return answer["Body"].read()

    def publish(
        self, day: str, table: pa.Table, record: DayRecord, standing: StandingDay | None
    ) -> None:
        """Replace a day by `table`, or leave everything as it was.

        Args:
            day: `YYYY-MM-DD`.
            table: all rows of the day, as `curated.ENCODED`.
            record: what they were made of.
            standing: the day as it was when they were made; None when there was none.

        Raises:
            DayChangedError: another writer was first.
        """
        sink = pa.BufferOutputStream()
        pq.write_table(
            table,
            sink,
            row_group_size=ROW_GROUP,
            compression=CODEC,
            use_dictionary=[name for name in _leaves(SCHEMA) if name not in _PLAIN],
            write_statistics=["occurred_at", "generation"],
            store_schema=False,  # or whoever reads it gets dictionaries too
        )
        body = sink.getvalue().to_pybytes()
        self.commit(
            day,
            record,
            standing,
            lambda extra: self._s3.put_object(
                Bucket=self._bucket, Key=data_key(day), Body=body, **extra
            ),
        )

    def commit(
        self,
        day: str,
        record: DayRecord,
        standing: StandingDay | None,
        write: Callable[[dict[str, Any]], object],
    ) -> None:
        """Write the record, then have `write` write the data that names it, then tidy up."""
        body = msgspec.json.encode(record)
        digest = hashlib.sha256(body).hexdigest()[:16]
        folder = f"{RECORDS}dt={day}/"
        key = f"{folder}{record.generation:08}-{digest}.json"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        condition = {"IfMatch": f'"{standing.etag}"'} if standing else {"IfNoneMatch": "*"}
        try:
            write({"Metadata": {"record": key}, **condition})
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                raise DayChangedError(day) from error
            raise
        self._tidy(folder, key)

    def _tidy(self, folder: str, current: str) -> None:
        """Take away a day's records that nothing names any more.

        One of a later generation may belong to a writer who is about to commit.
        """
        last = current.rsplit("-", 1)[0] + "~"
        for row in self._listed(folder):
            if row["Key"] != current and row["Key"] < last:
                self._s3.delete_object(Bucket=self._bucket, Key=row["Key"])

    def _record_of(self, key: str, records: Sequence[str]) -> str:
        """A lone record is the data's, since the data's goes only after its successor's commit."""
        if len(records) == 1:
            return records[0]
        named: str = self._s3.head_object(Bucket=self._bucket, Key=key)["Metadata"]["record"]
        return named

    def _listed(self, prefix: str) -> Iterator[Any]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            yield from page.get("Contents", ())


def opened(body: bytes, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    """A reader of a day's data, for one thread.

    Args:
        body: the data.
        dictionaries: columns to read as dictionaries.
    """
    return pq.ParquetFile(pa.BufferReader(body), read_dictionary=list(dictionaries))


def data_key(day: str) -> str:
    """The key of a day's data."""
    return f"{PREFIX}dt={day}/{_FILE}"


def _folder_day(key: str) -> str | None:
    return day_of(key.rsplit("/", 1)[0] + "/")


def _leaves(schema: pa.Schema) -> list[str]:
    """Paths of the Parquet columns, those inside a struct or a list included."""
    return ["track.name", "track.artists.list.element", "track.album"] + [
        field.name for field in schema if not pa.types.is_nested(field.type)
    ]
