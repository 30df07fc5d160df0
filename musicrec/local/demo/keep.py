"""`musicrec up`: the stack kept running, for JupyterLab or for another program to drive."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
from rich.console import Console

from musicrec.local.demo import run
from musicrec.local.demo.progress import Steps
from musicrec.local.running import RunningStack, environment, running

ENVIRONMENT_FILE: Final = Path("build/musicrec.env")


def up(settings: run.Settings, *, as_json: bool) -> None:
    """Start the stack, fill it when there are listeners, say how to reach it, wait for a signal.

    Args:
        settings: as of the demo; with 0 listeners the stack has its catalogue and no events.
        as_json: print one JSON line when ready instead of text for people.
    """
    stop = _stop_signals()
    console = run.wide_console(stderr=as_json)
    with running(port=settings.port) as stack:
        _prepare(stack, settings, console)
        _announce(stack, console, as_json=as_json)
        stop.wait()
    console.print("stopped")


def _prepare(stack: RunningStack, settings: run.Settings, console: Console) -> None:
    if settings.listeners:
        run.fill(stack, Steps(console, run.FILL_STEPS), settings)
    else:
        stack.prepare(settings.catalog)


def _announce(stack: RunningStack, console: Console, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(stack.ready).decode() + "\n")
        sys.stdout.flush()
        return
    variables = environment(stack.server.endpoint_url, stack.deployment.region) | {
        "MUSICREC_API_URL": stack.ready.api_url,
        "MUSICREC_API_KEY": stack.api_key,
    }
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    ENVIRONMENT_FILE.parent.mkdir(exist_ok=True)
    ENVIRONMENT_FILE.write_text(f"{exports}\n")
    console.print(f"\nThe stack runs at [bold]{stack.server.endpoint_url}[/] until Ctrl-C.")
    console.print("These variables point AWS clients, notebooks and the producer at it")
    console.print(f"(they are in {ENVIRONMENT_FILE} too, which `make lab` reads):\n")
    console.print(exports, highlight=False, soft_wrap=True)
    console.print("\nPOST $MUSICREC_API_URL/events  with the header x-api-key: $MUSICREC_API_KEY")
    console.print("GET  $MUSICREC_API_URL/recommendations?user_id=...")


def _stop_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
