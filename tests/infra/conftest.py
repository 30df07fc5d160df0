"""Terraform's stack for the checks of this folder: applied once, while what needs no AWS is checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from terraform_world import STACK, Terraform, write_packages

from musicrec import deployment
from musicrec.deployment import Deployment
from musicrec.local.parts import Aws
from musicrec.local.running import RunningStack, running

sys.path.insert(0, str(Path(__file__).parents[1] / "local"))  # the end-to-end test is there


@pytest.fixture(scope="session")
def terraform(tmp_path_factory) -> Terraform:
    """Terraform in a copy of `infra/`, its provider in place, and what Lambda runs beside it."""
    packages = tmp_path_factory.mktemp("packages")
    write_packages(packages)
    return Terraform(tmp_path_factory.mktemp("terraform"), packages)


@pytest.fixture(scope="session", autouse=True)
def applying(terraform: Terraform) -> Iterator[Future[RunningStack]]:
    """The embedded AWS with the stack that Terraform is making in it; most of its time is waiting."""

    def made(aws: Aws, name: str) -> Deployment:
        terraform.aim(aws, name)
        terraform.run("apply", "-auto-approve")
        return deployment.load(name, aws.client("ssm"))

    with ExitStack() as ending, ThreadPoolExecutor(1) as worker:
        stack = running(name=STACK, deployer=made)
        yield worker.submit(ending.enter_context, stack)


@pytest.fixture(scope="session")
def applied(applying: Future[RunningStack]) -> RunningStack:
    """The stack, once Terraform has made it."""
    return applying.result()
