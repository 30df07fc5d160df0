"""Fixtures of the embedded Athena: one server a module, a bucket and a database in it."""

import os

import pytest
from athena_world import AthenaWorld

from musicrec.local.running import environment
from musicrec.local.server import EmbeddedAws


@pytest.fixture(scope="module")
def world():
    """A running embedded AWS with an empty database `tunes` and a bucket `lake`."""
    with EmbeddedAws() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.endpoint_url, server.aws.region).items():
            patch.setitem(os.environ, name, value)
        yield AthenaWorld(server)
