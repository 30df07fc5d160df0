"""The Lambda layer of what our handlers import and the managed runtime lacks.

The dataset builder gets the rest (pandas, pyarrow, awswrangler) from AWS's own layer, "AWS SDK for
pandas", which would not fit beside them in one of ours.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from musicrec.deploying import archives

DISTRIBUTIONS: Final = (
    "aws-lambda-powertools",
    "aws-xray-sdk",
    "msgspec",
    "typing-extensions",
    "wrapt",
)
"""What goes into the layer: the dependencies of `musicrec` and theirs, less those of the runtime."""

IN_RUNTIME: Final = (
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "urllib3",
)
"""What AWS's managed Python runtimes bring: boto3 and what it needs."""

PLATFORMS: Final = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
"""Wheels that run on arm64 in Amazon Linux 2023 (glibc 2.34)."""

LOCK: Final = Path(__file__).resolve().parents[2] / "requirements.lock"

_ROOT: Final = "python"
"""The folder of a layer that is on the import path of Python functions."""

_LEFT_OUT: Final = re.compile(
    r"""
    (^|/)(__pycache__|tests?|bin)/      # byte code is of the machine that builds
    | \.(pyc|pyi|c|h|pyx|pxd)$
    | (^|/)py\.typed$
    | (^|/)[^/]+-stubs/
    | \.dist-info/(?!METADATA|.*LICEN[CS]E|.*NOTICE)  # pip's own records differ between machines
    | /swagger_ui/.*\.(js|css)$         # a page that nobody serves, a third of the layer
    """,
    re.VERBOSE,
)


class NotLockedError(LookupError):
    """The lock file has no version of what the layer needs."""


class LayerNotResolvedError(RuntimeError):
    """pip found no wheel for Lambda, or could not look."""


def layer_zip(python_version: str, lock: Path = LOCK) -> bytes:
    """The layer's archive, with the versions of the lock file.

    Args:
        python_version: of the functions' runtime, e.g. `3.12`.
        lock: the `requirements.lock` that the tests ran with.

    Raises:
        NotLockedError: a distribution is not in the lock file.
        LayerNotResolvedError: pip failed.
    """
    requirements = pinned(lock)
    with tempfile.TemporaryDirectory(prefix="musicrec-layer-") as folder:
        target = Path(folder)
        _install(requirements, python_version, target)
        return archives.packed(_files(target))


def pinned(lock: Path) -> list[str]:
    """The layer's distributions as pip takes them, `name==version`.

    Raises:
        NotLockedError: one of them is not in the lock file.
    """
    lines = (line.partition(";")[0].strip() for line in lock.read_text("utf-8").splitlines())
    locked = {line.partition("==")[0]: line for line in lines if "==" in line}
    if missing := [name for name in DISTRIBUTIONS if name not in locked]:
        raise NotLockedError(
            f"{lock} has no version of {missing[0]}, which the layer needs: run `make lock`"
        )
    return [locked[name] for name in DISTRIBUTIONS]


def _install(requirements: list[str], python_version: str, target: Path) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
        *("--target", str(target), "--no-deps", "--no-compile", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", python_version, *platforms),
        *requirements,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own interpreter
    if done.returncode:
        raise LayerNotResolvedError(
            f"pip found no wheels of {', '.join(requirements)} for Python {python_version} on "
            f"{PLATFORMS[0]}; it says:\n{done.stderr.strip()}"
        )


def _files(target: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(target.rglob("*")):
        name = path.relative_to(target).as_posix()
        if path.is_file() and not _LEFT_OUT.search(name):
            yield f"{_ROOT}/{name}", path
