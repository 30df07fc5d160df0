"""A stack that the demo's listeners filled, driven as any other program drives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicrec.local.running import environment

REPOSITORY = Path(__file__).parents[2]
STOP_SECONDS = 30


@contextmanager
def filled(listeners: int) -> Iterator[dict[str, str]]:
    """The environment in which notebooks find the stack, for as long as the context lasts."""
    command = [str(Path(sys.executable).with_name("musicrec")), "up", "--json", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--listeners", str(listeners)],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        text=True,
    )
    try:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        yield {**os.environ, **environment(ready["endpoint_url"], ready["region"])}
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_SECONDS)
    assert code == 0
