"""The elements of a JSON array one at a time, in memory that does not grow with the file.

Exports come in files of some 12 MB, but people join them, and two million rows are over a
gigabyte. The standard library's scanner finds the end of one value by itself; it only has to be
given enough text.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

CHUNK_BYTES: Final = 1 << 18
MAX_ROW_CHARACTERS: Final = 1 << 20
"""No row of an export is near this long; what is longer is no row."""

_BLANK: Final = " \t\r\n"


class BrokenFileError(Exception):
    """A file cannot be read to its end; quotes nothing of what it holds.

    Attributes:
        row: the first row that could not be read, counted from 1; 0 when there is none.
    """

    def __init__(self, reason: str, row: int = 0) -> None:
        super().__init__(reason)
        self.row = row


class NotAnArrayError(BrokenFileError):
    """The file holds something else than a JSON array."""


def elements(read: Callable[[int], bytes]) -> Iterator[Any]:
    """The values of a JSON array in UTF-8, with or without byte order mark.

    Args:
        read: gives the next bytes, at most as many as asked for, none at the end.

    Raises:
        NotAnArrayError: the text does not begin an array.
        BrokenFileError: the text ends early, or a value is not JSON; what came before is good.
    """
    return _Elements(read).values()


class _Elements:
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._buffer = ""
        self._at = 0
        self._row = 0

    def values(self) -> Iterator[Any]:
        if self._next_character(_BLANK) != "[":
            raise NotAnArrayError("is not a JSON array")
        self._at += 1
        while self._next_character(_BLANK + ",") != "]":
            self._row += 1
            yield self._value()

    def _next_character(self, skipped: str) -> str:
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in skipped:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                if self._row or self._buffer:
                    raise BrokenFileError("ends before its array is closed", self._row)
                raise NotAnArrayError("is empty")

    def _value(self) -> Any:
        while (scanned := self._scanned()) is None:
            if len(self._buffer) - self._at > MAX_ROW_CHARACTERS:
                raise BrokenFileError(f"is not JSON at row {self._row}", self._row)
            if not self._more():
                reason = f"ends within row {self._row}, or is no JSON there"
                raise BrokenFileError(reason, self._row)
        value, self._at = scanned
        return value

    def _scanned(self) -> tuple[Any, int] | None:
        """The value that begins here, and where it ends; None if it is not all there.

        The scanner's error holds the text: it ends here, so that no other error refers to it.
        """
        try:
            return self._scan(self._buffer, self._at)
        except (ValueError, RecursionError):
            return None

    def _more(self) -> bool:
        """Get the next piece of text; False at the end."""
        data = self._read(CHUNK_BYTES)
        text = self._decoded(data)
        if text is None:
            raise BrokenFileError(f"is not UTF-8 after row {self._row}", self._row)
        self._buffer = self._buffer[self._at :] + text
        self._at = 0
        return bool(data)

    def _decoded(self, data: bytes) -> str | None:
        """The text, None where it is not UTF-8; as above, the error holds the data."""
        try:
            return self._text.decode(data, final=not data)
        except UnicodeDecodeError:
            return None
