"""Figures of one listener's own history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from musicrec.research.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure


@figure
def genres_over_time(shares: pd.DataFrame) -> Figure:
    """Stacked shares of genres by quarter; what is missing to the whole is all other genres.

    Args:
        shares: as `own_history.genres_over_time` makes it.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 4.2))
    places = np.arange(len(shares))
    below = np.zeros(len(shares))
    for colour, genre in zip(PALETTE, shares.columns, strict=False):
        axes.bar(places, shares[genre], 0.9, bottom=below, color=colour, label=str(genre))
        below += shares[genre].to_numpy()
    step = max(1, len(shares) // 12)
    axes.set_xticks(places[::step], [str(quarter) for quarter in shares.index[::step]])
    axes.tick_params(axis="x", labelrotation=45)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(ylabel="share of listening", ylim=(0, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=True)
    only_grid(axes, "y")
    headline(made, "What you listened to, quarter by quarter")
    return made


@figure
def hours(shares: Sequence[float]) -> Figure:
    """Share of plays by hour of the day, UTC.

    Args:
        shares: 24 of them, as `Profile.listening_hours` gives them.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 2.8))
    axes.bar(range(24), shares, 0.85, color=BLUE)
    axes.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel="hour (UTC)", ylabel="share of plays")
    only_grid(axes, "y")
    headline(made, "When you listen")
    return made


@figure
def sound(differences: pd.Series[float]) -> Figure:
    """How what is listened to differs from the catalogue, as dots left and right of its mean.

    Args:
        differences: as `own_history.sound` makes it.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.32 * len(differences)))
    ordered = differences.sort_values(kind="stable")
    axes.hlines(ordered.index, 0, ordered, color=GREY, linewidth=1)
    axes.plot(ordered, ordered.index, "o", color=ORANGE, markersize=9)
    axes.axvline(0, color=GREY, linewidth=1)
    reach = max(0.5, 1.15 * float(ordered.abs().max()))
    axes.set(xlabel="standard deviations from the catalogue's mean", xlim=(-reach, reach))
    only_grid(axes, "x")
    headline(made, "How your music sounds, beside the catalogue")
    return made
