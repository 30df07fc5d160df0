"""A Lambda function as it is stored: its settings read back from the API, its code unpacked."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local.parts import Aws, FunctionCodeError, FunctionNotFoundError

_NAME: Final = re.compile(
    r"(?:(?:arn:aws:lambda:[^:]+:)?\d{12}:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,140})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?"
)

AWSLAMBDARIC: Final = "runtime_awslambdaric.py"
PLAIN_PYTHON: Final = "runtime_client.py"


class StoredFunction(Struct, frozen=True):
    """The settings of a function that running it needs.

    Attributes:
        name: the function's name.
        arn: the function's ARN, qualified if it was asked for so.
        version: `$LATEST` or a number.
        handler: `module.function`.
        timeout: seconds that one invocation may take.
        memory: megabytes; told to the handler, not enforced.
        variables: the environment variables that were configured.
        role: ARN of the role that its processes take.
        runtime: e.g. `python3.12`; the processes run this interpreter whatever it says.
        reserved_concurrency: how many invocations may run at once; None for no limit.
    """

    name: str
    arn: str
    version: str
    handler: str
    timeout: float
    memory: int
    variables: dict[str, str]
    role: str
    runtime: str
    reserved_concurrency: int | None


def parse_name(name_or_arn: str) -> tuple[str, str]:
    """Split a function's name, partial ARN or ARN into name and qualifier, empty for none.

    Raises:
        FunctionNotFoundError: it is no such thing.
    """
    match = _NAME.fullmatch(name_or_arn)
    if match is None:
        raise FunctionNotFoundError(f"{name_or_arn!r} is no function's name or ARN")
    return match["name"], match["qualifier"] or ""


def load(aws: Aws, name: str, qualifier: str) -> StoredFunction:
    """Read a function's settings back.

    Raises:
        FunctionNotFoundError: nothing is stored under that name.
    """
    api = aws.client("lambda")
    asked = {"Qualifier": qualifier} if qualifier else {}
    try:
        answer = api.get_function(FunctionName=name, **asked)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise FunctionNotFoundError(
            f"Function not found: arn:aws:lambda:{aws.region}:{aws.account_id}:function:{name}"
        ) from error
    reserved = api.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    return _from_answer(answer["Configuration"], reserved)


def _from_answer(configuration: dict[str, Any], reserved: int | None) -> StoredFunction:
    return StoredFunction(
        name=configuration["FunctionName"],
        arn=configuration["FunctionArn"],
        version=configuration["Version"],
        handler=configuration["Handler"],
        timeout=float(configuration["Timeout"]),
        memory=configuration["MemorySize"],
        variables=configuration.get("Environment", {}).get("Variables", {}),
        role=configuration["Role"],
        runtime=configuration.get("Runtime")
        or f"python{sys.version_info[0]}.{sys.version_info[1]}",
        reserved_concurrency=reserved,
    )


class CodeStore:
    """Unpacks code archives, each distinct archive once.

    Args:
        directory: where; the owner removes it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def unpack(self, archive: bytes, function_name: str) -> Path:
        """The directory that holds an archive's files.

        Raises:
            FunctionCodeError: the archive is not a zip archive.
        """
        place = self._directory / hashlib.sha256(archive).hexdigest()
        with self._lock:
            if not place.exists():
                self._extract(archive, place, function_name)
        return place

    @staticmethod
    def _extract(archive: bytes, place: Path, function_name: str) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(place)
        except zipfile.BadZipFile as error:
            raise FunctionCodeError(
                f"the code of {function_name} ({len(archive)} bytes) is not a zip archive: update "
                "the function's code"
            ) from error


def choose_runtime() -> str:
    """The script that runs handlers: AWS's own client where it is installed, else ours."""
    return AWSLAMBDARIC if importlib.util.find_spec("awslambdaric") else PLAIN_PYTHON


def command(function: StoredFunction, runtime: str) -> list[str]:
    """The command line of a function's process; `-P` keeps our directory off its import path."""
    script = Path(__file__).with_name(runtime)
    return [sys.executable, "-P", str(script), function.handler]


def process_variables(
    function: StoredFunction, *, aws: Aws, runtime_api: str, task_root: Path, temporary: Path
) -> dict[str, str]:
    """The whole environment of a function's process: what Lambda sets, and what was configured.

    Nothing is inherited from this process, so a developer's own AWS variables cannot leak in.

    Args:
        function: its settings.
        aws: the embedded AWS as the function's role sees it, where the function's clients go.
        runtime_api: `host:port/prefix` of its runtime API.
        task_root: the unpacked code.
        temporary: a directory of its own for temporary files.
    """
    ours = {
        "AWS_ACCESS_KEY_ID": aws.credentials.access_key,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{function.version}]{temporary.name}",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": aws.region,
        "AWS_SECRET_ACCESS_KEY": aws.credentials.secret_key,
        "AWS_SESSION_TOKEN": aws.credentials.token or "",
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": function.handler,
    }
    defaults = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(temporary),
        "TZ": ":UTC",
    }
    python_path = [str(task_root), function.variables.get("PYTHONPATH", "")]
    ours["PYTHONPATH"] = ":".join(filter(None, python_path))
    return {**defaults, **function.variables, **ours}
