"""Runs AWS's own sample notebooks, unchanged, against the embedded AWS.

They are the public repository aws-samples/amazon-personalize-samples; nothing of it is kept here.
With a checkout of it:

    python tests/samples/run_sample.py --samples CHECKOUT FIRST.ipynb SECOND.ipynb

where the notebooks are paths in the checkout. Notebooks named together run in that order on one
server, in one IPython profile: what one stores with `%store` the next one finds. No cell is edited.
Three things are substituted around them: what wget and curl hand over (`stand_ins`), how long
`time.sleep` sleeps, and SageMaker's file about the notebook instance (`kernel_startup`). The account
is as AWS's templates leave it (`sample_account`). `unzip` must be installed. The kernel's packages
are installed once, by pip, into --environment; with Python 3.10 they include the pandas that two of
the notebooks need:

    python3.10 -m venv ENVIRONMENT
    ENVIRONMENT/bin/python -m pip install -r tests/samples/requirements.txt
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import nbformat
import sample_account
import typer
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from msgspec import Struct
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from musicrec.local.personalize.life_cycle import DELETION, DURATIONS
from musicrec.local.running import environment
from musicrec.local.server import EmbeddedAws

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / "build" / "samples-environment"
CELL_SECONDS = 900
SPEED = 100
"""Times as fast as on AWS the notebooks' clock goes: how much shorter they sleep."""
DELETION_SECONDS = 0.5
"""Deleting takes time, as on AWS, and less than notebooks wait for it. Two of them look whether what
they deleted is there, and are content if it is."""


class FailedCell(Struct, frozen=True):
    """A cell that raised.

    Attributes:
        place: among all cells of the notebook, from 0.
        error: class and message.
    """

    place: int
    error: str


class Outcome(Struct, frozen=True):
    """How one notebook ended; it ran whole when nothing failed."""

    notebook: str
    cells: int
    failed: list[FailedCell]


class Bench:
    """A place to run notebooks in: a copy of the checkout, a profile, and a kernel for them.

    Args:
        folder: an empty folder.
        samples: the checkout; it is not written to.
        python: interpreter of the kernel's environment.
        variables: that point AWS clients at a server.
        downloads: folder of real downloads, or None.
        names: values of variables that a notebook leaves its reader to define.
    """

    def __init__(
        self,
        folder: Path,
        *,
        samples: Path,
        python: Path,
        variables: dict[str, str],
        downloads: Path | None,
        names: dict[str, str],
    ) -> None:
        self.checkout = folder / "checkout"
        shutil.copytree(samples, self.checkout, ignore=shutil.ignore_patterns(".git"))
        metadata = folder / "resource-metadata.json"
        region = variables["AWS_REGION"]
        arn = f"arn:aws:sagemaker:{region}:123456789012:notebook-instance/samples"
        metadata.write_text(json.dumps({"ResourceArn": arn, "ResourceName": "samples"}))
        startup = folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        shutil.copy(HERE / "kernel_startup.py", startup)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self._environment = {
            **inherited,
            **variables,
            "PATH": os.pathsep.join(
                [str(_commands(folder)), str(python.parent), os.environ["PATH"]]
            ),
            "IPYTHONDIR": str(folder / "ipython"),
            "HOME": str(folder),
            "MPLBACKEND": "agg",
            # The environment is complete. pip refuses all work, since one notebook takes boto3 away.
            "PIP_PYTHON": str(folder / "no-interpreter"),
            "SAMPLE_CHECKOUT": str(samples),
            "SAMPLE_DOWNLOADS": str(downloads or ""),
            "SAMPLE_SPEED": str(SPEED),
            "SAMPLE_METADATA": str(metadata),
            "SAMPLE_NAMES": json.dumps(names),
        }
        self._kernels = _kernel(folder, python)

    def run(self, notebook: str, *, keep_going: bool) -> Outcome:
        """Execute one notebook where it lies in the copy, which keeps its outputs.

        Args:
            notebook: path in the checkout.
            keep_going: also run the cells after one that fails.
        """
        path = self.checkout / notebook
        document = nbformat.read(path, as_version=4)
        for cell in document.cells:
            if cell.cell_type == "code":
                cell.outputs = []  # AWS's; of a run that stops early only its own shall be there
        broken: list[FailedCell] = []
        begun: list[int] = []
        with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:  # their paths must be short
            client = NotebookClient(
                document,
                km=AsyncKernelManager(
                    kernel_name="sample",
                    kernel_spec_manager=self._kernels,
                    transport="ipc",
                    connection_file=f"{sockets}/kernel.json",
                ),
                timeout=CELL_SECONDS,
                allow_errors=keep_going,
                on_cell_start=lambda cell_index, **_: begun.append(cell_index),
                resources={"metadata": {"path": str(path.parent)}},
            )
            try:
                with contextlib.suppress(CellExecutionError):  # the outputs say it
                    client.execute(env=self._environment, cleanup_kc=True)
            except (CellTimeoutError, DeadKernelError) as error:
                broken.append(FailedCell(begun[-1], f"{type(error).__name__}: {error}"))
        nbformat.write(document, path)
        code = [cell for cell in document.cells if cell.cell_type == "code"]
        return Outcome(notebook, len(code), [*_failed(document), *broken])


