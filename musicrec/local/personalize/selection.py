"""Which items an answer lists, in which order, and why, where the model would not have chosen them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.local.personalize import exploration
from musicrec.local.personalize.ranking import best

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from musicrec.local.personalize.exploration import Exploration
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

EXPLORED: Final = "Exploration"
POPULAR: Final = "Popular item"
PROMOTED: Final = "Promoted item"

CANDIDATES: Final = 5000
"""The best items for a user, of which the second generation makes a list. Where a filter leaves too
few of them, popular items fill up."""


@dataclass(frozen=True)
class Selected:
    """One place of a list.

    Attributes:
        code: of the item.
        reason: why it is there, unless the model chose it.
    """

    code: int
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Selection:
    """All that the choice of a list's items depends on.

    Attributes:
        version: says by which recipe.
        trained: its model.
        scores: of every item code.
        listable: mask of what has a score, a filter lets through and no promotion has taken.
        heard: item codes of the user's history.
        exploration: how much to explore.
        chance: decides where and what to explore.
    """

    version: SolutionVersion
    trained: Trained
    scores: NDArray[np.float32]
    listable: NDArray[np.bool_]
    heard: NDArray[np.int32]
    exploration: Exploration
    chance: np.random.Generator

    def listed(self, count: int) -> list[Selected]:
        """The list, of `count` places at most."""
        explored = self._explored(exploration.places(self.exploration, count, self.chance))
        left = self.listable.copy()
        left[self.trained.known :] = False  # newcomers come in by exploration alone
        left[explored] = False
        codes = best(self.scores, count - len(explored), left)
        listed = [Selected(code) for code in codes.tolist()]
        if self.version.solution.recipe.second_generation:
            listed = self._with_popular(codes, left)
        places = self.chance.choice(len(listed) + len(explored), len(explored), replace=False)
        found = mixed(
            listed, [Selected(code, EXPLORED) for code in explored.tolist()], set(places.tolist())
        )
        return found + self._latest(explored, count - len(found))

    def _explored(self, places: int) -> NDArray[np.int64]:
        if places == 0:
            return np.empty(0, dtype=np.int64)
        candidates = self._young()
        candidates[self.heard] = False
        lots = exploration.drawn(self.version, self.trained, self.scores, self.chance)
        return best(lots, places, candidates)

    def _young(self) -> NDArray[np.bool_]:
        novelty = self.trained.novelty
        assert novelty  # without it no share of the places is explored
        young = exploration.young(self.exploration, novelty, self.trained.known)
        return young & self.listable

    def _with_popular(self, codes: NDArray[np.int64], left: NDArray[np.bool_]) -> list[Selected]:
        """The candidates among the codes; of what is left, popular items in place of the others."""
        kept = codes[self.scores[codes] >= self._bar(codes)]
        novelty = self.trained.novelty
        if len(kept) == len(codes) or novelty is None:
            return [Selected(code) for code in codes.tolist()]
        met = left & (novelty.meetings > 0)
        met[kept] = False
        popular = best(novelty.meetings, len(codes) - len(kept), met)
        return [Selected(code) for code in kept.tolist()] + [
            Selected(code, POPULAR) for code in popular.tolist()
        ]

    def _bar(self, codes: NDArray[np.int64]) -> np.float32:
        """The lowest score of a candidate, if any of the codes could be below it."""
        place = len(self.scores) - CANDIDATES
        if place <= 0 or len(codes) == 0:
            return np.float32(-np.inf)
        if np.count_nonzero(self.scores > self.scores[codes[-1]]) < CANDIDATES:
            return np.float32(-np.inf)
        return np.float32(np.partition(self.scores, place)[place])

    def _latest(self, explored: NDArray[np.int64], places: int) -> list[Selected]:
        """Newcomers at the end of a list for which the training's items do not suffice."""
        if places <= 0 or self.exploration.share == 0:
            return []
        left = self._young()
        left[: self.trained.known] = False
        left[explored] = False
        codes = best(self.scores, places, left)
        return [Selected(code, EXPLORED) for code in codes.tolist()]


def mixed(
    ordinary: Sequence[Selected], others: Sequence[Selected], places: Collection[int]
) -> list[Selected]:
    """One list of both, each in its order: the others at the places, as many as they are."""
    sources = {True: iter(others), False: iter(ordinary)}
    return [next(sources[place in places]) for place in range(len(ordinary) + len(others))]
