"""Runs schemathesis against a running stack: it makes requests, good and bad, from the document alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from musicrec import stack
from musicrec.local.running import RunningStack

AS_AWS_DOES = "unsupported_method"
"""The one check that is left out: API Gateway answers 403, not 405, for a method that it lacks."""


class Run(Struct, frozen=True, kw_only=True):
    """What a run came to.

    Attributes:
        requests: how many were made.
        failures: what each wrong answer was.
        complete: whether the run came to its end.
        printed: what schemathesis printed.
    """

    requests: int
    failures: list[Any]
    complete: bool
    printed: str


def run(
    running: RunningStack,
    folder: Path,
    *,
    examples: int,
    seed: int = 1,
    operation: str | None = None,
) -> Run:
    """Send requests, of every parameter's boundaries first; each answer is held against the document.

    Args:
        running: whose API.
        folder: for the document and the report.
        examples: random requests to each operation, on top of the boundaries.
        seed: of the random requests.
        operation: the `operationId` of the only one to run; all by default.
    """
    document, report = folder / "openapi.json", folder / "report.json"
    document.write_bytes(msgspec.json.encode(stack.api_document(_variables(running))))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(document)),
        *("--url", running.deployment.api_url, "--header", f"x-api-key: {running.api_key}"),
        *(("--include-operation-id", operation) if operation else ()),
        *("--exclude-checks", AS_AWS_DOES, "--phases", "coverage,fuzzing"),
        *("--max-examples", str(examples), "--seed", str(seed)),
        *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        *("--report", "json", "--report-json-path", str(report)),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    assert report.exists(), printed
    told = msgspec.json.decode(report.read_bytes())
    return Run(
        requests=told["test_cases"]["generated"],
        failures=[*told["failures"], *told["errors"]],
        complete=told["complete"],
        printed=printed,
    )


def _variables(running: RunningStack) -> dict[str, str]:
    """The document's placeholders; what they stand for is no matter of clients."""
    names = ("gateway_role_arn", "recommendations_function_arn", "stream_name")
    return {
        "name": running.deployment.name,
        "region": running.deployment.region,
        **dict.fromkeys(names, "x"),
    }
