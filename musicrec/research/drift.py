"""Has what listeners do moved away from what the model learnt, and has what it answers?

Two spans of listening are compared feature by feature, and lists of recommendations with what is
listened to now and with the lists of an earlier day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from musicrec.research.user_features import CATEGORICAL, NUMERIC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.events import ListeningEvent

BINS: Final = 10
"""Tenths of the reference in which a number is counted."""

WATCH: Final = 0.10
ACT: Final = 0.25
"""The usual reading of a population stability index (Siddiqi, Credit Risk Scorecards, 2006): below
the first nothing moved, above the second the population is another one."""

DEALS: Final = 200
"""How often listeners are dealt out anew to see what chance does."""

_EMPTY_SHARE: Final = 1e-3
"""Put in for a bin that nobody is in, whose logarithm has no value."""


def spans(
    events: Iterable[ListeningEvent], window_days: int
) -> tuple[list[ListeningEvent], list[ListeningEvent]]:
    """The newest days of listening, and as many days before them: `(before, recent)`.

    Args:
        events: any listeners' events.
        window_days: how many of the days with events are recent.
    """
    by_day: dict[str, list[ListeningEvent]] = {}
    for event in events:
        by_day.setdefault(event.occurred_on, []).append(event)
    newest_first = sorted(by_day, reverse=True)
    recent = [one for day in newest_first[:window_days] for one in by_day[day]]
    before = [one for day in newest_first[window_days : 2 * window_days] for one in by_day[day]]
    return before, recent


def of_features(
    before: pd.DataFrame, recent: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """The population stability index of each user feature, the most moved first.

    The index of two samples of the same listeners is not 0, and with few of them it is large. So
    the listeners of both spans are dealt out anew many times, and `chance` is what the index stays
    below in 95 of 100 such deals: a feature has moved only if it is above both that and the limit.

    Args:
        before: `user_features.feature_table` of the earlier span.
        recent: of the later one.
        rng: deals the listeners out.

    Returns:
        `psi`, `chance` and `says` (steady, watch or moved) by feature; NaN and "too few listeners"
        where a span has nobody.
    """
    rows = {}
    for name in (*NUMERIC, *CATEGORICAL):
        one, other = (_values(part[name], number=name in NUMERIC) for part in (before, recent))
        index = _number_index if name in NUMERIC else _category_index
        psi = index(one, other)
        chance = _chance(index, one, other, rng)
        rows[name] = {"psi": psi, "chance": chance, "says": _says(psi, chance)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("feature")
    return table.sort_values("psi", ascending=False, kind="stable")


def largest(table: pd.DataFrame) -> float:
    """The largest index that chance does not explain, 0 without any.

    Args:
        table: as `of_features` makes it.
    """
    return float(max([0.0, *table.loc[table["psi"] > table["chance"], "psi"]]))


def stability_index(before: pd.Series[float], recent: pd.Series[float]) -> float:
    """Population stability index of a number: sum over bins of (r - b) * ln(r / b).

    0 for the same spread, growing without bound. Bins are tenths of the earlier span. NaN for an
    empty span.
    """
    return _number_index(_values(before, number=True), _values(recent, number=True))


def distance(one: pd.Series[float], other: pd.Series[float]) -> float:
    """Jensen-Shannon distance of two mixes, e.g. genre shares: 0 for equal ones, 1 for disjoint.

    The square root of the divergence in bits, which is a metric (Endres and Schindelin, 2003). NaN
    when a mix is empty.
    """
    left, right = (part.fillna(0.0).to_numpy() for part in one.align(other))
    if not left.sum() or not right.sum():
        return float("nan")
    left, right = left / left.sum(), right / right.sum()
    middle = (left + right) / 2
    bits = (_divergence(left, middle) + _divergence(right, middle)) / 2
    return float(np.sqrt(max(0.0, bits)))


def overlap(before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> float:
    """Mean share of a listener's earlier list that still stands on the later one, 0 to 1.

    Only listeners with both lists count; NaN without any.
    """
    shares = [
        len(set(before[user]) & set(now[user])) / len(before[user])
        for user in before.keys() & now.keys()
        if before[user]
    ]
    return float(np.mean(shares)) if shares else float("nan")


def _values(column: pd.Series[Any], *, number: bool) -> NDArray[Any]:
    return column.dropna().to_numpy(float) if number else column.fillna("none").to_numpy(str)


def _number_index(one: NDArray[Any], other: NDArray[Any]) -> float:
    if not len(one) or not len(other):
        return float("nan")
    inner = np.unique(np.quantile(one, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = [np.searchsorted(inner, values, side="right") for values in (one, other)]
    return _index(bins[0], bins[1])


def _category_index(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Rare categories of the earlier span, and new ones, are one bin together."""
    if not len(one) or not len(other):
        return float("nan")
    names, counts = np.unique(one, return_counts=True)
    common = names[np.argsort(-counts, kind="stable")][: BINS - 1].tolist()
    place = {name: number for number, name in enumerate(common)}
    bins = [np.array([place.get(name, BINS - 1) for name in part]) for part in (one, other)]
    return _index(bins[0], bins[1])


def _index(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    counts = [np.bincount(bins, minlength=BINS) for bins in (one, other)]
    used = (counts[0] + counts[1]) > 0
    left, right = (np.maximum(part[used] / part.sum(), _EMPTY_SHARE) for part in counts)
    return float(((right - left) * np.log(right / left)).sum())


def _chance(
    index: Callable[[NDArray[Any], NDArray[Any]], float],
    one: NDArray[Any],
    other: NDArray[Any],
    rng: np.random.Generator,
) -> float:
    if not len(one) or not len(other):
        return float("nan")
    both = np.concatenate([one, other])
    deals = (rng.permutation(both) for _ in range(DEALS))
    return float(np.quantile([index(deal[: len(one)], deal[len(one) :]) for deal in deals], 0.95))


def _divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    found = one > 0
    return float((one[found] * np.log2(one[found] / other[found])).sum())


def _says(psi: float, chance: float) -> str:
    if np.isnan(psi):
        return "too few listeners"
    return "steady" if psi < WATCH or psi <= chance else "watch" if psi < ACT else "moved"
