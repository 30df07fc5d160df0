"""All that Lambda gets, written to one folder: a zip a function and the layer of dependencies.

The functions are those of `infra/stack.json`; so is their Python. Terraform reads the files as
`build/lambdas/<key>.zip` and `build/lambdas/dependencies.zip`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from musicrec.deploying import archives, bytecode, layer, packages
from musicrec.stack import INFRA_DIRECTORY

BUILD_DIRECTORY: Final = INFRA_DIRECTORY.parent / "build" / "lambdas"

LAYER: Final = "dependencies"

MAX_UNPACKED_BYTES: Final = 250 * 2**20
"""Lambda's limit for a function and its layers, unpacked (Lambda quotas, "Deployment package")."""

MAX_UPLOAD_BYTES: Final = 50 * 2**20
"""Lambda's limit for a zip that is uploaded directly, not from S3."""


class RuntimesDifferError(ValueError):
    """The functions do not share one runtime, so one layer cannot serve them."""


class LimitExceededError(ValueError):
    """Lambda would refuse what was built."""


class Built(Struct, frozen=True):
    """One file.

    Attributes:
        path: where it is.
        size: bytes of the zip.
        unpacked: bytes of its files.
        compiled: whether byte code is in it, see `musicrec.deploying.bytecode`.
    """

    path: Path
    size: int
    unpacked: int
    compiled: bool


class _Function(Struct, frozen=True):
    runtime: str


class _Stack(Struct, frozen=True):
    functions: dict[str, _Function]


def build(directory: Path = BUILD_DIRECTORY, infra: Path = INFRA_DIRECTORY) -> list[Built]:
    """Write every zip; a second time, the same bytes.

    Args:
        directory: where to; made if need be.
        infra: the folder of `stack.json`.

    Raises:
        RuntimesDifferError: `stack.json` names several runtimes.
        LimitExceededError: a zip, or a function with the layer, is too large for Lambda.
        HandlerNotFoundError: a function has no handler.
        NotLockedError: the lock file lacks what the layer needs.
        LayerNotResolvedError: pip failed.
        SourceNotCompiledError: a source is not valid in the functions' Python.
    """
    functions = msgspec.json.decode((infra / "stack.json").read_bytes(), type=_Stack).functions
    version = python_version({key: function.runtime for key, function in functions.items()})
    python = bytecode.interpreter(version)
    directory.mkdir(parents=True, exist_ok=True)
    content = layer.layer_zip(version)
    dependencies = _write(directory / f"{LAYER}.zip", content, python, bytecode.IN_LAYER)
    zips = [
        _write(directory / f"{key}.zip", packages.function_zip(key), python, bytecode.IN_FUNCTION)
        for key in functions
    ]
    for built in zips:
        if built.unpacked + dependencies.unpacked > MAX_UNPACKED_BYTES:
            raise LimitExceededError(
                f"{built.path.name} and the layer have {built.unpacked + dependencies.unpacked} "
                f"bytes unpacked, Lambda takes {MAX_UNPACKED_BYTES}: look for data in the layer"
            )
    return [*zips, dependencies]


def python_version(runtimes: dict[str, str]) -> str:
    """The Python that all functions run, e.g. `3.12` for `python3.12`.

    Raises:
        RuntimesDifferError: there is not exactly one.
    """
    names = set(runtimes.values())
    if len(names) != 1 or not next(iter(names)).startswith("python"):
        raise RuntimesDifferError(
            f"infra/stack.json names the runtimes {sorted(names)}: the layer is built for one Python"
        )
    return names.pop().removeprefix("python")


def _write(path: Path, content: bytes, python: str | None, place: str) -> Built:
    if python is not None:
        content = bytecode.with_bytecode(content, python, place)
    if len(content) > MAX_UPLOAD_BYTES:
        raise LimitExceededError(
            f"{path.name} has {len(content)} bytes, Lambda takes {MAX_UPLOAD_BYTES} in one upload: "
            "look for data in it"
        )
    path.write_bytes(content)
    unpacked = archives.unpacked_bytes(content)
    return Built(path, len(content), unpacked, compiled=python is not None)
