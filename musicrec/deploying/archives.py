"""Zip archives whose bytes depend on nothing but the names and contents of their files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644 << 16
_UNIX: Final = 3


def packed(files: Iterable[tuple[str, Path]]) -> bytes:
    """A zip archive.

    Args:
        files: name in the archive, and what to read; in the archive's order.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.external_attr = _READABLE
            entry.create_system = _UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def unpacked_bytes(archive: bytes) -> int:
    """How large the files of an archive are in all, once unpacked."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return sum(entry.file_size for entry in files.infolist())
