"""Terraform as a program to run: the few of its commands that deploying and taking down need."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

WORKS_WITH = "1.9"


class TerraformNotFoundError(FileNotFoundError):
    """There is no `terraform` on the PATH."""

    def __init__(self) -> None:
        super().__init__(
            f"there is no terraform on the PATH: install {WORKS_WITH} or later from "
            "https://developer.hashicorp.com/terraform/install and run this again"
        )


class TerraformFailedError(RuntimeError):
    """Terraform ended with an error, which it has printed itself, or was told not to go on."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(
            f"terraform {command} ended with {code}: see above; once the cause is gone, run this again"
        )


class Terraform:
    """Terraform in the folder of one configuration.

    What it prints goes where this program prints, and it may ask its questions there.

    Args:
        folder: of the `.tf` files.
        environ: the environment of its processes; its own variables (`TF_...`) work as always.

    Raises:
        TerraformNotFoundError: it is not installed.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        program = shutil.which("terraform", path=environ.get("PATH"))
        if program is None:
            raise TerraformNotFoundError
        self._start = [program, f"-chdir={folder}"]
        self._environ = dict(environ)

    def prepare(self, workspace: str) -> None:
        """Fetch the provider, connect the state and go to a workspace, made if need be.

        Raises:
            TerraformFailedError: it could not.
        """
        self._run("init", "-input=false")
        self._run("workspace", "select", "-or-create", workspace)

    def apply(self, *arguments: str) -> None:
        """Make what is missing, change what differs.

        Raises:
            TerraformFailedError: it could not, or nobody said yes.
        """
        self._run("apply", *arguments)

    def destroy(self, *arguments: str) -> None:
        """Take everything down that the state knows.

        Raises:
            TerraformFailedError: it could not, or nobody said yes.
        """
        self._run("destroy", *arguments)

    def outputs(self) -> dict[str, str]:
        """The outputs that are text, by name.

        Raises:
            TerraformFailedError: it could not read the state.
        """
        found = msgspec.json.decode(self._run("output", "-json", capture=True))
        return {name: it["value"] for name, it in found.items() if isinstance(it["value"], str)}

    def _run(self, *arguments: str, capture: bool = False) -> str:
        done = subprocess.run(  # noqa: S603 # terraform, with arguments from our own code
            [*self._start, *arguments],
            env=self._environ,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TerraformFailedError(arguments[0], done.returncode)
        return done.stdout or ""
