"""Which rows of USERS or ITEMS are new or other than in an earlier build's file.

Both files are in the order of their ids, so they are read side by side in little memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicrec.datasets.csvfile import first_cell

if TYPE_CHECKING:
    from collections.abc import Iterable


class Comparison:
    """Goes through an earlier file while the new one is made.

    Attributes:
        changed: lines so far that the earlier file lacks or has otherwise.
        gone: ids so far that only the earlier file has.
    """

    def __init__(self, earlier: Iterable[bytes]) -> None:
        """Take the lines of the earlier file without the header, by id."""
        self._earlier = iter(earlier)
        self._line = next(self._earlier, None)
        self.changed = 0
        self.gone = 0

    def news(self, lines: bytes) -> bytes:
        """Those of some more lines that are new or other, in their order."""
        return b"".join(line + b"\n" for line in lines.splitlines() if self._is_news(line))

    def finish(self) -> None:
        """Count what the earlier file has after the last line."""
        while self._line is not None:
            self._skip()

    def _is_news(self, line: bytes) -> bool:
        if line != self._line:
            identifier = first_cell(line)
            while self._line is not None and first_cell(self._line) < identifier:
                self._skip()
            if self._line is None or first_cell(self._line) != identifier:
                self.changed += 1
                return True
        is_other = line != self._line
        self.changed += is_other
        self._line = next(self._earlier, None)
        return is_other

    def _skip(self) -> None:
        self.gone += 1
        self._line = next(self._earlier, None)
