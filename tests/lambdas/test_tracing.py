"""What the functions' traces hold, and when there are none; each case in a process of its own."""

import json
import os
import socket
import subprocess
import sys

import pytest
from light_handlers import REPOSITORY

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


def test_the_first_sampled_call_of_an_old_environment_is_no_cold_start():
    """Invocations that were not sampled count: only the first of all is a cold start."""
    program = """
import os, sys
from musicrec.tracing import traced

@traced
def lambda_handler(event, context):
    return {}

os.environ["_X_AMZN_TRACE_ID"] = os.environ["TRACE"] + ";Sampled=0"
lambda_handler({}, None)
print("aws_xray_sdk" in sys.modules)
os.environ["_X_AMZN_TRACE_ID"] = os.environ["TRACE"] + ";Sampled=1"
lambda_handler({}, None)
"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(REPOSITORY),
                "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
                "LAMBDA_TASK_ROOT": "/var/task",
                "TRACE": TRACE,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(daemon.recv(65_536).decode().partition("\n")[2])
    assert done.stdout.strip() == "False"
    assert told["annotations"]["ColdStart"] is False
