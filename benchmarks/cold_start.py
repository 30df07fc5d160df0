"""How long a new environment of each function takes to its first answer, beside an empty function.

    python -m benchmarks.cold_start

Each function runs as Lambda runs it: its zip unpacked, under AWS's runtime client `awslambdaric`, in
a fresh process that asks a runtime API for its first event and posts the answer. The clock runs from
the start of the process to that answer. Beside it an empty handler that only imports boto3, as
nearly every function does. Runs take turns, so that what else the machine does falls on all alike;
each is compared with the empty one of its turn, and medians are told, of the time on the wall and of
the processor's. AWS is a small server on the loopback device; what is measured is us.

Lambda's disk is read-only, so byte code that is not in a zip is made anew at every start. As `make
package` puts it there (given an interpreter of Lambda's version), it is there here; `--sources`
measures without.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks import recorded
from benchmarks.loopback import TRACE, serving
from benchmarks.start_times import REPOSITORY
from musicrec import catalog
from musicrec.deploying import bytecode, layer, packages

SAMPLE: Final = REPOSITORY / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"
EVENTS: Final = REPOSITORY / "tests" / "events"

EMPTY: Final = "empty"
EMPTY_HANDLER: Final = "import boto3\n\n\ndef lambda_handler(event, context):\n    return {}\n"

FIRST_EVENTS: Final = {
    EMPTY: b"{}",
    "hot_path": (EVENTS / "kinesis.json").read_bytes(),
    "profile_builder": (EVENTS / "kinesis.json").read_bytes(),
    "recommendations": (EVENTS / "api_gateway_recommendations.json").read_bytes(),
    "dataset_builder": b"{}",  # refused: a build is minutes of work, a cold start none
}
"""What each function is first asked."""

VARIABLES: Final = {
    "CAMPAIGN_ARN_PARAMETER": "/campaign",
    "CATALOG_URI": "s3://bucket/catalog.sqlite",
    "EXPERIMENT_PARAMETER": "/experiment",
    "FILTER_ARN_PARAMETER": "/filter",
    "ON_REQUEST_FILTER_ARN_PARAMETER": "/on-request-filter",
    "POISON_QUEUE_URL": "http://127.0.0.1:1/queue",
    "POWERTOOLS_METRICS_NAMESPACE": "musicrec",
    "PROFILE_TABLE": "profiles",
    "STACK": "musicrec",
    "TRACKING_ID_PARAMETER": "/tracker",
}

DEADLINE_S: Final = 60.0


class Start(NamedTuple):
    """What a start took.

    Attributes:
        wall_s: seconds from the start of the process to its first answer.
        cpu_s: processor seconds that it used for that.
    """

    wall_s: float
    cpu_s: float


class NoAnswerError(RuntimeError):
    """A function ended, or went silent, before it answered."""


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's runtime API for one environment and one event.

    Args:
        event: the event, JSON.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, event: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.event: bytes | None = event
        self.answered = threading.Event()
        self.at = 0.0
        self.failure: bytes | None = None

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the process is killed while it asks for more."""


class _Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536
    server: RuntimeApi

    def do_GET(self) -> None:
        event, self.server.event = self.server.event, None
        if event is None:  # the second request waits, as in Lambda, until the process is ended
            threading.Event().wait(DEADLINE_S)
            return
        self.send_response(200)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(event)),
            "Lambda-Runtime-Aws-Request-Id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + DEADLINE_S) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:f",
            "Lambda-Runtime-Trace-Id": TRACE,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        self.server.at = time.perf_counter()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/response"):
            self.server.failure = body
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answered.set()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def prepared(functions: tuple[str, ...], *, compiled: bool) -> Iterator[dict[str, Path]]:
    """Each function's code in a folder of its own, and the layer beside them as `layer`.

    Args:
        functions: keys of `infra/stack.json`.
        compiled: whether byte code is there too.
    """
    with tempfile.TemporaryDirectory(prefix="musicrec-cold-") as folder:
        places = {name: Path(folder, name) for name in (EMPTY, *functions)}
        places[EMPTY].mkdir()
        (places[EMPTY] / "handler.py").write_text(EMPTY_HANDLER)
        for name in functions:
            with zipfile.ZipFile(io.BytesIO(packages.function_zip(name))) as archive:
                archive.extractall(places[name])
        _copy_layer(Path(folder, "layer"))
        if compiled:
            bytecode.compile_folder(Path(folder), sys.executable, folder)
        yield {**places, "layer": Path(folder, "layer")}


