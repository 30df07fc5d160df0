"""Progress lines: what is being done, what came of it, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

T = TypeVar("T")


class Steps:
    """Numbered steps on a console, each with its time.

    Attributes:
        seconds: time of each finished step by its title, in order.
    """

    def __init__(
        self, console: Console, total: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._console, self._total, self._clock = console, total, clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, run it, and print how long it took; a failure is named and passed on."""
        number = len(self.seconds) + 1
        self._console.print(f"[bold cyan]\\[{number}/{self._total}][/] [bold]{title}[/]")
        started = self._clock()
        try:
            yield
        except BaseException:
            self._console.print(f"      [bold red]failed[/] after {self._clock() - started:.1f} s")
            raise
        self.seconds[title] = self._clock() - started
        self._console.print(f"      [dim]{self.seconds[title]:.1f} s[/]")

    def say(self, line: str) -> None:
        """Print one result of the running step."""
        self._console.print(f"      {line}", highlight=False, markup=False, soft_wrap=True)

    def show(self, table: Table) -> None:
        """Print a table of the running step."""
        self._console.print(Padding(table, (1, 0, 1, 6)))

    def track(self, items: Iterable[T], total: int, unit: str) -> Iterator[T]:
        """Pass `items` on behind a progress bar, which a terminal shows while it runs."""
        bar = Progress(
            TextColumn("     "),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with bar:
            task = bar.add_task("", total=total)
            for item in items:
                yield item
                bar.advance(task)
