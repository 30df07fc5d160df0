"""The embedded Personalize with moto behind it, composed as the real server is."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass

import boto3
from botocore.config import Config
from moto.server import DomainDispatcherApplication, create_backend_app

from musicrec.local.http_server import HttpServer
from musicrec.local.personalize.app import create_app


@dataclass
class LoopbackAws:
    """What the application needs of `musicrec.local.parts.Aws`."""

    endpoint_url: str = ""
    region: str = "us-east-1"
    account_id: str = "123456789012"

    def client(self, service, region=None):
        """A client of the server that takes no for an answer.

        botocore would send what met LimitExceeded four times more, with pauses.
        """
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=region or self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )


class Server:
    """The running server."""

    def __init__(self, **options):
        self.aws = LoopbackAws()
        self.app = create_app(aws=self.aws, **options)
        moto = DomainDispatcherApplication(create_backend_app)
        lock = threading.Lock()

        def route(environ, start_response):
            if "/personalize/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
                return self.app(environ, start_response)
            with lock:
                return moto(environ, start_response)

        self._server = HttpServer(0)
        self.aws.endpoint_url = f"http://127.0.0.1:{self._server.port}"
        self._server.start(route)
        self.s3 = self.aws.client("s3")

    def stop(self):
        """End the server."""
        self._server.stop()


if __name__ == "__main__":
    running = Server()
    print(running.aws.endpoint_url, flush=True)  # noqa: T201 - tells whoever started it
    sys.stdin.read()
    running.stop()
