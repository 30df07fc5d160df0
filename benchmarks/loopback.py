"""As much of AWS as the hot path calls, on the loopback device: what is measured is its caller."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.start_times import REPOSITORY

TRACE: Final = "Root=1-69a42f00-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=0"


class Aws(BaseHTTPRequestHandler):
    """Answers PutEvents and GetParameter with as little as boto3 accepts."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body in one packet: else every call waits for an acknowledgement

    def do_POST(self) -> None:  # http.server's name
        """Answer one call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"{}"
        if self.headers.get("X-Amz-Target", "").endswith("GetParameter"):
            body = b'{"Parameter": {"Name": "/n", "Type": "String", "Value": "t", "Version": 1}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _serve(tell: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    tell.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def loopback_aws() -> Iterator[None]:
    """A server in a process of its own, to which every boto3 client of this process goes from now on."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{here.recv()}",
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
    try:
        yield
    finally:
        server.terminate()
        server.join()