def _failed(document: nbformat.NotebookNode) -> Iterator[FailedCell]:
    for place, cell in enumerate(document.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield FailedCell(place, f"{output.ename}: {output.evalue}")


def _commands(folder: Path) -> Path:
    """A folder of commands that come before the machine's own."""
    commands = folder / "bin"
    commands.mkdir()
    for name in ("wget", "curl"):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "download.py"}" "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return commands


def _kernel(folder: Path, python: Path) -> KernelSpecManager:
    """Jupyter's description of the kernel in the environment."""
    home = folder / "kernels"
    (home / "sample").mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "sample", "language": "python"}
    (home / "sample" / "kernel.json").write_text(json.dumps(spec))
    return KernelSpecManager(kernel_dirs=[str(home)])


def installed(folder: Path) -> Path:
    """The interpreter of the kernel's environment, which is made if there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
    return python


def run(
    samples: Path,
    notebooks: list[str],
    *,
    python: Path,
    folder: Path,
    downloads: Path | None = None,
    names: dict[str, str] | None = None,
    keep_going: bool = False,
    delete_at_once: bool = False,
) -> list[Outcome]:
    """Run notebooks in order on a server of their own, until one fails.

    Args:
        samples: the checkout.
        notebooks: paths in it.
        python: interpreter of the kernel's environment.
        folder: an empty folder; the executed copies stay there.
        downloads: folder of real downloads, or None.
        names: values of variables that a notebook leaves its reader to define.
        keep_going: also run the cells and notebooks after one that fails.
        delete_at_once: for notebooks that wait for no deletion, and count on a reader who does.
    """
    outcomes = []
    with EmbeddedAws() as server:
        if not delete_at_once:
            _delete_slowly(server.endpoint_url)
        sample_account.prepare(server.aws.client)
        bench = Bench(
            folder,
            samples=samples,
            python=python,
            variables=environment(server.endpoint_url, server.aws.region),
            downloads=downloads,
            names=names or {},
        )
        for notebook in notebooks:
            outcomes.append(bench.run(notebook, keep_going=keep_going))
            if outcomes[-1].failed and not keep_going:
                break
    return outcomes


def _delete_slowly(endpoint_url: str) -> None:
    """Let resources appear at once, but go in AWS's steps."""
    durations = dict.fromkeys(DURATIONS, 0.0) | {DELETION: DELETION_SECONDS}
    settings = {"transitions": "slow", "durations": durations}
    request = urllib.request.Request(  # noqa: S310 - the server's own address
        f"{endpoint_url}/_musicrec/personalize/life-cycle",
        data=json.dumps(settings).encode(),
        method="PUT",
    )
    with urllib.request.urlopen(request):  # noqa: S310 - as above
        pass


def describe(outcome: Outcome) -> str:
    """One line a notebook, and one a failed cell."""
    if not outcome.failed:
        return f"{outcome.notebook}: ran whole, {outcome.cells} cells"
    lines = [f"  cell {failed.place}: {failed.error}" for failed in outcome.failed]
    return "\n".join([f"{outcome.notebook}: {len(lines)} cells failed", *lines])


def main(
    notebooks: Annotated[list[str], typer.Argument(help="Paths in the checkout, in order.")],
    *,
    samples: Annotated[Path, typer.Option(help="The checkout.", exists=True, file_okay=False)],
    environment: Annotated[
        Path, typer.Option(help="The kernel's virtual environment; made if missing.")
    ] = ENVIRONMENT,
    downloads: Annotated[
        Path | None, typer.Option(help="Real downloads, which are used before what stands in.")
    ] = None,
    define: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of a variable that a notebook leaves its reader to define."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Keep the executed copies here.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Also run what comes after a failing cell.")
    ] = False,
    delete_at_once: Annotated[
        bool,
        typer.Option("--delete-at-once", help="For clean-ups that leave waiting to their reader."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Run AWS's sample notebooks against the embedded AWS; exit 1 unless all ran whole."""
    with tempfile.TemporaryDirectory(prefix="samples-") as scratch:
        folder = output.resolve() if output else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        outcomes = run(
            samples.resolve(),
            notebooks,
            python=installed(environment.absolute()),
            folder=folder,
            downloads=downloads and downloads.resolve(),
            names=dict(one.split("=", 1) for one in define or []),
            keep_going=keep_going,
            delete_at_once=delete_at_once,
        )
    if as_json:
        typer.echo(msgspec.json.encode(outcomes))
    else:
        typer.echo("\n".join(describe(outcome) for outcome in outcomes))
    raise typer.Exit(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    typer.run(main)
