"""Figures of models: who is better by how much, for whom, and what new plays do to a list."""

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
    VERMILLION,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from musicrec.research.evaluation import Comparison

_MARKERS = "osD^vPX*"


@figure
def metric_comparison(
    results: pd.DataFrame, metric: str, baselines: Collection[str] = ()
) -> Figure:
    """Models as dots with their bootstrap intervals, the best on top, baselines hollow and grey.

    Args:
        results: `mean`, `low` and `high` by model, as `frames.results_frame` makes it.
        metric: what the numbers are, for the axis.
        baselines: names of the models that the others are to be read beside.
    """
    ordered = results.sort_values("mean", kind="stable")
    made, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.45 * len(ordered)))
    for place, (model, row) in enumerate(ordered.iterrows()):
        plain = model in baselines
        axes.plot([row["low"], row["high"]], [place, place], color=GREY if plain else BLUE, lw=2)
        axes.plot(
            row["mean"], place, "o", markersize=8, color=GREY if plain else BLUE,
            markerfacecolor="white" if plain else BLUE, markeredgewidth=1.8,
        )  # fmt: skip
        axes.annotate(
            f"{row['mean']:.3f}", (row["mean"], place), (0, 7), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    axes.set_yticks(range(len(ordered)), ordered.index)
    axes.set(xlabel=f"{metric}, mean over users with 95 % bootstrap interval")
    axes.set_xlim(left=0)
    axes.margins(y=0.15)
    only_grid(axes, "x")
    headline(made, f"{metric} by model" + (" (hollow: baseline)" if baselines else ""))
    return made


@figure
def paired_differences(comparisons: Mapping[str, Comparison], metric: str) -> Figure:
    """Paired differences with bootstrap intervals: what does not touch 0 is more than chance.

    Args:
        comparisons: by what they compare, e.g. "Cooccurrence - Popularity".
        metric: what the differences are of, for the axis.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.45 * len(comparisons)))
    for place, comparison in enumerate(reversed(list(comparisons.values()))):
        found = comparison.difference
        colour = BLUE if found.low > 0 else VERMILLION if found.high < 0 else GREY
        axes.plot([found.low, found.high], [place, place], color=colour, lw=2)
        axes.plot(found.mean, place, "o", markersize=8, color=colour)
        axes.annotate(
            f"{found.mean:+.3f}   better for {comparison.better:.0%}, worse for {comparison.worse:.0%}",
            (found.mean, place), (0, 8), textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(comparisons)), list(comparisons)[::-1])
    axes.set(xlabel=f"difference in {metric}, mean over users with 95 % bootstrap interval")
    axes.margins(x=0.2, y=0.2)
    only_grid(axes, "x")
    headline(made, f"Paired differences in {metric}")
    return made


@figure
def metric_by_segment(table: pd.DataFrame, metric: str) -> Figure:
    """A metric by length of history, one line a model.

    Args:
        table: models in rows, segments in columns, as `frames.segments` makes it.
        metric: what the numbers are, for the axis.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 3.6))
    for (model, row), colour, marker in zip(
        table.iterrows(), PALETTE * len(table), _MARKERS * len(table), strict=False
    ):
        axes.plot(range(len(row)), row, color=colour, marker=marker, label=str(model))
    axes.set_xticks(range(table.shape[1]), table.columns)
    axes.set(xlabel="interactions in the listener's history", ylabel=metric)
    axes.set_ylim(bottom=0)
    axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
    only_grid(axes, "y")
    headline(made, f"{metric} by length of history")
    return made


@figure
def list_shift(
    before: pd.Series[float],
    after: pd.Series[float],
    genres: int = 10,
    *,
    names: tuple[str, str] = ("before", "after"),
    title: str = "What is recommended, before and after the new plays",
) -> Figure:
    """Genre shares of two lists of tracks as paired bars, e.g. before and after new plays.

    Args:
        before: share by genre, as `frames.list_genre_shares` makes it.
        after: the same for the other list.
        names: what the two lists are.
        title: of the figure.
        genres: how many are shown, those with the largest share in either list; the genre that
            gained most stands on top.
    """
    one, other = before.align(after, fill_value=0.0)
    peak = one.where(one > other, other)
    shown = peak.sort_values(ascending=False, kind="stable").index[:genres]
    order = (other - one)[shown].sort_values(kind="stable").index
    made, axes = plt.subplots(figsize=(WIDTH, 1.3 + 0.42 * len(order)))
    places = np.arange(len(order))
    axes.barh(places + 0.2, one[order], 0.38, color=GREY, label=names[0])
    axes.barh(places - 0.2, other[order], 0.38, color=ORANGE, label=names[1])
    axes.set_yticks(places, order)
    axes.xaxis.set_major_formatter(PercentFormatter(1))  # as many decimals as the ticks need
    axes.set(xlabel="share of the list")
    axes.legend(bbox_to_anchor=(0, 1), loc="lower left", ncols=2)  # clear of any bar
    only_grid(axes, "x")
    headline(made, title)
    return made


@figure
def ranks(before: Sequence[str], after: Sequence[str], labels: Mapping[str, str]) -> Figure:
    """Two lists side by side, a line for every item that stayed; new items are coloured.

    Args:
        before: item ids, best first.
        after: the later list.
        labels: what to call each item, e.g. "title, artist"; its id where missing.
    """
    longest = max(len(before), len(after), 1)
    made, axes = plt.subplots(figsize=(WIDTH, 1.0 + 0.27 * longest))
    for item in set(before) & set(after):
        places = (before.index(item) + 1, after.index(item) + 1)
        axes.plot((0, 1), places, color=BLUE, linewidth=1.2, marker="o", markersize=4)
    _write_list(axes, before, set(after), labels, side=0)
    _write_list(axes, after, set(before), labels, side=1)
    axes.set(xlim=(-1.6, 2.6), ylim=(longest + 0.7, -0.3))
    axes.set_axis_off()
    headline(made, "Rank by rank: blue stayed, grey left, orange is new")
    return made


def _write_list(
    axes: Axes, ids: Sequence[str], kept: Collection[str], labels: Mapping[str, str], side: int
) -> None:
    anchor, x = ("right", -0.06) if side == 0 else ("left", 1.06)
    axes.text(x, 0.1, ("before", "after")[side], ha=anchor, va="center", weight="bold")
    for rank, item in enumerate(ids, start=1):
        colour = BLUE if item in kept else (GREY, "#B36B00")[side]
        name = _shortened(labels.get(item, item))
        text = f"{name}  {rank}" if side == 0 else f"{rank}  {name}"
        axes.text(x, rank, text, ha=anchor, va="center", fontsize=9, color=colour)


def _shortened(name: str, limit: int = 44) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
