"""Contextual metadata: what people choose depends on where they are and what they hold.

Columns of the Interactions dataset that are categorical tell the circumstances of each interaction. A
request that names its own circumstances gets more of what is chosen in them: an item's lift is how
much oftener it was met so than all items together, damped for items of which little is known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from musicrec.local.personalize.ranking import best

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.interaction_log import InteractionLog

DAMPING: Final = 20.0
"""Interactions at the average that every item is taken to have had besides."""

WEIGHT: Final = 0.5
"""What a lift of e counts, in standard deviations of the scores of the user's best items."""

BEST_ITEMS: Final = 100


@dataclass(frozen=True, eq=False)
class _Value:
    """Interactions with one value of a column, by item code; items without any are left out."""

    codes: NDArray[np.int64]
    counts: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Column:
    """Interactions with any value, by item code, and those with each one."""

    totals: NDArray[np.float32]
    values: dict[str, _Value]

    @classmethod
    def of(cls, pairs: Mapping[tuple[str, str], int], index: Mapping[str, int]) -> Self:
        """From counts by item and value."""
        totals = np.zeros(len(index), dtype=np.float32)
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (item, value), count in pairs.items():
            code = index.get(item)
            if code is not None:
                totals[code] += count
                found[value].append((code, count))
        values = {
            value: _Value(
                np.array([code for code, _ in entries], dtype=np.int64),
                np.array([count for _, count in entries], dtype=np.float32),
            )
            for value, entries in found.items()
        }
        return cls(totals, values)

    def lift(self, name: str) -> NDArray[np.float32] | None:
        """How much oftener than on average each item was met with the value; None if never."""
        value = self.values.get(name)
        if value is None:
            return None
        share = value.counts.sum() / self.totals.sum()
        met = np.full(len(self.totals), DAMPING * share, dtype=np.float32)
        met[value.codes] += value.counts
        lift: NDArray[np.float32] = met / ((self.totals + np.float32(DAMPING)) * share)
        return lift


@dataclass(frozen=True, eq=False)
class Contexts:
    """What the training's interactions say of circumstances, by column in upper case."""

    columns: Mapping[str, _Column]

    @classmethod
    def learned(
        cls, log: InteractionLog, mark: int, names: Iterable[str], index: Mapping[str, int]
    ) -> Self:
        """Count.

        Args:
            log: the group's interactions.
            mark: streamed events before it count.
            names: the columns.
            index: item codes by id.
        """
        return cls({name.upper(): _Column.of(_pairs(log, mark, name), index) for name in names})

    def applied(
        self, scores: NDArray[np.float32], context: Mapping[str, str], *, cold: bool
    ) -> NDArray[np.float32]:
        """Scores with regard to a request's context; unknown columns and values are ignored.

        Args:
            scores: of the items that the training knew, and perhaps of later ones.
            context: values by column, in any case.
            cold: whether the scores are popularity, for want of a history.
        """
        lift = np.ones(len(scores), dtype=np.float32)
        for name, value in context.items():
            column = self.columns.get(name.upper())
            own = column.lift(value) if column else None
            if own is not None:
                lift[: len(own)] *= own
        if cold:
            return scores * lift
        spread = scores[best(scores, BEST_ITEMS)].std()
        bonus: NDArray[np.float32] = np.float32(WEIGHT) * spread * np.log(lift)
        return scores + bonus


def _pairs(log: InteractionLog, mark: int, name: str) -> Counter[tuple[str, str]]:
    """How often each item was met with each value of the column."""
    found: Counter[tuple[str, str]] = Counter()
    bulk = log.bulk
    if bulk is not None and name in bulk.column_names:
        groups = bulk.group_by(["ITEM_ID", name]).aggregate([([], "count_all")])
        columns = (groups.column(key).to_pylist() for key in ("ITEM_ID", name, "count_all"))
        for item, value, count in zip(*columns, strict=True):
            if value is not None:
                found[item, value] += count
    for _, event in log.streamed(mark):
        value = event.properties.get(name)
        if value is not None:
            found[event.item_id, str(value)] += 1
    return found
