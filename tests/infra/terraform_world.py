"""Terraform as the checks run it: in a copy of `infra/`, against the embedded AWS alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from musicrec.deploying import packages
from musicrec.local.parts import Aws
from musicrec.local.running import environment
from musicrec.stack import INFRA_DIRECTORY

STACK = "by-terraform"
"""Name of the stack that Terraform makes."""

PLUGINS = "MUSICREC_TERRAFORM_PLUGINS"
"""Environment variable with the folder of Terraform's providers."""

GET_TERRAFORM = (
    "there is no terraform on the PATH: install 1.9 or later from "
    "https://developer.hashicorp.com/terraform/install, then run `make test-infra` again"
)
GET_PROVIDER = (
    f"terraform init found no hashicorp/aws provider: let it reach the registry, or set {PLUGINS} to a "
    "folder that `terraform providers mirror` made, unpacked"
)
PARALLELISM = 20
"""Steps at once: nearly all of them wait."""

_REGISTRY = Path("registry.terraform.io")
_PROVIDER = _REGISTRY / "hashicorp" / "aws"
_STANDARD = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins")
_NOT_SEARCHED = frozenset({"dev", "proc", "run", "sys", "tmp"})
_DEPTH = 4
_SHOWN = 20_000


class Terraform:
    """Terraform in a folder of its own.

    Args:
        folder: an empty one, for the copy of `infra/` and the state.
        packages: what Lambda runs.
    """

    def __init__(self, folder: Path, packages: Path) -> None:
        if shutil.which("terraform") is None:
            pytest.fail(GET_TERRAFORM, pytrace=False)
        own = shutil.ignore_patterns(".terraform*", "terraform.tfstate*", "*.tfvars")
        shutil.copytree(INFRA_DIRECTORY, folder, ignore=own, dirs_exist_ok=True)
        self._folder = folder
        self._environment = {**_inherited(), "TF_VAR_packages": str(packages)}
        plugins = find_plugins()
        given = [] if plugins is None else [f"-plugin-dir={plugins}"]
        init = self.ran("init", *given)
        if init.returncode:
            pytest.fail(f"{GET_PROVIDER}\n{told(init)}", pytrace=False)

    def aim(self, aws: Aws, stack: str) -> None:
        """Let the commands from now on make a stack in the embedded AWS."""
        self._environment = {
            **self._environment,
            **environment(aws.endpoint_url, aws.region),
            "TF_VAR_name": stack,
            "TF_VAR_region": aws.region,
            "TF_VAR_embedded": "true",
            "TF_VAR_force_destroy": "true",
            "TF_VAR_api_url": aws.endpoint_url + "/execute-api/{api_id}/{stage}",
        }

    def run(self, command: str, *arguments: str) -> str:
        """What a command printed.

        Raises:
            AssertionError: it failed.
        """
        done = self.ran(command, *arguments)
        assert done.returncode == 0, f"terraform {command} failed:\n{told(done)}"
        return done.stdout

    def ran(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that has ended, well or not."""
        talks_to_aws = command in {"apply", "destroy", "plan"}
        more = [f"-parallelism={PARALLELISM}"] if talks_to_aws else []
        coloured = command in {"fmt", "state"}
        return subprocess.run(
            ["terraform", command, *([] if coloured else ["-no-color"]), *more, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a command printed, errors last."""
    return done.stdout[-_SHOWN:] + done.stderr[-_SHOWN:]


def write_packages(folder: Path) -> None:
    """Write what Lambda runs; here functions import what they need from this interpreter."""
    for path in packages.LAMBDAS_DIRECTORY.iterdir():
        if (path / "handler.py").is_file():
            (folder / f"{path.name}.zip").write_bytes(packages.function_zip(path.name))
    with zipfile.ZipFile(folder / "dependencies.zip", "w") as layer:
        layer.writestr(zipfile.ZipInfo("python/empty.txt", (1980, 1, 1, 0, 0, 0)), "")


def find_plugins() -> Path | None:
    """The folder of providers that a variable names or this machine has; None to ask the registry."""
    named = os.environ.get(PLUGINS)
    if named:
        return Path(named)
    standard = [Path(place).expanduser() for place in _STANDARD]
    cache = os.environ.get("TF_PLUGIN_CACHE_DIR")
    for place in [*standard, *([Path(cache)] if cache else []), *_folders(Path("/"), _DEPTH)]:
        if (place / _PROVIDER).is_dir():
            return place
    return None


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Folders below one, the nearer ones first."""
    waiting = deque([(root, 0)])
    while waiting:
        folder, level = waiting.popleft()
        with suppress(OSError):
            for entry in os.scandir(folder):
                if level == 0 and entry.name in _NOT_SEARCHED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
                    if level + 1 < depth:
                        waiting.append((Path(entry.path), level + 1))


def _inherited() -> dict[str, str]:
    """This process's environment less what could lead to a real account or change a plan."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_VAR_"))}
    return {**kept, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
