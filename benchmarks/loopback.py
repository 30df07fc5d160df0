"""As much of AWS as the light functions call, on the loopback device: what is measured is their caller."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, Final

from benchmarks.start_times import REPOSITORY

TRACE: Final = "Root=1-69a42f00-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=0"


PARAMETER: Final = b'{"Parameter": {"Name": "/n", "Type": "String", "Value": "t", "Version": 1}}'
PARAMETERS: Final = (
    b'{"Parameters": [{"Name": "/campaign", "Type": "String", "Value": "c", "Version": 1}]}'
)
NOTHING: Final = b'{"Responses": {}, "UnprocessedKeys": {}}'
"""An empty table, and what every other service takes for done."""

RANKED: Final = (
    b'{"itemList": [{"itemId": "4uLU6hMCjMI75M1A2tKUQC", "score": 0.5}], "recommendationId": "r-1"}'
)


ANSWERS: Final = {
    "GetParameter": PARAMETER,
    "GetParameters": PARAMETERS,
    "/recommendations": RANKED,
}
"""By operation, or by path where that names it."""


class Aws(BaseHTTPRequestHandler):
    """Answers each call with as little as boto3 accepts, and every GET with one object of S3."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body in one packet: else every call waits for an acknowledgement
    stored: ClassVar[bytes] = b""

    def do_POST(self) -> None:  # http.server's name
        """Answer one call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", self.path).rpartition(".")[2]
        self._answer(ANSWERS.get(operation, NOTHING))

    def do_GET(self) -> None:  # http.server's name
        """Answer with the object."""
        self._answer(self.stored)

    do_HEAD = do_GET  # noqa: N815 # as above

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _serve(tell: Connection, stored: Path | None) -> None:
    Aws.stored = stored.read_bytes() if stored else b""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    tell.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def serving(stored: Path | None = None) -> Iterator[str]:
    """A server in a process of its own.

    Args:
        stored: the one object that S3 holds, whatever it is called.

    Yields:
        Its address.
    """
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=_serve, args=(there, stored), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()
        server.join()


@contextlib.contextmanager
def loopback_aws() -> Iterator[None]:
    """Every boto3 client of this process goes to such a server from now on."""
    with serving() as address:
        os.environ |= {
            "AWS_ENDPOINT_URL": address,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LAMBDA_TASK_ROOT": str(REPOSITORY),
            "_X_AMZN_TRACE_ID": TRACE,
            "POWERTOOLS_SERVICE_NAME": "hot_path",
            "POWERTOOLS_METRICS_NAMESPACE": "musicrec",
            "TRACKING_ID_PARAMETER": "/n",
            "POISON_QUEUE_URL": "http://127.0.0.1:1/queue",
        }
        yield
