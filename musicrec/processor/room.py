"""Room for work that is done at once, so that it fits into memory together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """Holds pieces of work up to a size; one that is larger is held when there is nothing else.

    Args:
        size: of all that is held at once, in whatever unit the pieces have.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[int] = []
        self._left = Condition()

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until there is room for a piece, and take it for as long as the context lasts."""
        with self._left:
            self._left.wait_for(lambda: not self._held or sum(self._held) + size <= self._size)
            self._held.append(size)
        try:
            yield
        finally:
            with self._left:
                self._held.remove(size)
                self._left.notify_all()
