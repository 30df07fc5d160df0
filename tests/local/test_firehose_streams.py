"""Delivery streams at work: what they take, buffer and put into the lake."""

import base64
import gzip
import io
import json
import time
from functools import cache
from random import Random
from types import SimpleNamespace

import boto3
import pyarrow.parquet as pq
import pytest
from delivery_world import ARRIVAL, BUCKET, DAY, QUERY, event
from moto import mock_aws

from musicrec import events
from musicrec.local.firehose import DeliveryStreams


class Lake:
    """A stream, a table, a bucket and a delivery stream in moto, with the animator over them."""

    def __init__(self):
        self.client = cache(lambda service: boto3.client(service, region_name="us-east-1"))
        self.kinesis, self.s3 = self.client("kinesis"), self.client("s3")
        self.seconds = 0.0
        self.roles = set()
        self.kinesis.create_stream(StreamName="plays", ShardCount=2)
        self.s3.create_bucket(Bucket=BUCKET)
        glue = self.client("glue")
        glue.create_database(DatabaseInput={"Name": "db"})
        columns = {"Columns": events.glue_columns()}
        glue.create_table(
            DatabaseName="db", TableInput={"Name": "plays", "StorageDescriptor": columns}
        )
        self.streams = DeliveryStreams(
            aws=SimpleNamespace(client=self.client),
            act_as=self.act_as,
            clock=lambda: self.seconds,
            now=lambda: ARRIVAL,
            random=Random(7),
        )

    def act_as(self, role_arn):
        """Every role may do everything, but is noted."""
        self.roles.add(role_arn)
        return SimpleNamespace(client=self.client)

    def deliver(self, name="tunes", **destination):
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/plays",
                "RoleARN": "arn:aws:iam::123456789012:role/r",
            },
            ExtendedS3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/r",
                "BucketARN": f"arn:aws:s3:::{BUCKET}",
            }
            | destination,
        )

    def put(self, *payloads):
        records = [
            {"Data": p if isinstance(p, bytes) else json.dumps(p), "PartitionKey": str(n)}
            for n, p in enumerate(payloads)
        ]
        self.kinesis.put_records(StreamName="plays", Records=records)

    def drain(self):
        self.streams.drain(time.monotonic() + 20)

    def objects(self, prefix=""):
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        keys = [item["Key"] for item in listed]
        return {
            key: self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in sorted(keys)
        }

    def rows(self):
        files = self.objects("raw/").values()
        return [row for file in files for row in pq.read_table(io.BytesIO(file)).to_pylist()]


