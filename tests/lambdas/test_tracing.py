"""What the functions' traces hold, and when there are none; each case in a process of its own."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest
from light_handlers import REPOSITORY

from musicrec import tracing

TRACE = "Root=1-69a42f00-0123456789abcdef01234567;Parent=53995c3f42cd8ad8"
PROGRAM = """
import os
os.environ["_X_AMZN_TRACE_ID"] = os.environ["TRACE"]
import boto3
from botocore.stub import Stubber
from musicrec.tracing import traced

queue = boto3.client("sqs")

@traced
def lambda_handler(event, context):
    with Stubber(queue) as stubber:
        stubber.add_client_error("send_message", "InvalidInput", "no such listener as b\\u00f6rk")
        try:
            queue.send_message(QueueUrl="https://queue", MessageBody="secret song")
        except queue.exceptions.ClientError:
            pass
    if event["fail"]:
        raise LookupError("b\\u00f6rk is unknown")
    return {"answer": "secret song"}

for fail in (False, True):
    try:
        lambda_handler({"fail": fail}, None)
    except LookupError:
        pass
"""


@pytest.fixture(scope="module")
def daemon():
    """A socket in the place of X-Ray's daemon."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.settimeout(0.2)
        yield taken


def traces(daemon, **variables):
    """What two calls of a handler send to the daemon, and what they print; the second one fails."""
    host, port = daemon.getsockname()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(REPOSITORY),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
            "POWERTOOLS_SERVICE_NAME": "hot_path",
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    sent = []
    try:
        while True:
            sent.append(daemon.recv(65_536).decode())
    except TimeoutError:
        return sent, done.stderr


@pytest.fixture(scope="module")
def sent(daemon):
    return traces(daemon, LAMBDA_TASK_ROOT="/var/task", TRACE=f"{TRACE};Sampled=1")[0]


class TestSampled:
    def test_each_call_is_recorded_with_its_start(self, sent):
        """Both calls of the handler are there; the first alone is a cold start."""
        documents = [json.loads(one.partition("\n")[2]) for one in sent]
        handlers = [one for one in documents if one["name"] == "## lambda_handler"]
        assert [one["annotations"] for one in handlers] == [
            {"ColdStart": True, "Service": "hot_path"},
            {"ColdStart": False, "Service": "hot_path"},
        ]
        assert [bool(one.get("fault")) for one in handlers] == [False, True]

    def test_calls_of_aws_are_recorded(self, sent):
        """What the handler asks of AWS is part of the trace, with the kind of its failure."""
        calls = [json.loads(one.partition("\n")[2]) for one in sent if '"SendMessage"' in one]
        assert [one["name"] for one in calls] == ["sqs", "sqs"]
        assert calls[0]["cause"]["exceptions"][0]["type"] == "ClientError"

    def test_nothing_says_what_it_was_about(self, sent):
        """No answer, no message and no error's text is in a trace."""
        assert len(sent) == 4
        told = json.dumps([json.loads(one.partition("\n")[2]) for one in sent], ensure_ascii=False)
        assert not [word for word in ("secret", "björk", "listener", "unknown") if word in told]


@pytest.mark.parametrize(
    "variables",
    [
        {"LAMBDA_TASK_ROOT": "/var/task", "TRACE": f"{TRACE};Sampled=0"},
        {"LAMBDA_TASK_ROOT": "/var/task", "TRACE": ""},
        {"TRACE": f"{TRACE};Sampled=1"},
        {
            "LAMBDA_TASK_ROOT": "/var/task",
            "TRACE": f"{TRACE};Sampled=1",
            "POWERTOOLS_TRACE_DISABLED": "true",
        },
    ],
    ids=["not-sampled", "no-trace", "outside-lambda", "switched-off"],
)
def test_otherwise_nothing_is_sent(daemon, variables):
    """An invocation that is not sampled, and a handler outside Lambda, send nothing."""
    sent, printed = traces(daemon, **variables)
    assert sent == []
    assert "aemon" not in printed


class TestInvocation:
    def test_an_answer_does_not_hang_on_the_daemon(self):
        """Where nobody takes the trace the call goes on, and its own error comes out as it is."""
        nobody = tracing.Invocation("1-69a42f00-0123456789abcdef01234567", "53995c3f42cd8ad8", ":0")
        with nobody.handler("lambda_handler", {}):
            pass
        with pytest.raises(LookupError, match="mine"), nobody.aws("sqs", {}):
            raise LookupError("mine")

    def test_calls_are_below_the_handler(self, daemon):
        """A call of AWS names the handler's record as its parent, also from another thread."""
        host, port = daemon.getsockname()
        invocation = tracing.Invocation(
            "1-69a42f00-0123456789abcdef01234567", "above", f"{host}:{port}"
        )

        def call():
            with invocation.aws("sqs", {"namespace": "aws"}):
                pass

        with invocation.handler("lambda_handler", {"ColdStart": True}):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        inner, outer = (json.loads(daemon.recv(65_536).partition(b"\n")[2]) for _ in range(2))
        assert inner["parent_id"] == outer["id"]
        assert outer["parent_id"] == "above"
        assert outer["start_time"] <= inner["start_time"] <= inner["end_time"] <= outer["end_time"]


class TestFailure:
    def test_tells_the_kind_and_the_place_only(self):
        """The message stays here; the innermost frame comes first."""
        with pytest.raises(LookupError) as caught:
            raise LookupError("björk")
        told = tracing.failure(caught.value)
        (described,) = told["cause"]["exceptions"]
        assert (described["type"], described["remote"]) == ("LookupError", False)
        assert described["stack"][0]["label"] == "test_tells_the_kind_and_the_place_only"
        assert "björk" not in json.dumps(told, ensure_ascii=False)
