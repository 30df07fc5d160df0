"""Delivery from the stream to the lake: names, partitions, columns, settings."""

import io
import json
from datetime import UTC, datetime
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delivery_world import ARRIVAL, BUCKET, DAY, QUERY
from hypothesis import given
from hypothesis import strategies as st

from musicrec import events
from musicrec.local.firehose.configuration import (
    CatalogTable,
    Configuration,
    UnsupportedDeliveryError,
    read_configuration,
)
from musicrec.local.firehose.conversion import to_parquet
from musicrec.local.firehose.naming import PrefixError, delivered_key, error_key
from musicrec.local.firehose.partitioning import Partitioner
from musicrec.local.firehose.schema import UnknownColumnTypeError, arrow_schema, arrow_type


def configuration(**changes):
    values = {
        "name": "tunes",
        "version": "1",
        "stream": "plays",
        "bucket": BUCKET,
        "prefix": "raw/dt=!{partitionKeyFromQuery:dt}/",
        "error_prefix": "errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/",
        "buffer_bytes": 1_000_000,
        "buffer_seconds": 60.0,
        "source_role": "reader",
        "role": "writer",
        "partition_query": QUERY,
        "catalog_table": CatalogTable("db", "plays", "us-east-1", "role", "LATEST"),
        "parquet_compression": "snappy",
        "gzip": False,
        "delimiter": b"",
    }
    return Configuration(**(values | changes))


def keys_of(*payloads, query=QUERY):
    return Partitioner(query).keys([p if isinstance(p, bytes) else p.encode() for p in payloads])


class TestNaming:
    def test_delivered_objects_are_named_as_firehose_does(self):
        """Prefix, stream, version, arrival of the oldest record, a unique part, the extension."""
        key = delivered_key(configuration(), ARRIVAL, {"dt": "2026-02-28"}, Random(1))
        assert key.startswith("raw/dt=2026-02-28/tunes-1-2026-03-01-07-05-09-")
        assert key.endswith(".parquet")

    def test_plain_prefix_gets_the_hour(self):
        """A prefix without expressions is followed by the arrival hour in UTC."""
        plain = configuration(prefix="raw/", catalog_table=None, gzip=True)
        key = delivered_key(plain, ARRIVAL, {}, Random(1))
        assert key.startswith("raw/2026/03/01/07/tunes-1-")
        assert key.endswith(".gz")

    def test_expressions_are_evaluated(self):
        """Timestamps with quoted text, random strings and error types have their values."""
        named = configuration(
            prefix="!{timestamp:yyyy'/T'HH}/!{firehose:random-string}/", catalog_table=None
        )
        head, hour, random, _ = delivered_key(named, ARRIVAL, {}, Random(1)).split("/")
        assert (head, hour, len(random)) == ("2026", "T07", 11)
        failed = error_key(configuration(), ARRIVAL, "processing-failed", Random(1))
        assert failed.startswith("errors/processing-failed/2026-03-01/tunes-1-")

    @pytest.mark.parametrize(
        "prefix", ["!{partitionKeyFromQuery:nope}/", "!{timestamp:QQ}/", "!{firehose:nope}/"]
    )
    def test_unknown_expressions_are_errors(self, prefix):
        """What Firehose would refuse is not written literally."""
        with pytest.raises(PrefixError):
            delivered_key(configuration(prefix=prefix), ARRIVAL, {"dt": "x"}, Random(1))


