"""Figures of models: who is better by how much, for whom, and what new plays do to a list."""

from __future__ import annotations

from textwrap import fill
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
    YELLOW,
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
_LINES = tuple(colour for colour in PALETTE if colour != YELLOW)
"""Yellow is too pale for a thin line."""

_TICKS = 15
"""Along the whole width; more would run into each other."""

_FULL = 0.4
"""Share from which a cell of a heat map has the full colour."""


@figure
def metric_panels(
    panels: Mapping[str, pd.DataFrame], title: str, baselines: Collection[str] = ()
) -> Figure:
    """Models as dots with their bootstrap intervals, a panel for each measure, baselines hollow.

    The models stand in one order, that of the first panel, the best on top.

    Args:
        panels: `mean`, `low` and `high` by model, as `frames.results_frame` makes them, by what
            the numbers are.
        title: what the figure shows.
        baselines: names of the models that the others are to be read beside.
    """
    order = next(iter(panels.values())).sort_values("mean", kind="stable").index
    made, grid = plt.subplots(
        1, len(panels), figsize=(WIDTH, 1.3 + 0.42 * len(order)), sharey=True, squeeze=False
    )
    for axes, (name, results) in zip(grid.flat, panels.items(), strict=True):
        _dots(axes, results.reindex(order), baselines)
        axes.locator_params(axis="x", nbins=max(2, _TICKS // len(panels)))
        axes.set_title(_wrapped(name, len(panels)))
        only_grid(axes, "x")
    grid[0, 0].set_yticks(range(len(order)), order)
    grid[0, 0].set_ylim(-0.5, len(order) - 0.3)
    made.supxlabel("mean over users with 95 % bootstrap interval", size=10)
    headline(made, title + (" (hollow: baseline)" if baselines else ""))
    return made


def _dots(axes: Axes, results: pd.DataFrame, baselines: Collection[str]) -> None:
    for place, (model, row) in enumerate(results.iterrows()):
        colour = GREY if model in baselines else BLUE
        axes.plot([row["low"], row["high"]], [place, place], color=colour, lw=2)
        axes.plot(
            row["mean"], place, "o", markersize=8, color=colour,
            markerfacecolor="white" if model in baselines else colour, markeredgewidth=1.8,
        )  # fmt: skip
        axes.annotate(
            f"{row['mean']:.3f}", (row["mean"], place), (0, 7), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    axes.set_xlim(left=0)


@figure
def paired_differences(panels: Mapping[str, Mapping[str, Comparison]], title: str) -> Figure:
    """Paired differences with bootstrap intervals: what does not touch 0 is more than chance.

    Blue is better, red is worse, grey is not shown either way.

    Args:
        panels: comparisons by what they compare, e.g. "Cooccurrence - Popularity", by what the
            numbers are; the same comparisons in each panel.
        title: what the figure shows.
    """
    names = list(next(iter(panels.values())))[::-1]
    made, grid = plt.subplots(
        1, len(panels), figsize=(WIDTH, 1.4 + 0.5 * len(names)), sharey=True, squeeze=False
    )
    for axes, (name, comparisons) in zip(grid.flat, panels.items(), strict=True):
        _differences(axes, [comparisons[each] for each in names])
        axes.locator_params(axis="x", nbins=max(2, _TICKS // len(panels)))
        axes.set_title(_wrapped(name, len(panels)))
        only_grid(axes, "x")
    grid[0, 0].set_yticks(range(len(names)), names)
    grid[0, 0].set_ylim(-0.5, len(names) - 0.3)
    made.supxlabel("difference, mean over users with 95 % bootstrap interval", size=10)
    headline(made, title)
    return made


def _differences(axes: Axes, comparisons: Sequence[Comparison]) -> None:
    low = min(0.0, *(each.difference.low for each in comparisons))
    high = max(0.0, *(each.difference.high for each in comparisons))
    spread = (high - low) or 1.0
    axes.set_xlim(low - 0.15 * spread, high + 0.15 * spread)
    axes.axvline(0, color=GREY, linewidth=1)
    for place, comparison in enumerate(comparisons):
        found = comparison.difference
        colour = BLUE if found.low > 0 else VERMILLION if found.high < 0 else GREY
        axes.plot([found.low, found.high], [place, place], color=colour, lw=2)
        axes.plot(found.mean, place, "o", markersize=8, color=colour)
        axes.annotate(
            f"{found.mean:+.3f}, better {comparison.better:.0%}, worse {comparison.worse:.0%}",
            (np.clip(found.mean, low + 0.33 * spread, high - 0.33 * spread), place), (0, 8),
            textcoords="offset points", ha="center", fontsize=8.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip


def _wrapped(name: str, panels: int) -> str:
    """A panel's title in as many lines as its width asks for."""
    return fill(name, 72 // panels)


@figure
def metric_by_segment(table: pd.DataFrame, metric: str) -> Figure:
    """A metric by length of history, with intervals, one colour and marker a model.

    Args:
        table: as `frames.segments` makes it.
        metric: what the numbers are, for the axis.
    """
    segments, models = list(table["segment"].unique()), list(table["model"].unique())
    made, axes = plt.subplots(figsize=(WIDTH, 4.0))
    for number, model in enumerate(models):
        rows = table[table["model"] == model].set_index("segment").reindex(segments)
        places = np.arange(len(segments)) + 0.7 * ((number + 0.5) / len(models) - 0.5)
        around = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
        axes.errorbar(
            places, rows["mean"], around, linestyle="none", elinewidth=1.5, markersize=6,
            marker=_MARKERS[number % len(_MARKERS)], color=_LINES[number % len(_LINES)],
            label=str(model), clip_on=False,
        )  # fmt: skip
    users = table.groupby("segment")["users"].max()
    names = [f"{segment}\n{users[segment]:,} listeners" for segment in segments]
    axes.set_xticks(range(len(segments)), names)
    axes.set(xlabel="tracks in the listener's history, each time it was heard", ylabel=metric)
    axes.set_ylim(bottom=0)
    axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
    only_grid(axes, "y")
    headline(made, f"{metric}, by length of history, with 95 % bootstrap intervals")
    return made


@figure
def places_by_tenth(table: pd.DataFrame, k: int) -> Figure:
    """Who gets the places of the lists, as a heat map: a row a model, a column a group of tracks.

    Args:
        table: as `beyond.places_by_tenth` makes it; its first row, what was listened to, is what
            the others are read beside.
        k: list length.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.8 + 0.36 * len(table)))
    axes.imshow(table, aspect="auto", vmin=0, vmax=_FULL, interpolation="nearest")
    for (row, column), share in np.ndenumerate(table.to_numpy()):
        colour = "black" if share > _FULL * 0.55 else "white"
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=9, color=colour)
    axes.axhline(0.5, color="white", linewidth=4)
    axes.set_yticks(range(len(table)), table.index)
    axes.set_xticks(
        range(table.shape[1]), ["1\nheard\nby most", *table.columns[1:-1], "never\nheard\nbefore"]
    )
    axes.set(xlabel="tracks, in ten groups that met equally many listeners in all")
    axes.grid(visible=False)
    headline(made, f"Popularity bias: which tracks fill the first {k} places (rows add up to 100%)")
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
