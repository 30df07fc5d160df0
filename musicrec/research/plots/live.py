"""Figures of campaigns that answer: two arms side by side, and a list that follows what is played."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator, PercentFormatter

from musicrec.research.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOK = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREY, "^", ":"))


@figure
def arms(outcome: pd.DataFrame, by_rank: pd.DataFrame, measure: str, title: str) -> Figure:
    """Arms with their intervals, and where in the list the difference comes from.

    Args:
        outcome: `listeners`, `mean`, `low` and `high` by arm, as `experiment.by_arm` makes it.
        by_rank: share of lists by arm (rows) and rank (columns), as `experiment.by_rank` makes it.
        measure: what the means are of, for the axis.
        title: what the figure shows.
    """
    made, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.2), gridspec_kw={"width_ratios": (1, 1.3)}
    )
    for place, (arm, row) in enumerate(outcome.iterrows()):
        colour, marker, line = _LOOK[place % len(_LOOK)]
        left.plot([place, place], [row["low"], row["high"]], color=colour, lw=2)
        left.plot(place, row["mean"], marker, color=colour, markersize=8)
        left.annotate(
            f"{row['mean']:.2f}", (place, row["mean"]), (8, 0), textcoords="offset points",
            va="center", fontsize=9,
        )  # fmt: skip
        right.plot(
            by_rank.columns, by_rank.loc[str(arm)], marker=marker, linestyle=line, color=colour,
            markersize=5, label=str(arm),
        )  # fmt: skip
    names = [f"{arm}\n{row['listeners']:.0f} listeners" for arm, row in outcome.iterrows()]
    left.set_xticks(range(len(outcome)), names)
    left.set(xlim=(-0.5, len(outcome) - 0.4), ylabel=measure)
    left.set_title("mean with 95 % bootstrap interval")
    left.set_ylim(bottom=0)
    only_grid(left, "y")
    _ranked(right)
    headline(made, title)
    return made


def _ranked(axes: Axes) -> None:
    axes.set(xlabel="rank in the list", ylabel="of an arm's lists")
    axes.set_title("track heard to the end, by rank")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    only_grid(axes, "y")


@figure
def reaction(panels: Mapping[str, pd.DataFrame], played: Sequence[str], length: int) -> Figure:
    """Shares of a list by genre, play by play; the band on top says what was being played.

    Args:
        panels: as `reaction.shares` makes them, by who listens.
        played: genre of each play, in order.
        length: of the lists, for the axis.
    """
    made, grid = plt.subplots(1, len(panels), figsize=(WIDTH, 3.9), sharey=True, squeeze=False)
    colours = _colours(next(iter(panels.values())))
    for axes, (name, table) in zip(grid.flat, panels.items(), strict=True):
        for place, genre in enumerate(table.columns):
            axes.plot(
                table.index, table[genre], marker="os^Dv"[place % 5], markersize=5,
                color=colours[genre], label=genre,
            )  # fmt: skip
        _turns(axes, played, colours)
        axes.set_title(name, pad=22)
        axes.set(xlabel="tracks played so far", ylim=(-0.03, 1.03))
        axes.set_xlim(-0.3, len(played) + 0.7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        only_grid(axes, "y")
    grid[0, 0].yaxis.set_major_formatter(PercentFormatter(1))
    grid[0, 0].set_ylabel(f"share of the {length} recommended tracks")
    grid[0, -1].legend(bbox_to_anchor=(1, 1), loc="upper left")
    headline(made, "How the list follows what is being played, without any training")
    return made


def _colours(table: pd.DataFrame) -> dict[str, str]:
    """A colour a genre; the last column, all else, is grey."""
    names = list(table.columns)
    return {name: PALETTE[place] for place, name in enumerate(names[:-1])} | {names[-1]: GREY}


def _turns(axes: Axes, played: Sequence[str], colours: Mapping[str, str]) -> None:
    """Bands above the panel: from which play to which a genre was played."""
    begin = 1
    for genre, turn in groupby(played):
        end = begin + len(list(turn))
        axes.plot(
            [begin - 0.4, end - 0.6], [1.03, 1.03], color=colours.get(genre, INK), linewidth=5,
            transform=axes.get_xaxis_transform(), clip_on=False, solid_capstyle="butt",
        )  # fmt: skip
        axes.annotate(
            f"plays {genre}", ((begin + end - 1) / 2, 1.03), (0, 5), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip
        begin = end
