"""The embedded AWS as a whole: one port, everything alive behind it."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from local_helpers import allow_rule, make_function, make_stream, put

from musicrec.local.server import EmbeddedAws

NOTE_EVENT = (
    "import json, os\ndef lambda_handler(event, context):\n"
    "    open(os.environ['OUT'], 'a').write(json.dumps(event) + '\\n')\n    return {'rows': 3}"
)


def call(server, method, path, **headers):
    """One plain HTTP request; returns status and decoded body."""
    request = urllib.request.Request(server.endpoint_url + path, method=method, headers=headers)  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own loopback address
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def server():
    with EmbeddedAws() as server:
        yield server


@pytest.mark.slow
class TestStorage:
    def test_moto_stores(self, server):
        """What is put into S3 comes back, under keys that need escaping."""
        s3 = server.aws.client("s3")
        s3.create_bucket(Bucket="lake")
        key = "raw/dt=2026-07-01/a b+c%2Fd é.parquet"
        s3.put_object(Bucket="lake", Key=key, Body=b"\x00" * 2_000_000)
        assert s3.get_object(Bucket="lake", Key=key)["Body"].read() == b"\x00" * 2_000_000
        assert [item["Key"] for item in s3.list_objects_v2(Bucket="lake")["Contents"]] == [key]

    def test_empty_object(self, server):
        """An upload of no bytes is stored at once; its client asks to be invited first."""
        s3 = server.aws.client("s3")
        s3.create_bucket(Bucket="empty")
        s3.put_object(Bucket="empty", Key="_SUCCESS", Body=b"")
        assert s3.get_object(Bucket="empty", Key="_SUCCESS")["Body"].read() == b""

    def test_presigned_url(self, server):
        """An object can be fetched without credentials by a presigned URL."""
        s3 = server.aws.client("s3")
        s3.create_bucket(Bucket="shared")
        s3.put_object(Bucket="shared", Key="k", Body=b"41")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "shared", "Key": "k"})
        assert call(server, "GET", url.removeprefix(server.endpoint_url)) == (200, 41)

    def test_concurrent_writers_lose_nothing(self, server):
        """Eight threads put 960 records, and all are there."""
        make_stream(server.aws, "busy")

        def write():
            for _ in range(12):
                put(server.aws, "busy", range(10))

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kinesis = server.aws.client("kinesis")
        iterator = kinesis.get_shard_iterator(
            StreamName="busy", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )
        records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        assert [int(record["SequenceNumber"]) for record in records] == list(range(1, 961))
        assert records[0]["Data"] == b"0"

    def test_put_records_is_still_checked(self, server):
        """Kinesis refuses what AWS refuses."""
        make_stream(server.aws, "limits")
        kinesis = server.aws.client("kinesis")
        with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
            kinesis.get_shard_iterator(
                StreamName="nothing", ShardId="s", ShardIteratorType="LATEST"
            )
        with pytest.raises(kinesis.exceptions.ClientError, match="500"):
            kinesis.put_records(
                StreamName="limits", Records=[{"Data": b"x", "PartitionKey": "k"}] * 501
            )


@pytest.mark.slow
class TestAdminRoutes:
    def test_health(self, server):
        """A running server says that it is well."""
        status, answer = call(server, "GET", "/_musicrec/health")
        assert (status, answer["status"]) == (200, "ok")

    def test_unknown_route(self, server):
        """An unknown admin route is a 404 in JSON with what there is."""
        status, answer = call(server, "GET", "/_musicrec/nothing")
        assert status == 404
        assert "GET /_musicrec/health" in answer["routes"]

    def test_other_hosts_are_refused(self, server):
        """A request under a foreign host name gets nothing."""
        assert call(server, "GET", "/_musicrec/health", Host="evil.example")[0] == 403

    def test_drain(self, server):
        """A drain over HTTP counts what was processed."""
        status, answer = call(server, "POST", "/_musicrec/drain")
        assert status == 200
        assert set(answer["processed"]) == {"event_sources", "delivery_streams"}

    def test_fire(self, server, tmp_path):
        """A rule fired over HTTP runs its function now and answers with what it returned."""
        out = {"Variables": {"OUT": str(tmp_path / "events")}}
        arn = make_function(server.aws, "daily", NOTE_EVENT, Environment=out)
        events = server.aws.client("events")
        rule = events.put_rule(Name="daily", ScheduleExpression="cron(0 3 * * ? *)")
        allow_rule(server.aws, arn, rule["RuleArn"])
        events.put_targets(Rule="daily", Targets=[{"Id": "build", "Arn": arn}])
        status, answer = call(server, "POST", "/_musicrec/rules/daily/fire")
        target = {"id": "build", "arn": arn, "error": None, "answer": {"rows": 3}}
        assert (status, answer["targets"]) == (200, [target])
        event = json.loads((tmp_path / "events").read_text())
        assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
        assert call(server, "POST", "/_musicrec/rules/nightly/fire")[0] == 404


@pytest.mark.slow
class TestReset:
    def test_everything_is_forgotten(self, server):
        """After a reset no function, mapping, rule or record is left, and all can be made anew."""
        for _ in range(2):
            stream = make_stream(server.aws, "again")
            make_function(server.aws, "again", "def lambda_handler(e, c): return 1")
            api = server.aws.client("lambda")
            api.create_event_source_mapping(
                EventSourceArn=stream, FunctionName="again", StartingPosition="TRIM_HORIZON"
            )
            put(server.aws, "again", [1, 2])
            assert server.drain(20)["event_sources"] == {"again": 2}
            assert call(server, "POST", "/moto-api/reset")[0] == 200
            assert api.list_functions()["Functions"] == []
            assert server.drain(20)["event_sources"] == {}
