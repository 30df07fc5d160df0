"""Figures for whoever runs a stack: what moved, and what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib.pyplot as plt

from musicrec.research.drift import ACT
from musicrec.research.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PALE: Final = "#D9D9D9"
"""Behind dots."""

_LOOK: Final = {"steady": (BLUE, "o"), "watch": (ORANGE, "s"), "moved": (VERMILLION, "D")}


@figure
def drift(table: pd.DataFrame, title: str = "How far listeners' features moved") -> Figure:
    """The stability index of each feature as a dot, beside what chance alone would show.

    Args:
        table: as `drift.of_features` makes it; features without an index are left out.
        title: what the figure shows.
    """
    shown = table.dropna().iloc[::-1]
    made, axes = plt.subplots(figsize=(WIDTH, 1.5 + 0.3 * len(shown)))
    places = range(len(shown))
    axes.barh(places, shown["chance"], 0.5, color=PALE, label="by chance alone")
    for says, (colour, marker) in _LOOK.items():
        here = [place for place in places if shown["says"].iloc[place] == says]
        axes.plot(shown["psi"].iloc[here], here, marker, color=colour, markersize=8, label=says)
    axes.axvline(ACT, color=GREY, linestyle="--", linewidth=1, label=f"limit, {ACT:g}")
    axes.set_yticks(places, shown.index)
    axes.set(xlabel="population stability index (no unit; 0: the same spread)", xlim=(0, None))
    axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
    only_grid(axes, "x")
    headline(made, title)
    return made


@figure
def dollars(table: pd.DataFrame, title: str) -> Figure:
    """What each resource costs a month, without and with the minimum that is disputed.

    Args:
        table: `at least` and `at most`, US dollars a month, by resource.
        title: what the figure shows.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.5 + 0.4 * len(table)))
    places = range(len(table))
    longest = axes.barh(places, table["at most"], 0.6, color=ORANGE, label="at most")
    axes.barh(places, table["at least"], 0.6, color=BLUE, label="at least")
    axes.bar_label(longest, _ranges(table), padding=4)
    axes.set_yticks(places, table.index)
    axes.invert_yaxis()
    axes.set(xlabel="US dollars a month, standing and not asked")
    axes.set_xlim(0, max(1.0, float(table["at most"].max()) * 1.3) if len(table) else 1.0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
    only_grid(axes, "x")
    headline(made, title)
    return made


def _ranges(table: pd.DataFrame) -> list[str]:
    pairs = zip(table["at least"], table["at most"], strict=True)
    return [f"{low:,.2f} to {high:,.2f}" for low, high in pairs]
