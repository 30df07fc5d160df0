"""The daily build's heavy work on Athena, for what outgrows a Lambda's 15 minutes or its memory.

Each query leaves its rows as Parquet in the results prefix of the work group, which empties itself.
This process only joins files: the Parquet of a curated day, the lines of the CSV.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import awswrangler as wr
import pyarrow as pa
import pyarrow.parquet as pq

from musicrec.datasets import athena_sql, csvfile
from musicrec.datasets.athena_sql import Import
from musicrec.datasets.csvfile import WrittenFile
from musicrec.datasets.schemas import INTERACTIONS, fingerprint
from musicrec.processor.curated import SCHEMA
from musicrec.processor.curated_records import Taken
from musicrec.processor.curated_store import CODEC, DayChangedError, data_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from musicrec.datasets.engines import EngineName, Work
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.processor.curated_records import DayRecord
    from musicrec.processor.curated_store import CuratedStore
    from musicrec.processor.curation import DayOfNews

RESULTS: Final = "athena/"
MAX_PATHS: Final = 1500
"""Raw objects that a query names; Athena takes 256 KiB of SQL. Of more, the whole day is read: what
was taken in before is recognised by its event ids."""

_POLLING_S: Final = 0.25


class AthenaQueries:
    """Runs queries in a stack's work group and reads what they leave.

    Args:
        clients: where to.
        deployment: whose database, work group and bucket.
        new_id: makes the name of a query's folder.
    """

    def __init__(
        self,
        clients: Clients,
        deployment: Deployment,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._session, self._s3 = clients.session, clients.s3
        self._deployment, self._new_id = deployment, new_id

    def table(self, name: str) -> str:
        """A table of the stack's database, quoted."""
        return f'"{self._deployment.database}"."{name}"'

    def unload(self, query: str, form: str) -> list[str]:
        """Run a query; returns the keys of the files with its rows.

        Raises:
            QueryFailed: Athena refused the query or broke it off (of `awswrangler.exceptions`).
        """
        bucket, folder = self._deployment.bucket, f"{RESULTS}build/{self._new_id()}/"
        statement = f"UNLOAD ({query}) TO 's3://{bucket}/{folder}' WITH ({form})"
        started = wr.athena.start_query_execution(
            statement,
            database=self._deployment.database,
            workgroup=self._deployment.workgroup,
            boto3_session=self._session,
        )
        wr.athena.wait_query(
            started, boto3_session=self._session, athena_query_wait_polling_delay=_POLLING_S
        )
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        return sorted(row["Key"] for page in pages for row in page.get("Contents", ()))

    def tables(self, query: str) -> Iterator[pa.Table]:
        """The rows of a query, a row group at a time."""
        for key in self.unload(query, "format = 'PARQUET'"):
            file = pq.ParquetFile(io.BytesIO(self._body(key)))
            for number in range(file.num_row_groups):
                yield file.read_row_group(number)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query that has few."""
        return [row for table in self.tables(query) for row in table.to_pylist()]

    def lines(self, query: str) -> Iterator[bytes]:
        """The one text column of a query, a line each, as pieces of bytes."""
        for key in self.unload(query, "format = 'TEXTFILE', compression = 'NONE'"):
            body = self._s3.get_object(Bucket=self._deployment.bucket, Key=key)["Body"]
            yield from body.iter_chunks(csvfile.PART_BYTES)

    def _body(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._deployment.bucket, Key=key)["Body"].read()


class AthenaDayWriter:
    """Takes the news of a day in with Athena; what comes back passes through in row groups."""

    def __init__(
        self, clients: Clients, deployment: Deployment, store: CuratedStore, queries: AthenaQueries
    ) -> None:
        self._clients, self._deployment = clients, deployment
        self._store, self._queries = store, queries

    def write(self, news: DayOfNews) -> DayRecord:
        """Rewrite one day, at once for its readers; returns what it is made of now.

        Raises:
            DayChangedError: another writer was first.
            QueryFailed: Athena refused a query (of `awswrangler.exceptions`).
        """
        bucket = self._deployment.bucket
        paths = [f"s3://{bucket}/{one.key}" for one in news.objects]
        raw = athena_sql.raw_rows(
            self._queries.table(self._deployment.table),
            news.day,
            paths if len(paths) <= MAX_PATHS else None,
        )
        curated = self._queries.table(self._deployment.curated_table)
        (counted,) = self._queries.rows(athena_sql.counts(raw))
        (distinct,) = self._queries.rows(athena_sql.distinct(raw, curated, news.day))
        taken = Taken(
            rows=counted["n"],
            invalid=counted["n"] - counted["valid"],
            other=counted["valid"] - counted["interactions"],
            added=distinct["n"] - news.record.rows,
        )
        record = news.extended(taken, ordered=False)
        query = athena_sql.merged_day(raw, curated, news.day, record.generation)
        write = partial(self._write, news.day, query, record)
        self._store.commit(news.day, record, news.standing, write)
        return record

    def _write(self, day: str, query: str, record: DayRecord, extra: dict[str, Any]) -> None:
        metadata = extra.pop("Metadata")
        bucket = self._deployment.bucket
        with csvfile.S3File(self._clients.s3, bucket, data_key(day), metadata) as file:
            if _join(self._queries.tables(query), file) != record.rows:
                raise DayChangedError(day)  # objects came in between two queries
            file.finish(condition=extra)


class AthenaEngine:
    """Writes the CSV of the interactions with Athena."""

    name: EngineName = "athena"

    def __init__(self, clients: Clients, deployment: Deployment, queries: AthenaQueries) -> None:
        self._s3, self._bucket = clients.s3, deployment.bucket
        self._queries = queries
        self._curated = queries.table(deployment.curated_table)

    def write(self, work: Work, unless_sha256: str | None) -> WrittenFile:
        """Write the CSV, unless the file that stands there was made of the same rows.

        Athena gives lines in no order, so the digest is of what the file was made of.

        Raises:
            QueryFailed: Athena refused a query (of `awswrangler.exceptions`).
        """
        since = {day.standing.day: day.since for day in work.days}
        digest = _digest(work)
        if since:
            self._learn(Import(self._curated, since), work)
        if digest == unless_sha256:
            size = self._s3.head_object(Bucket=self._bucket, Key=work.key)["ContentLength"]
            written = self._written(work, size, digest, changed=False)
        else:
            with csvfile.S3File(self._s3, self._bucket, work.key) as file:
                file.write(csvfile.header(INTERACTIONS.names))
                for some in (
                    self._queries.lines(Import(self._curated, since).lines()) if since else ()
                ):
                    file.write(some)
                written = self._written(work, file.finish().size, digest, changed=True)
        work.evidence.facts["interactions"].size = written.size
        return written

    def _written(self, work: Work, size: int, digest: str, *, changed: bool) -> WrittenFile:
        uri = f"s3://{self._bucket}/{work.key}"
        return WrittenFile(uri=uri, size=size, sha256=digest, changed=changed)

    def _learn(self, asked: Import, work: Work) -> None:
        """Everything that the other engine learns of the rows while it writes them."""
        facts, tally = work.evidence.facts["interactions"], work.evidence.tally
        for row in self._queries.rows(asked.by_day()):
            work.held[row["dt"]] = row["held"]
            facts.rows += row["made"]
            work.dropped["same interaction"] += int(row["same"])
        (unusable,) = self._queries.rows(asked.unusable())
        work.dropped["unusable user id"] += unusable["n"]
        for row in self._queries.rows(asked.spread()):
            facts.nulls["EVENT_VALUE"] += row["valueless"]
            tally.add_type(row["event_type"], row["n"], row["first"], row["last"])
        for column, add in (("user_id", tally.add_users), ("track_id", tally.add_items)):
            for table in self._queries.tables(asked.tally(column)):
                add(table["value"].combine_chunks(), table["amount"].combine_chunks())
        for table in self._queries.tables(asked.names()):
            work.seen.observe(table["track_id"], _same(_as_read(table)))
        work.seen.end_day()


def _same(table: pa.Table) -> Callable[[], pa.Table]:
    return lambda: table


def _as_read(table: pa.Table) -> pa.Table:
    """Columns in the types in which the curated table holds them."""
    fields = pa.schema([SCHEMA.field(name) for name in table.column_names])
    return table.cast(fields)


def _digest(work: Work) -> str:
    days = sorted((one.standing.day, one.standing.generation, one.since) for one in work.days)
    made_of = repr((fingerprint("interactions"), days))
    return hashlib.sha256(made_of.encode()).hexdigest()


def _join(tables: Iterator[pa.Table], file: csvfile.S3File) -> int:
    """Write tables as one Parquet file; returns the number of rows."""
    rows = 0
    target = pa.PythonFile(_Sink(file), mode="w")
    with pq.ParquetWriter(target, SCHEMA, compression=CODEC) as sink:
        for table in tables:
            sink.write_table(table.select(SCHEMA.names).cast(SCHEMA))
            rows += table.num_rows
    return rows


class _Sink(io.RawIOBase):
    """An S3 file as pyarrow writes to it."""

    def __init__(self, file: csvfile.S3File) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.size

    def write(self, data: Any) -> int:
        self._file.write(bytes(data))
        return len(data)
