"""Figures that people would show a colleague: one function a figure, plain frames in, a figure out.

No function here reads data or decides what it means; tables come from `musicrec.research.frames`,
`musicrec.research.user_features` and `musicrec.research.evaluation`.
"""

from musicrec.research.plots.counts import bars, stacked_bars
from musicrec.research.plots.history import genres_over_time, hours, sound
from musicrec.research.plots.items import (
    feature_distributions,
    genre_map,
    genres_per_track,
    raw_findings,
)
from musicrec.research.plots.lake import sessions, skip_moments, skip_rates, week
from musicrec.research.plots.listeners import (
    feature_halves,
    genre_shares,
    stability,
    user_features,
)
from musicrec.research.plots.live import arms, reaction
from musicrec.research.plots.models import (
    list_shift,
    metric_by_segment,
    metric_panels,
    paired_differences,
    places_by_tenth,
    ranks,
)
from musicrec.research.plots.operations import dollars, drift
from musicrec.research.plots.style import PALETTE, style

__all__ = [
    "PALETTE",
    "arms",
    "bars",
    "dollars",
    "drift",
    "feature_distributions",
    "feature_halves",
    "genre_map",
    "genre_shares",
    "genres_over_time",
    "genres_per_track",
    "hours",
    "list_shift",
    "metric_by_segment",
    "metric_panels",
    "paired_differences",
    "places_by_tenth",
    "ranks",
    "raw_findings",
    "reaction",
    "sessions",
    "skip_moments",
    "skip_rates",
    "sound",
    "stability",
    "stacked_bars",
    "style",
    "user_features",
    "week",
]
