"""Figures of counts: how many of each kind, and how a total is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from musicrec.research.plots.style import BLUE, PALETTE, WIDTH, figure, headline, only_grid

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ROW_INCHES = 0.38


@figure
def bars(counts: pd.Series[int], title: str, unit: str) -> Figure:
    """One bar a row of `counts`, from the top down, each with its number.

    Args:
        counts: how many, by what.
        title: what the figure shows.
        unit: what is counted.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.1 + _ROW_INCHES * len(counts)))
    drawn = axes.barh(counts.index.astype(str), counts, color=BLUE, height=0.65)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(xlabel=unit)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    only_grid(axes, "x")
    headline(made, title)
    return made


@figure
def stacked_bars(table: pd.DataFrame, title: str, unit: str) -> Figure:
    """One bar a row of `table`, made up of its columns.

    Args:
        table: how many, by row and part.
        title: what the figure shows.
        unit: what is counted.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.4 + _ROW_INCHES * len(table)))
    left = table.iloc[:, 0] * 0
    for colour, part in zip(PALETTE, table.columns, strict=False):
        axes.barh(table.index.astype(str), table[part], left=left, color=colour, label=str(part))
        left += table[part]
    axes.invert_yaxis()
    axes.set(xlabel=unit)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    only_grid(axes, "x")
    headline(made, title)
    return made
