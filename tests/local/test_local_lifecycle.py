"""Starting and stopping the embedded AWS: nothing is left behind, and time passes as it is told."""

import json
import socket
import subprocess
import sys
import threading

import pytest
from local_helpers import allow_rule, invoke, is_running, make_function, make_stream, put

from musicrec.local.http_server import HttpServer, PortTakenError
from musicrec.local.moto_store import AlreadyOpenError, MotoStore
from musicrec.local.server import EmbeddedAws, NotRunningError

NOTE_EVENT = (
    "import json, os\ndef lambda_handler(event, context):\n"
    "    open(os.environ['OUT'], 'a').write(json.dumps(event) + '\\n')\n    return {'rows': 3}"
)


@pytest.mark.slow
class TestSchedule:
    def test_stored_rule_fires_by_the_clock(self, tmp_path):
        """A rule that was put over the API runs its function when the clock reaches its time."""
        now = [1_782_864_000.0]
        with EmbeddedAws(clock=lambda: now[0]) as server:
            out = {"Variables": {"OUT": str(tmp_path / "events")}}
            arn = make_function(server.aws, "hourly", NOTE_EVENT, Environment=out)
            events = server.aws.client("events")
            rule = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
            allow_rule(server.aws, arn, rule["RuleArn"])
            events.put_targets(Rule="hourly", Targets=[{"Id": "t", "Arn": arn}])
            schedules = server._parts.schedules
            assert schedules.fire_due() == []
            now[0] += 3_600
            assert schedules.fire_due() == ["hourly"]
            event = json.loads((tmp_path / "events").read_text())
            assert event["time"] == "2026-07-01T01:00:00Z"
            events.disable_rule(Name="hourly")
            now[0] += 3_600
            assert schedules.fire_due() == []


@pytest.mark.slow
class TestStreams:
    def test_states_and_retention_go_by_the_clock(self):
        """A stream becomes ACTIVE when the clock says so, and its records go after a day."""
        now = [1_782_864_000.0]
        with EmbeddedAws(clock=lambda: now[0], stream_transition_s=30) as server:
            kinesis = server.aws.client("kinesis")
            kinesis.create_stream(StreamName="s", ShardCount=1)

            def status():
                summary = kinesis.describe_stream_summary(StreamName="s")
                return summary["StreamDescriptionSummary"]["StreamStatus"]

            assert status() == "CREATING"
            now[0] += 30
            assert status() == "ACTIVE"
            put(server.aws, "s", ["old"])
            now[0] += 24 * 3_600 + 1
            put(server.aws, "s", ["new"])
            iterator = kinesis.get_shard_iterator(
                StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            records = kinesis.get_records(ShardIterator=iterator)["Records"]
            assert [record["Data"] for record in records] == [b'"new"']


@pytest.mark.slow
class TestStop:
    def test_nothing_is_left(self, tmp_path):
        """After a stop, idle or busy, no process, thread, socket or file remains."""
        before = set(threading.enumerate())
        code = (
            "import os, time\ndef lambda_handler(event, context):\n"
            "    open(os.environ['OUT'], 'a').write(f'{os.getpid()}\\n')\n"
            "    if event: time.sleep(60)"
        )
        server = EmbeddedAws()
        server.start()
        out = {"Variables": {"OUT": str(tmp_path / "pids")}}
        make_function(server.aws, "f", code, Environment=out, Timeout=90)
        invoke(server.aws, "f")
        stream = make_stream(server.aws, "s")
        server.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=stream, FunctionName="f", StartingPosition="TRIM_HORIZON"
        )
        put(server.aws, "s", [1])
        with pytest.raises(TimeoutError):
            server.drain(1.0)  # the mapping's invocation is in progress
        port = int(server.endpoint_url.rpartition(":")[2])
        work = server._parts.functions._work
        server.stop()
        assert set(threading.enumerate()) <= before
        pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
        assert len(pids) >= 2
        assert not any(map(is_running, pids))
        assert not work.exists()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0

    def test_process_can_end_without_a_stop(self):
        """A program that forgets to stop the server still ends."""
        program = "from musicrec.local.server import EmbeddedAws\nEmbeddedAws().start()"
        ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
        assert ended.returncode == 0

    def test_server_starts_again_and_empty(self):
        """A server can be started after a stop; moto's state does not survive."""
        server = EmbeddedAws()
        with server:
            make_stream(server.aws, "s")
        with server:
            assert server.aws.client("kinesis").list_streams()["StreamNames"] == []


class TestAddress:
    def test_no_address_before_the_start(self):
        """Asking for the address of a server that does not run says so."""
        with pytest.raises(NotRunningError, match="start it"):
            _ = EmbeddedAws().endpoint_url

    def test_taken_port(self):
        """A taken port is named, with what to do."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(PortTakenError, match=rf"127\.0\.0\.1:{port}.*another port"):
                HttpServer(port)

    def test_one_at_a_time(self):
        """Moto has one state a process, so a second store is refused until the first is closed."""
        first, second = MotoStore(), MotoStore()
        first.open()
        try:
            with pytest.raises(AlreadyOpenError, match="stop that one first"):
                second.open()
        finally:
            first.close()
        second.open()
        second.close()
