"""How long the light functions take to start, beside boto3 alone; and how large they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from musicrec.local import packages

REPOSITORY = Path(__file__).parents[1]
LIGHT = ("hot_path", "profile_builder", "recommendations")
ROUNDS = 7
AT_MOST = 1.5
"""Times the import of boto3, which every function of AWS pays in Python."""


def cpu_seconds(program, folder):
    """CPU time, which others on the machine cannot stretch, of a fresh interpreter."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": f"{REPOSITORY}:{folder}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(folder),  # as in Lambda, so that tracing is on
            "POWERTOOLS_SERVICE_NAME": folder.name,
        },
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_light_functions_start_in_little_more_than_boto3_takes():
    """Importing a light handler, tracing and all, takes at most 1.5 times the CPU of boto3 alone."""
    lambdas = REPOSITORY / "lambdas"
    best = {}
    for _ in range(ROUNDS):  # in turns, so that a slow moment of the machine meets them all
        for name, program in [
            ("boto3", "import boto3"),
            *((one, "import handler") for one in LIGHT),
        ]:
            folder = lambdas / (LIGHT[0] if name == "boto3" else name)
            best[name] = min(best.get(name, 60.0), cpu_seconds(program, folder))
    ratios = {name: round(best[name] / best["boto3"], 2) for name in LIGHT}
    assert max(ratios.values()) <= AT_MOST, ratios


@pytest.mark.parametrize("name", [*LIGHT, "dataset_builder"])
def test_zips_without_dependencies_stay_under_a_megabyte(name):
    """A function's own code and the package's, as Lambda gets them, have less than a million bytes."""
    content = packages.function_zip(name)
    assert 10_000 < len(content) < 1_000_000
