"""Byte code for what Lambda imports, whose read-only disk would have it compiled at every start.

Byte code belongs to one version of Python, so only an interpreter of the functions' own version can
make it. Without one the archives work as well, and functions start more slowly (`make
bench-cold-start` measures with it).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from musicrec.deploying import archives

IN_FUNCTION: Final = "/var/task"
"""Where Lambda unpacks a function; tracebacks show it."""

IN_LAYER: Final = "/opt"
"""Where Lambda unpacks layers."""


class SourceNotCompiledError(ValueError):
    """A file is not valid in the functions' version of Python."""


def interpreter(version: str) -> str | None:
    """A Python of that version: this one, or one on the PATH; None when there is none.

    Args:
        version: e.g. `3.12`.
    """
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 # an interpreter
    return found if done.stdout.strip() == version else None


def with_bytecode(archive: bytes, python: str, place: str) -> bytes:
    """The archive with the byte code of its sources beside them; they are not compared at import.

    Args:
        archive: a zip with sources.
        python: an interpreter of the functions' version.
        place: where Lambda unpacks the archive.

    Raises:
        SourceNotCompiledError: a source is not valid.
    """
    with tempfile.TemporaryDirectory(prefix="musicrec-bytecode-") as folder:
        root = Path(folder).resolve()
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            files.extractall(root)
        compile_folder(root, python, place)
        paths = (path for path in sorted(root.rglob("*")) if path.is_file())
        return archives.packed((path.relative_to(root).as_posix(), path) for path in paths)


def compile_folder(root: Path, python: str, place: str) -> None:
    """Write the byte code of every source below a folder.

    Args:
        root: the folder.
        python: an interpreter of the functions' version.
        place: the path that the byte code shall remember instead of `root`.

    Raises:
        SourceNotCompiledError: a source is not valid.
    """
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    done = subprocess.run(  # noqa: S603 # an interpreter
        [*command, "-s", str(root), "-p", place, str(root)],
        env={"PYTHONHASHSEED": "0"},  # sets among the constants would differ from run to run
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SourceNotCompiledError(
            f"{python} cannot compile what was packed; correct the source or leave it out:\n"
            f"{done.stdout.strip()}{done.stderr.strip()}"
        )