PARQUET = {
    "Prefix": "raw/dt=!{partitionKeyFromQuery:dt}/",
    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "ProcessingConfiguration": {
        "Enabled": True,
        "Processors": [
            {
                "Type": "MetadataExtraction",
                "Parameters": [
                    {"ParameterName": "MetadataExtractionQuery", "ParameterValue": QUERY},
                    {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                ],
            }
        ],
    },
    "DataFormatConversionConfiguration": {
        "Enabled": True,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        "SchemaConfiguration": {"DatabaseName": "db", "TableName": "plays", "RoleARN": "r"},
    },
}


@pytest.fixture
def lake(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = Lake()
        yield made
        made.streams.stop()


class TestDeliveryStreams:
    def test_a_drain_brings_everything_to_the_lake(self, lake):
        """Every record on the stream is in the Parquet file of its day once, with its columns."""
        lake.deliver(**PARQUET)
        lake.streams.start()
        sent = [event(n, occurred_at=1_772_323_200_000 + n % 3 * DAY) for n in range(30)]
        lake.put(*sent)
        lake.drain()
        rows = lake.rows()
        assert sorted(row["event_id"] for row in rows) == sorted(e["event_id"] for e in sent)
        assert {key.split("/")[1] for key in lake.objects("raw/")} == {
            "dt=2026-03-01", "dt=2026-03-02", "dt=2026-03-03",
        }  # fmt: skip
        assert rows[0]["track"] == {"name": "it's", "artists": ["宇多田"], "album": None}
        assert lake.streams.counts()["tunes"].delivered == 30

    def test_records_put_later_are_delivered_later(self, lake):
        """Reading goes on where it stopped; nothing is delivered twice."""
        lake.deliver(**PARQUET)
        lake.streams.start()
        for number in range(3):
            lake.put(event(number))
            lake.drain()
        assert len(lake.rows()) == 3

    def test_bad_records_go_to_the_error_prefix(self, lake):
        """Each bad record is kept whole, with the reason, in the object of its kind of failure."""
        lake.deliver(**PARQUET)
        lake.streams.start()
        lake.put(event(1), b"oops", event(2, listened_ms="long"))
        lake.drain()
        assert len(lake.rows()) == 1
        (extraction,) = lake.objects("errors/processing-failed/").values()
        (conversion,) = lake.objects("errors/format-conversion-failed/").values()
        first, second = json.loads(extraction), json.loads(conversion)
        assert base64.b64decode(first["rawData"]) == b"oops"
        assert first["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
        assert first["attemptsMade"] == 1
        assert second["errorCode"] == "DataFormatConversion.MalformedData"
        assert json.loads(base64.b64decode(second["rawData"]))["listened_ms"] == "long"
        assert second["dataCatalogTable"]["tableName"] == "plays"

    def test_buffers_wait_for_their_age(self, lake):
        """Without a drain a small buffer is written when its interval is over, not before."""
        lake.deliver(**PARQUET)
        lake.put(event(1))
        lake.streams._pass(draining=False)
        assert lake.objects() == {}
        lake.seconds = 60
        lake.streams._pass(draining=False)
        assert len(lake.rows()) == 1

    def test_a_full_buffer_is_written_at_once(self, lake):
        """A buffer that reaches its size does not wait for its age."""
        hints = {"SizeInMBs": 1, "IntervalInSeconds": 900}
        lake.deliver(**PARQUET | {"BufferingHints": hints})
        lake.put(*[event(n, context_uri="x" * 100_000) for n in range(11)])
        lake.streams._pass(draining=False)
        assert lake.objects("raw/")

    def test_a_failed_write_is_tried_again(self, lake):
        """While the bucket is gone the drain says so; when it is back the records arrive."""
        lake.deliver(**PARQUET)
        lake.s3.delete_bucket(Bucket=BUCKET)
        lake.put(event(1), b"oops")
        lake.streams.start()
        with pytest.raises(TimeoutError, match="NoSuchBucket"):
            lake.streams.drain(time.monotonic() + 2)
        lake.s3.create_bucket(Bucket=BUCKET)
        lake.drain()
        assert len(lake.rows()) == 1
        assert len(lake.objects("errors/")) == 1

    def test_without_conversion_the_bytes_are_joined(self, lake):
        """A plain delivery stream writes what came, compressed and delimited as it says."""
        delimiter = {"Type": "AppendDelimiterToRecord"}
        lake.deliver(
            Prefix="raw/",
            CompressionFormat="GZIP",
            ProcessingConfiguration={"Enabled": True, "Processors": [delimiter]},
        )
        lake.put(b"one", b"one")
        lake.streams.start()
        lake.drain()
        (content,) = lake.objects("raw/").values()
        assert gzip.decompress(content) == b"one\none\n"

    def test_a_deleted_delivery_stream_stops(self, lake):
        """After deletion nothing more is delivered for it."""
        lake.deliver(**PARQUET)
        lake.streams._pass(draining=True)
        lake.client("firehose").delete_delivery_stream(DeliveryStreamName="tunes")
        lake.put(event(1))
        lake.streams._pass(draining=True)
        assert lake.objects() == {}
        assert lake.streams.counts() == {}

    def test_two_delivery_streams_do_not_disturb_each_other(self, lake):
        """One that cannot be carried out is reported, the other delivers."""
        lake.deliver("broken", CompressionFormat="ZIP")
        lake.deliver(**PARQUET)
        lake.put(event(1))
        assert lake.streams._pass(draining=True) is False
        assert len(lake.rows()) == 1

    def test_a_late_drain_says_why(self, lake):
        """A drain whose deadline has passed raises at once."""
        with pytest.raises(TimeoutError, match="not drained"):
            lake.streams.drain(time.monotonic() - 1)
