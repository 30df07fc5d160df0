"""How long a light function takes to start, beside `import boto3`, which every function pays.

CPU time of fresh interpreters, in turns, the least of several: what others do on the machine hardly
shows in it. Tracing is on, as in Lambda.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

LIGHT: Final = ("hot_path", "profile_builder", "recommendations")
REPOSITORY: Final = Path(__file__).resolve().parents[1]


def ratios(rounds: int) -> dict[str, float]:
    """CPU time of importing each light handler, as a multiple of importing boto3 alone.

    Raises:
        CalledProcessError: an import failed.
    """
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name in ("boto3", *LIGHT):
            best[name] = min(best.get(name, float("inf")), _cpu_s(name))
    return {name: best[name] / best["boto3"] for name in LIGHT}


def _cpu_s(name: str) -> float:
    program = "import boto3" if name == "boto3" else "import handler"
    folder = REPOSITORY / "lambdas" / (LIGHT[0] if name == "boto3" else name)
    command = [sys.executable, "-c", program]
    variables = {
        "PATH": os.defpath,
        "PYTHONPATH": f"{REPOSITORY}:{folder}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(folder),
        "POWERTOOLS_SERVICE_NAME": name,
    }
    with subprocess.Popen(command, cwd=folder, env=variables) as process:  # noqa: S603 # our own interpreter
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime
