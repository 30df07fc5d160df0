"""Figures of the whole lake: when people listen, in which sittings, and what they skip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from musicrec.research.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN: Final = 0.98
"""Share of the sittings in a histogram; the longest few would press the others together."""

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@figure
def week(listening: pd.DataFrame) -> Figure:
    """A week by the hour: rows of days, columns of hours, colours of hours listened a day.

    Args:
        listening: `weekday` (1 is Monday), `hour` (UTC) and `hours` listened on such a day.
    """
    table = listening.pivot_table(index="weekday", columns="hour", values="hours", aggfunc="sum")
    table = table.reindex(index=range(1, 8), columns=range(24))
    made, axes = plt.subplots(figsize=(WIDTH, 3.2))
    image = axes.imshow(table.to_numpy(dtype="float64"), aspect="auto", vmin=0)
    axes.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    axes.set_yticks(range(7), WEEKDAYS)
    axes.set(xlabel="hour in which a play ended (UTC)")
    axes.grid(visible=False)
    made.colorbar(image, label="hours listened, all listeners", aspect=20)
    headline(made, "When people listen; days without data are blank")
    return made


@figure
def sessions(table: pd.DataFrame) -> Figure:
    """How long sittings are and how many plays they have, as two histograms with their medians.

    Args:
        table: `minutes` and `plays`, one row a sitting.
    """
    made, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    _spread(left, table["minutes"], "minutes from the first play's end to the last's")
    _spread(right, table["plays"], "plays")
    left.set_ylabel("sittings")
    headline(made, f"{len(table):,} sittings, with their medians; the longest 2 % are not drawn")
    return made


@figure
def skip_moments(moments: pd.DataFrame) -> Figure:
    """Where in a track skips fall: the share of all skips in each twentieth of its length.

    Args:
        moments: `twentieth` (0 to 19) and `skips`.
    """
    counts = moments.set_index("twentieth")["skips"].reindex(range(20), fill_value=0)
    shares = counts.astype("float64") / max(1.0, float(counts.sum()))
    made, axes = plt.subplots(figsize=(WIDTH, 3.0))
    axes.bar(np.arange(20) * 0.05 + 0.025, shares, 0.045, color=BLUE)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="part of the track that was heard", ylabel="share of skips", xlim=(-0.01, 1.01))
    only_grid(axes, "y")
    headline(made, "When in a track people skip")
    return made


@figure
def skip_rates(rates: pd.DataFrame, axis: str, title: str) -> Figure:
    """Rates of skipping with their 95 % intervals (Wilson), beside the rate of all.

    Args:
        rates: `skips` and `plays`; the index names the dots, from the left.
        axis: what the index is.
        title: of the figure.
    """
    plays, skips = (rates[name].to_numpy(dtype="float64") for name in ("plays", "skips"))
    middle, half = _wilson(skips, plays)
    crowded = max(map(len, map(str, rates.index)), default=0) > 3
    made, axes = plt.subplots(figsize=(WIDTH, 4.2 if crowded else 3.4))
    places = np.arange(len(rates))
    axes.errorbar(places, middle, half, fmt="o", color=BLUE, ecolor=GREY, capsize=3, label="95 %")
    if plays.sum():
        axes.axhline(skips.sum() / plays.sum(), color=ORANGE, linewidth=1.5, label="all of these")
    axes.set_xticks(places, [str(name) for name in rates.index])
    if crowded:
        plt.setp(axes.get_xticklabels(), rotation=40, ha="right")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel=axis, ylabel="share of plays skipped", ylim=(0, None))
    axes.legend()
    only_grid(axes, "y")
    headline(made, title)
    return made


def _spread(axes: Axes, values: pd.Series[float], label: str) -> None:
    numbers = values.to_numpy(dtype="float64")
    longest, middle = np.quantile(numbers, [_SHOWN, 0.5]) if len(numbers) else (1.0, 0.0)
    axes.hist(numbers, bins=30, range=(0, max(1.0, float(longest))), color=BLUE)
    axes.axvline(middle, color=ORANGE, linewidth=1.5, label=f"median {middle:.0f}")
    axes.set(xlabel=label)
    axes.legend()
    only_grid(axes, "y")


def _wilson(hits: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle and half width of Wilson's interval for a share (Wilson 1927), 95 %."""
    z = 1.96
    trials = np.maximum(trials, 1)
    share = hits / trials
    weight = 1 + z**2 / trials
    middle = (share + z**2 / (2 * trials)) / weight
    half = z / weight * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return middle, half
