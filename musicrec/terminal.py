"""What the commands of `musicrec` share: how they fail, and how they show that they go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def progress(amount: ProgressColumn) -> Iterator[Progress]:
    """A bar on standard error that is gone at the end.

    Args:
        amount: the column that says how much is done.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        amount,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as shown:
        yield shown


def failure(message: str) -> typer.Exit:
    """Say what is wrong on standard error; to be raised."""
    typer.echo(message, err=True)
    return typer.Exit(1)
