"""What a comparison of arms has shown: outcomes by list, by arm, and whether the deal was fair.

It takes exposures and events, and asks neither who listened nor how the events came: with real
listeners they are those of the lake that name a recommendation.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from musicrec.events import EventType
from musicrec.research.evaluation import Interval, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from musicrec.events import ListeningEvent
    from musicrec.personalize.arms import Exposure


def outcomes(exposures: Sequence[Exposure], events: Iterable[ListeningEvent]) -> pd.DataFrame:
    """What became of each list.

    Only events that name the recommendation count, each track once.

    Returns:
        A row an exposure: `listener`, `arm`, `shown` (length of the list), and how many of its
        tracks were `played`, `completed` and `skipped`.
    """
    met: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in events:
        if event.recommendation_id:
            met[event.recommendation_id, event.event_type.value].add(event.track_id)
    rows = [
        {
            "listener": one.listener,
            "arm": one.arm,
            "shown": len(one.track_ids),
            **{
                column: len(met[one.recommendation_id, kind.value] & set(one.track_ids))
                for column, kind in _COLUMNS.items()
            },
        }
        for one in exposures
    ]
    return pd.DataFrame(rows, columns=["listener", "arm", "shown", *_COLUMNS])


_COLUMNS = {
    "played": EventType.PLAY,
    "completed": EventType.COMPLETE,
    "skipped": EventType.SKIP,
}


def completion_rates(events: pd.DataFrame) -> pd.Series[float]:
    """Share of each listener's plays that were heard to the end; 0 for who has no play.

    Args:
        events: as `frames.events_frame` makes it.
    """
    counts = pd.crosstab(events["user_id"], events["event_type"])
    kinds = [EventType.PLAY.value, EventType.COMPLETE.value]
    begun, ended = (counts.get(kind, pd.Series(0, counts.index)) for kind in kinds)
    return (ended / begun.clip(lower=1)).clip(upper=1).rename("completion rate")


def by_arm(
    table: pd.DataFrame, measure: str, arms: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """`listeners`, `mean`, `low` and `high` (95 % bootstrap interval over listeners) by arm.

    Args:
        table: as `outcomes` makes it.
        measure: one of its numeric columns.
        arms: in the order of the rows; one that has nobody gets no row.
        rng: of the bootstrap.
    """
    rows = {}
    for arm in arms:
        values = table.loc[table["arm"] == arm, measure].to_numpy(dtype=np.float64)
        if len(values):
            found = bootstrap_interval(values, rng)
            rows[arm] = (len(values), found.mean, found.low, found.high)
    made = pd.DataFrame.from_dict(
        rows, orient="index", columns=["listeners", "mean", "low", "high"]
    )
    return made.rename_axis("arm")


def difference(
    table: pd.DataFrame,
    measure: str,
    arms: tuple[str, str],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
) -> Interval | None:
    """Mean of the first arm minus that of the second with its 95 % bootstrap interval.

    The arms are different people, so each is resampled by itself. None when an arm has nobody.
    """
    first, second = (
        table.loc[table["arm"] == arm, measure].to_numpy(dtype=np.float64) for arm in arms
    )
    if len(first) == 0 or len(second) == 0:
        return None
    drawn = _resampled(first, rng, resamples) - _resampled(second, rng, resamples)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(first.mean() - second.mean()), float(low), float(high))


def fair_deal(table: pd.DataFrame, arms: Sequence[str]) -> float:
    """How likely arms as unequal in size as these are by chance (chi-squared test), 0 to 1.

    Below 0.001 something is wrong with the assignment or with who got lost on the way, and the
    outcome says nothing.
    """
    counts = table["arm"].value_counts().reindex(list(arms), fill_value=0)
    return float(stats.chisquare(counts).pvalue) if counts.sum() else 1.0


def by_rank(
    exposures: Sequence[Exposure], events: Iterable[ListeningEvent], length: int
) -> pd.DataFrame:
    """Share of an arm's lists whose track at each rank was heard to the end; ranks are the columns."""
    heard = {
        (event.recommendation_id, event.track_id)
        for event in events
        if event.event_type is EventType.COMPLETE
    }
    rows: dict[str, list[list[bool]]] = defaultdict(list)
    for one in exposures:
        ended = [(one.recommendation_id, track_id) in heard for track_id in one.track_ids[:length]]
        rows[one.arm].append(ended + [False] * (length - len(ended)))
    means = {arm: np.mean(lists, axis=0) for arm, lists in sorted(rows.items())}
    return pd.DataFrame.from_dict(means, orient="index", columns=range(1, length + 1))


def _resampled(
    values: NDArray[np.float64], rng: np.random.Generator, resamples: int
) -> NDArray[np.float64]:
    means: NDArray[np.float64] = values[
        rng.integers(len(values), size=(resamples, len(values)))
    ].mean(axis=1)
    return means
