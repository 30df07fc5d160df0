"""The listening histories among the files that a listener names, found by what they hold.

Names have changed over the years (`endsong_0.json`, `Streaming_History_Audio_2019_3.json`,
`StreamingHistory_music_0.json`), and a package holds playlists, payments and addresses beside them.
Only a file whose first row looks like a stream is read on.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct

from musicrec.producer.history.json_array import BrokenFileError, NotAnArrayError, elements


class Format(StrEnum):
    """The two kinds of export."""

    EXTENDED = "extended"
    SHORT = "short"


class NoHistoryError(Exception):
    """None of the files holds a listening history."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Source(Struct, frozen=True, kw_only=True):
    """One JSON file, by itself or in an archive.

    Attributes:
        path: the file on disk.
        member: its name within the archive; None for a file by itself.
        size: bytes of text.
    """

    path: Path
    member: str | None
    size: int

    @property
    def name(self) -> str:
        """What to call it, for people."""
        member = "" if self.member is None else f":{Path(self.member).name}"
        return f"{self.path.name}{member}"


_SHAPES: Final = {
    Format.EXTENDED: frozenset({"ts", "ms_played"}),
    Format.SHORT: frozenset({"endTime", "msPlayed"}),
}


def sources(paths: Sequence[Path]) -> tuple[list[Source], dict[str, str]]:
    """The JSON files among `paths`: files, folders of files, and zip archives.

    Returns:
        The files, and why others cannot be opened, by name.
    """
    found: list[Source] = []
    broken: dict[str, str] = {}
    for path in chain.from_iterable(map(_expanded, paths)):
        try:
            found += _sources(path)
        except (OSError, zipfile.BadZipFile) as error:
            broken[path.name] = f"cannot be opened ({type(error).__name__})"
    return found, broken


@contextmanager
def rows(source: Source, read: Callable[[int], object]) -> Iterator[tuple[Format, Iterator[Any]]]:
    """What a file holds, if it is a listening history.

    Args:
        source: the file.
        read: is told how many bytes were read, again and again.

    Raises:
        NotAnArrayError: it is none.
        BrokenFileError: it cannot be read, also while its rows are taken.
    """
    with _opened(source) as file:
        values = elements(_counted(file, read))
        first = next(values, None)
        yield _format(first), chain([first], values)


def _expanded(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _sources(path: Path) -> list[Source]:
    if not zipfile.is_zipfile(path):
        return [Source(path=path, member=None, size=path.stat().st_size)]
    with zipfile.ZipFile(path) as archive:
        return [
            Source(path=path, member=member.filename, size=member.file_size)
            for member in sorted(archive.infolist(), key=lambda member: member.filename)
            if _may_be_history(member.filename)
        ]


def _may_be_history(name: str) -> bool:
    return name.lower().endswith(".json") and "__MACOSX" not in name


@contextmanager
def _opened(source: Source) -> Iterator[_Readable]:
    with ExitStack() as opened:
        yield _open(source, opened)


def _open(source: Source, opened: ExitStack) -> _Readable:
    try:
        if source.member is None:
            return opened.enter_context(source.path.open("rb"))
        archive = opened.enter_context(zipfile.ZipFile(source.path))
        return opened.enter_context(archive.open(source.member))
    except (OSError, zipfile.BadZipFile) as error:
        raise BrokenFileError(f"cannot be opened ({type(error).__name__})") from None
    except (RuntimeError, NotImplementedError):
        # What zipfile raises for a password and for a compression that it does not have.
        raise BrokenFileError("is encrypted or packed in an unknown way; unpack it first") from None


def _counted(file: _Readable, told: Callable[[int], object]) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        try:
            data = file.read(size)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BrokenFileError(f"cannot be read on ({type(error).__name__})") from None
        told(len(data))
        return data

    return read


def _format(first: Any) -> Format:
    names = first.keys() if isinstance(first, dict) else frozenset()
    for kind, shape in _SHAPES.items():
        if shape <= names:
            return kind
    raise NotAnArrayError("holds no streams")
