"""One delivery stream at work: read, partition, buffer, convert, write."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from musicrec.local.firehose.configuration import Configuration
from musicrec.local.firehose.conversion import to_parquet
from musicrec.local.firehose.naming import delivered_key, error_key
from musicrec.local.firehose.partitioning import Keys, Partitioner
from musicrec.local.firehose.reader import StreamReader, StreamRecord
from musicrec.local.firehose.schema import arrow_schema
from musicrec.local.parts import ActAs

_EXTRACTION_FAILED: Final = "DynamicPartitioning.MetadataExtractionFailed"
_MALFORMED: Final = "DataFormatConversion.MalformedData"


class DeliveryCounts(Struct):
    """What one delivery stream has done: records delivered, records failed, objects written."""

    delivered: int = 0
    failed: int = 0
    objects: int = 0


class _Buffer(Struct):
    """Records of one partition that wait to be written."""

    since: float
    records: list[StreamRecord] = field(default_factory=list)
    size: int = 0


class Delivery:
    """Brings the records of one delivery stream to S3, at least once.

    A record stays in its buffer until the object that holds it is written; a failed write is
    tried again at the next flush.

    Args:
        act_as: takes the roles that the configuration names.
        configuration: of the delivery stream; may be replaced while it runs.
        clock: monotonic seconds, for the age of buffers.
        now: the UTC time, for the attempts on failed records.
        random: for object names.
    """

    def __init__(
        self,
        act_as: ActAs,
        configuration: Configuration,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._act_as = act_as
        self._clock = clock
        self._now = now
        self._random = random
        source = act_as(configuration.source_role)
        self._reader = StreamReader(source.client("kinesis"), configuration.stream)
        self._buffers: dict[Keys, _Buffer] = {}
        self._errors: dict[str, list[dict[str, Any]]] = {}
        self.counts = DeliveryCounts()
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Deliver by a changed configuration from now on."""
        query = configuration.partition_query
        self.configuration = configuration
        self._partitioner = Partitioner(query) if query else None

    def read(self) -> None:
        """Take over everything that is on the stream, writing what fills its buffer."""
        for records in self._reader.read_to_end():
            self._accept(records)
            self.flush(only_due=True)

    def flush(self, *, only_due: bool = False) -> None:
        """Write the buffers, and every record that failed.

        Args:
            only_due: leave those that have reached neither the buffer size nor its age.
        """
        for keys, buffer in list(self._buffers.items()):
            if self._due(buffer) or not only_due:
                self._write(dict(keys), buffer.records)
                del self._buffers[keys]
        for error_type, errors in list(self._errors.items()):
            self._write_errors(error_type, errors)
            del self._errors[error_type]

    def _due(self, buffer: _Buffer) -> bool:
        age = self._clock() - buffer.since
        full = buffer.size >= self.configuration.buffer_bytes
        return full or age >= self.configuration.buffer_seconds

    def _accept(self, records: Sequence[StreamRecord]) -> None:
        partitions: Sequence[Keys | str] = [()] * len(records)
        if self._partitioner:
            partitions = self._partitioner.keys([record.data for record in records])
        for record, keys in zip(records, partitions, strict=True):
            if isinstance(keys, str):
                self._fail("processing-failed", self._unpartitioned(record, keys))
            else:
                self._buffer(keys, record)

    def _fail(self, error_type: str, error: dict[str, Any]) -> None:
        self._errors.setdefault(error_type, []).append(error)

    def _buffer(self, keys: Keys, record: StreamRecord) -> None:
        buffer = self._buffers.get(keys)
        if buffer is None:
            buffer = self._buffers[keys] = _Buffer(since=self._clock())
        buffer.records.append(record)
        buffer.size += len(record.data)

    def _write(self, partition: dict[str, str], records: list[StreamRecord]) -> None:
        content, failed = self._content(records)
        if content is not None:
            arrival = _time(min(record.arrival for record in records))
            key = delivered_key(self.configuration, arrival, partition, self._random)
            self._put(key, content)
            self.counts.delivered += len(records) - len(failed)
        for index, why in failed.items():
            self._fail("format-conversion-failed", self._unconverted(records[index], why))

    def _content(self, records: list[StreamRecord]) -> tuple[bytes | None, dict[int, str]]:
        table = self.configuration.catalog_table
        payloads = [record.data for record in records]
        if table is None:
            joined = b"".join(payload + self.configuration.delimiter for payload in payloads)
            return (gzip.compress(joined, mtime=0) if self.configuration.gzip else joined), {}
        described = (
            self._act_as(table.role_arn)
            .client("glue")
            .get_table(DatabaseName=table.database, Name=table.table)
        )
        schema = arrow_schema(described["Table"]["StorageDescriptor"]["Columns"])
        return to_parquet(payloads, schema, self.configuration.parquet_compression)

    def _write_errors(self, error_type: str, errors: list[dict[str, Any]]) -> None:
        arrival = _time(min(error["arrivalTimestamp"] for error in errors) / 1000)
        key = error_key(self.configuration, arrival, error_type, self._random)
        self._put(key, b"".join(msgspec.json.encode(error) + b"\n" for error in errors))
        self.counts.failed += len(errors)

    def _put(self, key: str, content: bytes) -> None:
        s3 = self._act_as(self.configuration.role).client("s3")
        s3.put_object(Bucket=self.configuration.bucket, Key=key, Body=content)
        self.counts.objects += 1

    def _unpartitioned(self, record: StreamRecord, why: str) -> dict[str, Any]:
        return {
            **self._attempt(record),
            "errorCode": _EXTRACTION_FAILED,
            "errorMessage": why,
        }

    def _unconverted(self, record: StreamRecord, why: str) -> dict[str, Any]:
        table = self.configuration.catalog_table
        assert table
        return {
            **self._attempt(record),
            "errorCode": _MALFORMED,
            "errorMessage": why,
            "sequenceNumber": record.sequence_number,
            "subSequenceNumber": None,
            "dataCatalogTable": {
                "databaseName": table.database,
                "tableName": table.table,
                "region": table.region,
                "versionId": table.version,
                "roleArn": table.role_arn,
            },
        }

    def _attempt(self, record: StreamRecord) -> dict[str, Any]:
        return {
            "attemptsMade": 1,
            "arrivalTimestamp": int(record.arrival * 1000),
            "attemptEndingTimestamp": int(self._now().timestamp() * 1000),
            "rawData": base64.b64encode(record.data).decode(),
        }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