class TestPartitioner:
    def test_the_query_makes_the_keys(self):
        """The event's own time decides, whatever order the members are in."""
        later = f'{{"x": [1], "occurred_at": {DAY + 5}}}'
        assert keys_of('{"occurred_at": 0}', later) == [
            (("dt", "1970-01-01"),),
            (("dt", "1970-01-02"),),
        ]

    @pytest.mark.parametrize(
        "payload",
        [b"oops", b"", b"{}", b"[]", b'{"occurred_at": "x"}', b'{"occurred_at": null}', b"\xff",
         b'{"a": 1} {"b": 2}', b"[" * 400 + b"]" * 400],
    )  # fmt: skip
    def test_a_bad_record_spoils_no_other(self, payload):
        """What is no JSON or has no key gets a reason, its neighbours get their keys."""
        good = b'{"occurred_at": 0}'
        before, bad, after = keys_of(good, payload, good)
        assert before == after == (("dt", "1970-01-01"),)
        assert isinstance(bad, str)

    def test_empty_keys_are_refused(self):
        """A null or empty key is a failure, a number becomes text."""
        assert isinstance(keys_of('{"a": null}', query="{a: .a}")[0], str)
        assert isinstance(keys_of('{"a": ""}', query="{a: .a}")[0], str)
        assert keys_of('{"a": 7}', query="{a: .a}") == [(("a", "7"),)]

    @given(st.lists(st.integers(events.MIN_OCCURRED_AT, events.MAX_OCCURRED_AT), max_size=5))
    def test_equals_the_event_s_own_day(self, times):
        """The partition is the day that the event itself gives, for any allowed time."""
        days = [datetime.fromtimestamp(t // 1000, UTC).strftime("%Y-%m-%d") for t in times]
        payloads = [json.dumps({"occurred_at": t}) for t in times]
        assert keys_of(*payloads) == [(("dt", day),) for day in days]


class TestSchema:
    def test_the_lake_s_columns(self):
        """Glue types become Arrow types, nested ones included."""
        schema = arrow_schema(events.glue_columns())
        assert schema.field("occurred_at").type == pa.int64()
        assert schema.field("schema_version").type == pa.int32()
        assert schema.field("track").type == pa.struct(
            [("name", pa.string()), ("artists", pa.list_(pa.string())), ("album", pa.string())]
        )

    def test_sized_and_nested_types(self):
        """Decimals, varchars and maps of structs are understood."""
        assert arrow_type("decimal(10,2)") == pa.decimal128(10, 2)
        assert arrow_type("varchar(20)") == pa.string()
        nested = arrow_type("map<string,struct<a:decimal(4,1),b:array<int>>>")
        assert nested.item_type.field("a").type == pa.decimal128(4, 1)

    def test_unknown_type_is_named(self):
        """A type that is not known is an error."""
        with pytest.raises(UnknownColumnTypeError, match="uniontype"):
            arrow_type("uniontype<int,string>")


class TestToParquet:
    SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string()), ("when", pa.timestamp("ms"))])

    def rows(self, *payloads):
        encoded = [p if isinstance(p, bytes) else json.dumps(p).encode() for p in payloads]
        content, failed = to_parquet(encoded, self.SCHEMA, "snappy")
        return (pq.read_table(io.BytesIO(content)).to_pylist() if content else []), failed

    def test_members_become_columns(self):
        """Unknown members are left out, missing ones are null."""
        rows, failed = self.rows({"n": 1, "extra": 2}, {"s": "ö"})
        assert rows == [{"n": 1, "s": None, "when": None}, {"n": None, "s": "ö", "when": None}]
        assert failed == {}

    def test_bad_records_are_told_and_the_rest_delivered(self):
        """A record that does not fit is reported by index and column, the others are kept."""
        rows, failed = self.rows({"n": 1}, {"n": "x"}, b"[]", {"n": 2**70}, {"n": 2})
        assert [row["n"] for row in rows] == [1, 2]
        assert set(failed) == {1, 2, 3}
        assert failed[1].startswith("column n:")

    def test_text_and_numbers_are_read_leniently(self):
        """Like Firehose's JSON reader: numbers in text, anything in a string column."""
        rows, failed = self.rows({"n": "12", "s": 5, "when": "2026-03-01T00:00:00+00:00"})
        assert rows == [{"n": 12, "s": "5", "when": datetime(2026, 3, 1)}]  # noqa: DTZ001 - the column has no zone
        assert failed == {}

    def test_nothing_to_write_makes_no_file(self):
        """When every record fails there is no file."""
        assert self.rows(b"oops")[0] == []


def description(**destination):
    return {
        "DeliveryStreamName": "tunes",
        "VersionId": "3",
        "Source": {
            "KinesisStreamSourceDescription": {
                "KinesisStreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/plays"
            }
        },
        "Destinations": [
            {"ExtendedS3DestinationDescription": {"BucketARN": "arn:aws:s3:::lake"} | destination}
        ],
    }


class TestReadConfiguration:
    def test_a_bare_delivery_stream_gets_the_service_s_defaults(self):
        """5 MiB or 300 s, raw bytes, no partitions."""
        read = read_configuration(description())
        assert (read.stream, read.bucket, read.version) == ("plays", "lake", "3")
        assert (read.buffer_bytes, read.buffer_seconds) == (5 * 1024 * 1024, 300)
        assert (read.partition_query, read.catalog_table, read.gzip) == (None, None, False)

    def test_direct_puts_are_left_to_moto(self):
        """A delivery stream without a Kinesis source is not taken up."""
        direct = description()
        del direct["Source"]
        assert read_configuration(direct) is None

    @pytest.mark.parametrize(
        "destination",
        [
            {"CompressionFormat": "ZIP"},
            {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda"}]}},
            {
                "DataFormatConversionConfiguration": {
                    "Enabled": True,
                    "OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}},
                }
            },
        ],
    )
    def test_what_is_not_carried_out_is_an_error(self, destination):
        """ZIP, Lambda transformation and ORC are refused by name, not skipped."""
        with pytest.raises(UnsupportedDeliveryError, match="tunes"):
            read_configuration(description(**destination))
