"""Waiting that a person watches: one bar, drawn only once there is something to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from musicrec.personalize.waiting import DEFAULT_TIMEOUT, Patience, Progress

if TYPE_CHECKING:
    from collections.abc import Callable


class ProgressBar:
    """Shows waits as a bar of seconds waited over seconds expected.

    A context manager; pass `patience` to whatever waits. A resource that is ready at the first look
    draws nothing, so a notebook's output on the embedded AWS stays the same from run to run.

    Args:
        expected: seconds that the wait usually takes (imports 4 to 17 minutes, trainings 38 to 57).
        timeout: seconds after which waiting ends in an error.
        make_bar: makes the bar; tests pass their own.
    """

    def __init__(
        self,
        expected: float,
        timeout: float = DEFAULT_TIMEOUT,
        make_bar: Callable[..., tqdm[None]] = tqdm,
    ) -> None:
        self._expected = expected
        self._timeout = timeout
        self._make_bar = make_bar
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def patience(self) -> Patience:
        """For the functions that wait."""
        return Patience(timeout=self._timeout, on_progress=self._show)

    def _show(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = self._make_bar(total=round(self._expected), unit="s", leave=False)
        self._bar.set_description(f"{progress.what}: {progress.status}")
        self._bar.n = min(round(progress.elapsed), self._bar.total or 0)
        self._bar.refresh()
