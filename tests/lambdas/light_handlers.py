"""What the tests of the three light handlers share."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from musicrec import clients

REPOSITORY = Path(__file__).resolve().parents[2]


def load(name: str) -> Any:
    """A fresh import of a handler, as in a new environment."""
    clients.client.cache_clear()
    path = REPOSITORY / "lambdas" / name / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{name}_handler", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shape(name: str) -> Any:
    """A recorded event shape."""
    return json.loads((REPOSITORY / "tests" / "events" / name).read_text(encoding="utf-8"))


def context(name: str, remaining_ms: int = 60_000) -> Any:
    """What Lambda says about the invocation."""
    return SimpleNamespace(
        function_name=f"musicrec-{name}",
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:musicrec-{name}",
        aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        get_remaining_time_in_millis=lambda: remaining_ms,
    )


def emf(output: str) -> list[dict[str, Any]]:
    """The documents that a handler printed in CloudWatch's embedded metric format."""
    return [json.loads(line) for line in output.splitlines() if '"_aws"' in line]


def metrics(output: str) -> dict[str, float]:
    """The sum of each metric that a handler printed."""
    sums: dict[str, float] = {}
    for printed in emf(output):
        for one in printed["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            sums[one["Name"]] = sums.get(one["Name"], 0) + sum(printed[one["Name"]])
    return sums