def _copy_layer(target: Path) -> None:
    """What the layer holds, as installed here: its own files are compiled for another machine."""
    for name in layer.DISTRIBUTIONS:
        for file in importlib.metadata.files(name) or ():
            if file.suffix in {".py", ".so", ".json"} and ".." not in file.parts:
                place = target / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(Path(str(file.locate())).read_bytes())


def first_answer(name: str, places: Mapping[str, Path], aws: str) -> Start:
    """Start a function and wait for its first answer.

    Args:
        name: the function, or `EMPTY`.
        places: of `prepared`.
        aws: address of the small AWS.

    Raises:
        NoAnswerError: it did not answer.
    """
    with RuntimeApi(FIRST_EVENTS[name]) as api, tempfile.TemporaryDirectory() as temporary:
        threading.Thread(target=api.serve_forever, args=(0.01,), daemon=True).start()
        variables = _variables(name, places, aws, api.server_port) | {"TMPDIR": temporary}
        command = [sys.executable, "-m", "awslambdaric", "handler.lambda_handler"]
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 # our own interpreter
            command,
            cwd=places[name],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        answered = api.answered.wait(DEADLINE_S)
        process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        api.shutdown()
        if not answered or (api.failure and name != "dataset_builder"):
            raise NoAnswerError(f"{name} gave no answer: {api.failure!r}")
        return Start(api.at - began, used.ru_utime + used.ru_stime)


def _variables(name: str, places: Mapping[str, Path], aws: str, port: int) -> dict[str, str]:
    return VARIABLES | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_SECRET_ACCESS_KEY": "test",
        "LAMBDA_TASK_ROOT": str(places[name]),
        "PATH": os.defpath,
        "POWERTOOLS_SERVICE_NAME": name,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{places[name]}:{places['layer']}",
    }


def measure(
    rounds: int, functions: tuple[str, ...], *, compiled: bool = True
) -> dict[str, list[Start]]:
    """Start each function, and the empty one as `EMPTY`, so many times in turns.

    Args:
        rounds: how often.
        functions: keys of `infra/stack.json`.
        compiled: whether byte code is in the zips.

    Raises:
        NoAnswerError: a function did not answer.
    """
    starts: dict[str, list[Start]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="musicrec-cold-") as folder:
        artefact = Path(folder, "catalog.sqlite")
        catalog.write(catalog.read_kaggle(SAMPLE)[0], artefact)
        with serving(artefact) as aws, prepared(functions, compiled=compiled) as places:
            for _ in range(rounds):
                for name in (EMPTY, *functions):
                    starts[name].append(first_answer(name, places, aws))
    return dict(starts)


def figures(starts: Mapping[str, list[Start]]) -> dict[str, dict[str, float]]:
    """Medians of the starts in seconds, and as multiples of the empty function's of the same turn."""
    return {
        name: {
            "wall_s": median(start.wall_s for start in taken),
            "wall_ratio": _ratio(taken, starts[EMPTY], 0),
            "cpu_s": median(start.cpu_s for start in taken),
            "cpu_ratio": _ratio(taken, starts[EMPTY], 1),
        }
        for name, taken in starts.items()
    }


def _ratio(taken: list[Start], empty: list[Start], field: int) -> float:
    return median(one[field] / other[field] for one, other in zip(taken, empty, strict=True))


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """A Markdown table of `figures`."""
    lines = [
        "| function | to the first answer | times the empty one | processor time | times the empty one |",
        "|---|---|---|---|---|",
    ]
    for name, it in found.items():
        shown = "an empty one that imports boto3" if name == EMPTY else f"`{name}`"
        lines.append(
            f"| {shown} | {it['wall_s'] * 1000:,.0f} ms | {it['wall_ratio']:.2f} "
            f"| {it['cpu_s'] * 1000:,.0f} ms | {it['cpu_ratio']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each function")
    parser.add_argument("--sources", action="store_true", help="without byte code in the zips")
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    asked = parser.parse_args()
    functions = tuple(name for name in FIRST_EVENTS if name != EMPTY)
    found = figures(measure(asked.rounds, functions, compiled=not asked.sources))
    text = table(found)
    sys.stdout.write(text + "\n")
    if asked.record:
        recorded.keep("cold_start", tables={"answers": text}, figures=found)


if __name__ == "__main__":
    main()
