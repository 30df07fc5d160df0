"""Trending-Now: items whose audience grew most from one interval to the next.

Trends are looked for once an interval, at the first request after it ended. When two intervals have
brought no interactions, popular items stand in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.local.personalize.recipes import TREND_INTERVALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

DEFAULT: Final = "2 hours"


@dataclass(frozen=True, eq=False)
class Trend:
    """What was found at the end of an interval.

    Attributes:
        end: of the interval, epoch seconds.
        scores: of all items, read-only.
    """

    end: int
    scores: NDArray[np.float32]


def trending(version: SolutionVersion, trained: Trained, now: float) -> NDArray[np.float32]:
    """Scores of all items: growth first, popularity among what did not grow."""
    interval = _interval(version)
    end = int(now) // interval * interval
    trend = version.trend
    if trend is None or trend.end != end:
        trend = Trend(end, _scores(version, trained, end, interval))
        version.trend = trend
    return trend.scores.copy()


def _interval(version: SolutionVersion) -> int:
    config = version.settings.get("solutionConfig", {}).get("featureTransformationParameters", {})
    return TREND_INTERVALS[config.get("trend_discovery_frequency", DEFAULT).lower()]


def _scores(
    version: SolutionVersion, trained: Trained, end: int, interval: int
) -> NDArray[np.float32]:
    popular = trained.model.scores(np.empty(0, dtype=np.int32))
    now = _audience(version, trained, end - interval, end)
    before = _audience(version, trained, end - 2 * interval, end - interval)
    growth = np.maximum(now - before, 0)
    shares: NDArray[np.float32] = popular / (popular.max(initial=0) + np.float32(1))
    total: NDArray[np.float32] = growth + shares
    return total


def _audience(
    version: SolutionVersion, trained: Trained, start: int, end: int
) -> NDArray[np.float32]:
    """Distinct users of each item in the interval."""
    log = version.solution.group.log
    table = log.imported
    rows = np.flatnonzero((table.timestamps >= start) & (table.timestamps < end))
    pairs = {(table.user_ids[table.users[row]], table.item_ids[table.items[row]]) for row in rows}
    pairs |= {
        (user, event.item_id)
        for user, event in log.streamed()
        if start <= event.timestamp < end and trained.selection.takes(event)
    }
    codes = [trained.item_index[item] for _, item in pairs if item in trained.item_index]
    counts = np.bincount(np.array(codes, dtype=np.int64), minlength=len(trained.item_ids))
    return counts.astype(np.float32)
