"""One listener's view: the list that the API answers, and how five plays of another kind move it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import requests
from msgspec import Struct
from rich.table import Table

from musicrec.local.running import RunningStack

POLL_SECONDS: Final = 0.2
TIMEOUT_SECONDS: Final = 15.0
COLUMN: Final = 42
"""Width of a list that stands beside another, characters."""


class RecommendationsError(RuntimeError):
    """The recommendations API did not answer with the listener's own list."""


class NothingMovedError(RuntimeError):
    """New plays did not change what is recommended."""


class Recommended(Struct, frozen=True):
    """One ranked track, as the API answers it."""

    track_id: str
    name: str | None = None
    artists: list[str] = []
    genres: list[str] = []


class StandIn(Struct, frozen=True):
    """Why the API answered with the list for everybody."""

    reason: str


class Answer(Struct, frozen=True):
    """The answer of `GET /recommendations`."""

    user_id: str
    items: list[Recommended]
    fallback: StandIn | None = None

    def share(self, genre: str) -> float:
        """The share of the list that is of a genre, 0 to 1."""
        return sum(genre in item.genres for item in self.items) / max(1, len(self.items))

    @property
    def genres(self) -> Counter[str]:
        """How many tracks of the list are of each genre."""
        return Counter(genre for item in self.items for genre in item.genres)


class Moved(Struct, frozen=True):
    """A list that follows new plays, and the seconds from asking first to seeing it."""

    answer: Answer
    seconds: float


def ask(stack: RunningStack, user_id: str, num_results: int) -> Answer:
    """Ask the API for one listener's recommendations.

    Raises:
        RecommendationsError: it answered anything but 200, or with the list for everybody.
    """
    response = requests.get(
        f"{stack.deployment.api_url}/recommendations",
        params={"user_id": user_id, "num_results": str(num_results)},
        timeout=TIMEOUT_SECONDS,
    )
    if response.status_code != 200:
        raise RecommendationsError(f"HTTP {response.status_code}: {response.text[:500]}")
    answer = msgspec.json.decode(response.content, type=Answer)
    if answer.fallback:
        raise RecommendationsError(
            f"the answer for {user_id} is the popular list ({answer.fallback.reason}): Personalize "
            "had none; the log of the recommendations function says why"
        )
    return answer


def wait_for_move(
    stack: RunningStack,
    before: Answer,
    genre: str,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Moved:
    """Ask again until more of the list is of `genre` than before.

    Raises:
        NothingMovedError: that did not happen in time.
    """
    started = clock()
    while True:
        answer = ask(stack, before.user_id, len(before.items))
        if answer.share(genre) > before.share(genre):
            return Moved(answer, clock() - started)
        if clock() > started + TIMEOUT_SECONDS:
            raise NothingMovedError(
                f"{TIMEOUT_SECONDS:.0f} s after five plays of {genre}, the recommendations of "
                f"{before.user_id} hold no more of it: {before.share(genre):.0%} as before"
            )
        pause(POLL_SECONDS)


def side_by_side(before: Answer, after: Answer, genre: str, rows: int) -> Table:
    """The two lists beside each other; tracks of `genre` stand out."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("", justify="right", style="dim")
    table.add_column("  before", overflow="ellipsis", no_wrap=True, max_width=COLUMN)
    table.add_column(
        f"  after five plays of {genre}", overflow="ellipsis", no_wrap=True, max_width=COLUMN
    )
    pairs = zip(before.items[:rows], after.items[:rows], strict=False)
    for rank, (left, right) in enumerate(pairs, start=1):
        table.add_row(str(rank), _line(left, genre), _line(right, genre))
    return table


def ranking(answer: Answer, rows: int) -> Table:
    """One list with names, artists and genres."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("", justify="right", style="dim")
    table.add_column("track", overflow="ellipsis", no_wrap=True, max_width=36)
    table.add_column("artists", overflow="ellipsis", no_wrap=True, max_width=28)
    table.add_column("genres", overflow="ellipsis", no_wrap=True, max_width=28, style="dim")
    for rank, item in enumerate(answer.items[:rows], start=1):
        table.add_row(
            str(rank),
            _name(item),
            _plain(item.artists),
            _plain(item.genres) or "not in the catalogue",
        )
    return table


def _line(item: Recommended, genre: str) -> str:
    text = f"{_name(item)} [dim]{_plain(item.artists)}[/]"
    return f"[bold green]* {text}[/]" if genre in item.genres else f"  {text}"


def _name(item: Recommended) -> str:
    return _escape(item.name or item.track_id)


def _plain(words: Sequence[str]) -> str:
    return _escape(", ".join(words))


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
