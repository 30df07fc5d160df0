"""A stack that runs on this machine: the embedded AWS, deployed into, with its catalogue in place.

The demo, `musicrec up` and the tests all start here, so that they run the same system.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from musicrec.catalog import CleaningReport
from musicrec.datasets import catalogue
from musicrec.deployment import Deployment
from musicrec.local.deployer import deploy
from musicrec.local.parts import ACCESS_KEY, Aws
from musicrec.local.server import EmbeddedAws
from musicrec.personalize import clients, foundation
from musicrec.personalize.clients import Clients

if TYPE_CHECKING:
    from musicrec.local.server import Middleware

Deployer = Callable[[Aws, str], Deployment]
"""Makes a stack of a name in the embedded AWS."""


class Ready(Struct, frozen=True, kw_only=True):
    """What another program needs to drive the stack: the line of `musicrec up --json`."""

    endpoint_url: str
    api_url: str
    api_key: str
    region: str
    bucket: str
    stream: str
    profile_table: str
    database: str


class RunningStack:
    """A deployed stack and how to reach it.

    Attributes:
        server: the embedded AWS.
        deployment: where the stack's parts are.
        api_key: the value of the ingestion API's key.
        clients: clients as notebooks make them.
    """

    def __init__(self, server: EmbeddedAws, deployment: Deployment) -> None:
        self.server = server
        self.deployment = deployment
        self.api_key = str(_api_key(server, deployment))
        self.clients: Clients = clients.connect()

    def prepare(self, tracks_file: Path) -> CleaningReport:
        """Publish the catalogue and make what Personalize needs before the first event."""
        report = catalogue.publish(tracks_file, self.clients.s3, self.deployment.bucket)
        foundation.ensure(self.clients, self.deployment)
        return report

    @property
    def ready(self) -> Ready:
        """How to reach the stack, as one record."""
        deployment = self.deployment
        return Ready(
            endpoint_url=self.server.endpoint_url,
            api_url=deployment.api_url,
            api_key=self.api_key,
            region=deployment.region,
            bucket=deployment.bucket,
            stream=deployment.stream,
            profile_table=deployment.profile_table,
            database=deployment.database,
        )


def environment(endpoint_url: str, region: str) -> dict[str, str]:
    """The variables that point AWS clients, in any program, at the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }


@contextmanager
def running(
    *,
    port: int = 0,
    name: str = "musicrec",
    clock: Callable[[], float] = time.time,
    middleware: Middleware | None = None,
    deployer: Deployer = deploy,
) -> Iterator[RunningStack]:
    """Start the embedded AWS, deploy the stack, and stop everything at the end.

    While it runs, this process's AWS variables point at it, and so do those of its children.

    Args:
        port: loopback port; 0 takes a free one.
        name: the stack's name.
        clock: the time in epoch seconds that the embedded AWS goes by.
        middleware: see `EmbeddedAws`.
        deployer: makes the stack.
    """
    with (
        EmbeddedAws(port=port, clock=clock, middleware=middleware) as server,
        _environment(environment(server.endpoint_url, server.aws.region)),
    ):
        yield RunningStack(server, deployer(server.aws, name))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while; a profile or session token of the user's is hidden."""
    hidden = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE")
    before = {name: os.environ.get(name) for name in (*variables, *hidden)}
    for name in hidden:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _api_key(server: EmbeddedAws, deployment: Deployment) -> Any:
    gateway = server.aws.client("apigateway")
    return gateway.get_api_key(apiKey=deployment.api_key_id, includeValue=True)["value"]
