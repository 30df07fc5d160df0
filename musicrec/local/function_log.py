"""What a function's processes print: the end of it in memory, all of it in a file."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LINES_KEPT: Final = 1_000


class FunctionLog:
    """The output of one function, over all its processes.

    Args:
        path: file that every line is appended to; made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._tail: deque[str] = deque(maxlen=LINES_KEPT)

    def write(self, line: str) -> None:
        """Keep one line of output; a line break at its end is optional."""
        text = line.rstrip("\r\n")
        with self._lock:
            self._tail.append(text)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")

    def tail(self) -> list[str]:
        """The newest lines, oldest first, 1,000 at most."""
        with self._lock:
            return list(self._tail)
