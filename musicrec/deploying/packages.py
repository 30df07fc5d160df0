"""The zips that Lambda runs: a handler and the package, nothing that only a laptop needs.

The bytes depend on the sources alone, so that a second deployment finds the code unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import musicrec
from musicrec.deploying import archives

PACKAGE_DIRECTORY: Final = Path(musicrec.__file__).resolve().parent
LAMBDAS_DIRECTORY: Final = PACKAGE_DIRECTORY.parent / "lambdas"

MAX_ZIP_BYTES: Final = 1_000_000
"""A zip of plain sources is far smaller; a larger one means that data slipped in."""

_LEFT_OUT: Final = frozenset({"cli.py", "deploying", "local", "notebooks", "producer", "research"})


class HandlerNotFoundError(FileNotFoundError):
    """A function has no `handler.py`."""


class PackageTooLargeError(ValueError):
    """A function's zip holds more than sources."""


def function_zip(
    function: str,
    lambdas: Path = LAMBDAS_DIRECTORY,
    package: Path = PACKAGE_DIRECTORY,
) -> bytes:
    """The deployable zip of one function: `handler.py` and its neighbours, and `musicrec`.

    Args:
        function: directory in `lambdas`, e.g. `hot_path`.
        lambdas: the directory of all handlers.
        package: the `musicrec` package; what no function imports of it stays out.

    Raises:
        HandlerNotFoundError: the directory has no `handler.py`.
        PackageTooLargeError: the zip exceeds `MAX_ZIP_BYTES`.
    """
    directory = lambdas / function
    if not (directory / "handler.py").is_file():
        raise HandlerNotFoundError(
            f"{directory / 'handler.py'} does not exist: functions are named in infra/stack.json "
            "after their directory in lambdas/"
        )
    content = archives.packed([*_sources(directory, directory), *_package_sources(package)])
    if len(content) > MAX_ZIP_BYTES:
        raise PackageTooLargeError(
            f"the zip of {function} has {len(content)} bytes, more than {MAX_ZIP_BYTES}: "
            "look for a large .py file in the package"
        )
    return content


def _package_sources(package: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _sources(package, package.parent):
        if path.relative_to(package).parts[0] not in _LEFT_OUT:
            yield name, path


def _sources(directory: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*.py")):
        yield path.relative_to(root).as_posix(), path
