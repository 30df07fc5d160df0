"""Stored functions, run for real: invoked with boto3, under both runtime clients."""

import json
import os
import sys
import threading
import time

import pytest
from botocore.exceptions import ClientError
from local_helpers import invoke, is_running, make_function, make_role, zipped

from musicrec.local.server import EmbeddedAws
from musicrec.local.stored_function import AWSLAMBDARIC, PLAIN_PYTHON

pytestmark = pytest.mark.slow

CLIENTS = [
    pytest.param(
        AWSLAMBDARIC,
        marks=pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric has Linux wheels"),
    ),
    PLAIN_PYTHON,
]

ECHO = """
import os
print("module loaded")
def lambda_handler(event, context):
    print("got", event)
    return {
        "event": event,
        "pid": os.getpid(),
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "request_id": context.aws_request_id,
        "function_name": context.function_name,
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "log_group": context.log_group_name,
        "remaining": context.get_remaining_time_in_millis(),
    }
"""


@pytest.fixture(scope="module", params=CLIENTS)
def server(request, tmp_path_factory):
    with EmbeddedAws(runtime=request.param, log_dir=tmp_path_factory.mktemp("logs")) as server:
        yield server


@pytest.fixture
def aws(server):
    return server.aws


def eventually(condition, seconds=5.0):
    """Wait for a condition that another process brings about."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.01)


@pytest.fixture(scope="module")
def echo(server):
    environment = {"Variables": {"TABLE": "profiles", "AWS_REGION": "mars"}}
    return make_function(
        server.aws, "echo", ECHO, Environment=environment, Timeout=7, MemorySize=256
    )


@pytest.mark.usefixtures("echo")
class TestInvocation:
    def test_answer_comes_back(self, aws):
        """A handler's answer is the invocation's."""
        answer, error = invoke(aws, "echo", {"numbers": [1, 2.5, None], "text": "é"})
        assert error is None
        assert answer["event"] == {"numbers": [1, 2.5, None], "text": "é"}

    @pytest.mark.parametrize("name", ["echo", "123456789012:function:echo", None])
    def test_name_or_arn(self, aws, echo, name):
        """A function answers to its name, its partial ARN and its ARN."""
        assert invoke(aws, name or echo)[0]["function_name"] == "echo"

    def test_context_is_lambdas(self, aws, echo):
        """The context tells the function who it is and how long it may run."""
        answer, _ = invoke(aws, "echo")
        assert answer["arn"] == echo
        assert answer["version"] == "$LATEST"
        assert int(answer["memory"]) == 256
        assert answer["log_group"] == "/aws/lambda/echo"
        assert 5_000 < answer["remaining"] <= 7_000
        assert answer["request_id"] != invoke(aws, "echo")[0]["request_id"]

    def test_environment_is_clean(self, aws, monkeypatch):
        """The process sees what was configured and what Lambda sets, and nothing of ours."""
        monkeypatch.setenv("AWS_PROFILE", "somebody")
        monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
        aws.client("lambda").update_function_configuration(
            FunctionName="echo",
            Environment={"Variables": {"TABLE": "profiles", "AWS_REGION": "mars"}},
        )
        environment = invoke(aws, "echo")[0]["environment"]
        assert environment["TABLE"] == "profiles"
        assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
        assert environment["AWS_ENDPOINT_URL"] == aws.endpoint_url
        assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "echo"
        assert environment["_HANDLER"] == "handler.lambda_handler"
        assert environment["_X_AMZN_TRACE_ID"].startswith("Root=1-")
        assert "AWS_PROFILE" not in environment
        assert "SECRET_OF_THE_SHELL" not in environment

    def test_task_root_is_first(self, aws):
        """The code runs where it was unpacked, and its modules are found first."""
        answer, _ = invoke(aws, "echo")
        root = answer["environment"]["LAMBDA_TASK_ROOT"]
        assert os.path.realpath(answer["cwd"]) == os.path.realpath(root)
        assert answer["environment"]["PYTHONPATH"].split(":")[0] == root

    def test_environment_is_reused(self, aws):
        """One process answers one invocation after the other."""
        assert len({invoke(aws, "echo")[0]["pid"] for _ in range(4)}) == 1

    def test_output_is_kept(self, server, aws):
        """What a function prints can be read, and is in its log file."""
        invoke(aws, "echo", {"marker": 4711})
        eventually(lambda: "4711" in "\n".join(server.function_log("echo")))
        assert "module loaded" in server.function_log("echo")
        assert "4711" in (server._log_dir / "echo.log").read_text()

    def test_aws_clients_of_a_handler_come_back_here(self, aws):
        """boto3 in a handler reaches the embedded AWS without any setting."""
        make_function(
            aws,
            "caller",
            "import boto3\ndef lambda_handler(e, c):\n"
            "    return boto3.client('sts').get_caller_identity()['Account']",
        )
        assert invoke(aws, "caller") == ("123456789012", None)


class TestFailure:
    @pytest.mark.parametrize(
        ("name", "code", "kind", "message"),
        [
            (
                "raises",
                "def lambda_handler(e, c): raise ValueError('no such track')",
                "ValueError",
                "no such track",
            ),
            (
                "exits",
                "import os\ndef lambda_handler(e, c): os._exit(3)",
                "Runtime.ExitError",
                "status 3",
            ),
            (
                "is-killed",
                "import os\ndef lambda_handler(e, c): os.kill(os.getpid(), 9)",
                "Runtime.ExitError",
                "signal: killed",
            ),
            ("imports-nothing", "import not_there", "Runtime.ImportModuleError", "not_there"),
            ("has-no-handler", "x = 1", "Runtime.HandlerNotFound", "lambda_handler"),
            ("is-not-python", "def x(:", "Runtime.UserCodeSyntaxError", "invalid syntax"),
            ("fails-to-start", "raise KeyError('table')", "KeyError", "table"),
        ],
    )
    def test_error_document(self, aws, name, code, kind, message):
        """Every way to fail is an unhandled error with Lambda's name for it, twice the same."""
        make_function(aws, name, code)
        for _ in range(2):
            answer, error = invoke(aws, name)
            assert error == "Unhandled"
            assert answer["errorType"] == kind
            assert message in answer["errorMessage"]

    def test_stack_trace_is_the_handlers(self, aws):
        """The trace names the handler's own line."""
        make_function(aws, "deep", "def f(): return 1 / 0\ndef lambda_handler(e, c): return f()")
        trace = invoke(aws, "deep")[0]["stackTrace"]
        assert "lambda_handler" in trace[0]
        assert "1 / 0" in trace[-1]

    def test_timeout(self, aws):
        """A slow invocation ends at the function's timeout, and the next gets a new process."""
        make_function(
            aws,
            "slow",
            "import os, time\ndef lambda_handler(e, c):\n"
            "    if e: time.sleep(30)\n    return os.getpid()",
            Timeout=1,
        )
        before, _ = invoke(aws, "slow", 0)
        answer, error = invoke(aws, "slow", 1)
        assert error == "Unhandled"
        assert answer["errorType"] == "Sandbox.Timedout"
        assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
        assert not is_running(before)
        after, error = invoke(aws, "slow", 0)
        assert (after != before, error) == (True, None)

    def test_children_of_a_timed_out_handler_end_with_it(self, aws, tmp_path):
        """Nothing that the handler started survives it."""
        make_function(
            aws,
            "parent",
            "import subprocess, time\ndef lambda_handler(e, c):\n"
            "    child = subprocess.Popen(['sleep', '60'])\n"
            "    open(e, 'w').write(str(child.pid))\n    time.sleep(60)",
            Timeout=1,
        )
        invoke(aws, "parent", str(tmp_path / "pid"))
        child = int((tmp_path / "pid").read_text())
        eventually(lambda: not is_running(child))

    def test_unknown_function(self, aws):
        """The error is Lambda's, with the ARN that was looked for."""
        with pytest.raises(ClientError, match=r"ResourceNotFoundException.*function:nobody"):
            invoke(aws, "nobody")

    def test_code_that_is_no_archive(self, aws):
        """The error says what is wrong with the stored code."""
        aws.client("lambda").create_function(
            FunctionName="garbage",
            Runtime="python3.11",
            Role=make_role(aws),
            Handler="handler.lambda_handler",
            Code={"ZipFile": b"not a zip archive"},
        )
        with pytest.raises(ClientError, match=r"garbage.*not a zip archive"):
            invoke(aws, "garbage")

    def test_event_that_is_no_json(self, aws):
        """Lambda takes JSON only."""
        make_function(aws, "any", "def lambda_handler(e, c): return e")
        with pytest.raises(ClientError, match="InvalidRequestContentException"):
            aws.client("lambda").invoke(FunctionName="any", Payload=b"{broken")

    def test_answer_that_is_too_large(self, aws):
        """An answer over six megabytes is an error, as in Lambda."""
        make_function(aws, "large", "def lambda_handler(e, c): return 'x' * 6_400_000")
        answer, error = invoke(aws, "large")
        assert (answer["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")


class TestChange:
    def test_new_code_takes_effect_at_once(self, aws):
        """After UpdateFunctionCode no invocation sees the old code."""
        make_function(aws, "versions", "def lambda_handler(e, c): return 1")
        assert invoke(aws, "versions")[0] == 1
        aws.client("lambda").update_function_code(
            FunctionName="versions", ZipFile=zipped("def lambda_handler(e, c): return 2")
        )
        assert invoke(aws, "versions")[0] == 2

    def test_new_settings_take_effect_at_once(self, aws):
        """After UpdateFunctionConfiguration the process is a new one with the new variables."""
        code = "import os\ndef lambda_handler(e, c): return os.environ.get('X')"
        make_function(aws, "settings", code)
        assert invoke(aws, "settings")[0] is None
        aws.client("lambda").update_function_configuration(
            FunctionName="settings", Environment={"Variables": {"X": "new"}}
        )
        assert invoke(aws, "settings")[0] == "new"

    def test_published_version_keeps_its_code(self, aws):
        """A version runs the code that was published, whatever became of the latest."""
        make_function(aws, "published", "def lambda_handler(e, c): return 'first'")
        api = aws.client("lambda")
        version = api.publish_version(FunctionName="published")["Version"]
        api.update_function_code(
            FunctionName="published", ZipFile=zipped("def lambda_handler(e, c): return 'second'")
        )
        answer = api.invoke(FunctionName="published", Qualifier=version)
        assert json.loads(answer["Payload"].read()) == "first"
        assert answer["ExecutedVersion"] == version
        assert invoke(aws, "published")[0] == "second"

    def test_deleted_function_is_gone(self, aws):
        """After DeleteFunction its process ends and invoking it is an error."""
        make_function(aws, "doomed", "import os\ndef lambda_handler(e, c): return os.getpid()")
        pid, _ = invoke(aws, "doomed")
        aws.client("lambda").delete_function(FunctionName="doomed")
        assert not is_running(pid)
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            invoke(aws, "doomed")


def run_four(aws, name):
    pids = []
    threads = [threading.Thread(target=lambda: pids.append(invoke(aws, name)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pids


class TestConcurrency:
    CODE = "import os, time\ndef lambda_handler(e, c):\n    time.sleep(0.2)\n    return os.getpid()"

    def test_two_environments_serve_all(self, aws):
        """Four invocations at once run on two processes, and all are answered."""
        make_function(aws, "busy", self.CODE)
        pids = run_four(aws, "busy")
        assert len(pids) == 4
        assert len(set(pids)) == 2

    def test_reserved_concurrency_is_respected(self, aws):
        """With one reserved execution there is one process."""
        make_function(aws, "alone", self.CODE)
        aws.client("lambda").put_function_concurrency(
            FunctionName="alone", ReservedConcurrentExecutions=1
        )
        assert len(set(run_four(aws, "alone"))) == 1

    def test_zero_reserved_concurrency_throttles(self, aws):
        """A function that may not run answers 429."""
        make_function(aws, "paused", self.CODE)
        aws.client("lambda").put_function_concurrency(
            FunctionName="paused", ReservedConcurrentExecutions=0
        )
        with pytest.raises(ClientError) as raised:
            invoke(aws, "paused")
        assert raised.value.response["Error"]["Code"] == "TooManyRequestsException"


class TestAsynchronous:
    def test_event_invocation_runs_and_is_retried(self, server, aws, tmp_path):
        """An Event invocation is accepted at once, runs later, and is tried three times."""
        code = (
            "def lambda_handler(event, context):\n"
            "    with open(event, 'a') as file: file.write('x')\n"
            "    raise RuntimeError"
        )
        make_function(aws, "later", code)
        answer = aws.client("lambda").invoke(
            FunctionName="later",
            InvocationType="Event",
            Payload=json.dumps(str(tmp_path / "tries")).encode(),
        )
        assert answer["StatusCode"] == 202
        server.drain(20)
        assert (tmp_path / "tries").read_text() == "xxx"
