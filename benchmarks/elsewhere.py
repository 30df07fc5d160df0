"""Load from a process of its own, so that it does not wait for the server's interpreter."""

from __future__ import annotations

import subprocess
import sys
from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


def run(module: str, load: Struct, answer: type[T]) -> T:
    """Run a module as a program.

    Args:
        module: reads the load as JSON from standard input, and writes its answer there as JSON.
        load: what it is to do.
        answer: type of what it found.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-m", module],
        input=msgspec.json.encode(load),
        check=True,
        stdout=subprocess.PIPE,
    )
    return msgspec.json.decode(done.stdout, type=answer)
