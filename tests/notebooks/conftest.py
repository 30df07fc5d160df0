"""One filled stack for all notebook tests, driven as any other program drives it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicrec.local.demo import notebooks
from musicrec.local.running import environment

REPOSITORY = Path(__file__).parents[2]
READY_SECONDS = 300
STOP_SECONDS = 30


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, str]]:
    """The environment in which notebooks find a stack that the demo's listeners filled."""
    command = [str(Path(sys.executable).with_name("musicrec")), "up", "--json", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--listeners", "215"], stdout=subprocess.PIPE, cwd=REPOSITORY, text=True
    )
    try:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        yield {**os.environ, **environment(ready["endpoint_url"], ready["region"])}
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_SECONDS)
    assert code == 0


@pytest.fixture(scope="session", params=notebooks.numbered(), ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Path:
    """Each numbered notebook, in order."""
    return request.param
