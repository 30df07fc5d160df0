"""Figures of listeners: what each plays, and which of their features stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

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
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@figure
def genre_shares(shares: pd.DataFrame, genres: int = 15, listeners: int = 20) -> Figure:
    """Listeners by genre, as a heat map of the share of their plays.

    Listeners stand in the order of their favourite genre, so that tastes form blocks.

    Args:
        shares: as `frames.genre_shares` makes it.
        genres: columns shown, those with the largest mean share.
        listeners: rows shown, the first of the frame.
    """
    shown = _in_blocks(shares.iloc[:listeners], genres)
    made, axes = plt.subplots(figsize=(WIDTH, 1.6 + 0.24 * len(shown)))
    image = axes.imshow(shown, aspect="auto", vmin=0, interpolation="nearest")
    axes.set_xticks(range(shown.shape[1]), shown.columns, rotation=45, ha="right")
    axes.set_yticks(range(len(shown)), shown.index, fontsize=8)
    axes.set(ylabel="listener")
    axes.grid(visible=False)
    made.colorbar(image, label="share of plays", format="{x:.0%}", aspect=30)
    headline(made, "What each listener plays")
    return made


@figure
def feature_halves(
    first: pd.DataFrame, second: pd.DataFrame, features: Sequence[str], columns: int = 3
) -> Figure:
    """Each feature of the first half of a history against the second, one dot a listener.

    On the diagonal nothing changed. The title carries Spearman's rank correlation.

    Args:
        first: numeric features by listener, from the older half.
        second: the same from the newer half; listeners of both are drawn.
        features: which columns to draw.
        columns: how many panels stand side by side.
    """
    lines = -(-len(features) // columns)
    made, grid = plt.subplots(lines, columns, figsize=(WIDTH, 2.7 * lines + 0.5), squeeze=False)
    one, other = first.align(second, join="inner", axis=0)
    for axes, name in zip(grid.flat, features, strict=False):
        _halves(axes, one[name], other[name], name)
    for axes in grid.flat[len(features) :]:
        axes.set_axis_off()
    made.supxlabel("first half of the history", size=10)
    made.supylabel("second half", size=10)
    headline(made, "Do features stay? Each dot a listener, with the rank correlation")
    return made


@figure
def stability(table: pd.DataFrame) -> Figure:
    """How well each feature of one half of a history foretells that of the other, as sorted dots.

    Args:
        table: `feature`, `kind` and `stability`, as `user_features.stability` makes it.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 1.1 + 0.3 * len(table)))
    ordered = table.sort_values("stability", kind="stable")
    axes.hlines(ordered["feature"], 0, ordered["stability"], color=GREY, linewidth=1)
    for (kind, rows), colour, marker in zip(
        ordered.groupby("kind"), (ORANGE, BLUE), "so", strict=False
    ):
        axes.plot(
            rows["stability"], rows["feature"], marker, color=colour, markersize=8, label=kind
        )
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(xlabel="stability: 0 says nothing of the listener, 1 never changes", xlim=(None, 1.05))
    axes.set_yticks(ordered["feature"])
    axes.legend(loc="lower right")
    only_grid(axes, "x")
    headline(made, "Which features of a listener last")
    return made


@figure
def user_features(table: pd.DataFrame, features: Sequence[str], columns: int = 4) -> Figure:
    """How each numeric feature spreads over listeners; the wider, the better it tells them apart.

    Args:
        table: one row a listener, e.g. of `user_features.feature_table`.
        features: which columns to draw.
        columns: how many histograms stand side by side.
    """
    lines = -(-len(features) // columns)
    made, grid = plt.subplots(lines, columns, figsize=(WIDTH, 1.9 * lines + 0.4), squeeze=False)
    for axes, name in zip(grid.flat, features, strict=False):
        axes.hist(table[name].dropna(), bins=20, color=BLUE, alpha=0.85)
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8.5)
        only_grid(axes, "y")
    for axes in grid.flat[len(features) :]:
        axes.set_axis_off()
    made.supylabel("listeners", size=10)
    headline(made, f"How {len(table):,} listeners differ")
    return made


def _in_blocks(shares: pd.DataFrame, genres: int) -> pd.DataFrame:
    """The largest genres in order of size, listeners grouped by their favourite among these."""
    largest = shares.mean().sort_values(ascending=False, kind="stable").index[:genres]
    shown = shares[largest]
    favourite = shown.to_numpy().argmax(axis=1)
    strength = shown.to_numpy().max(axis=1)
    return shown.iloc[np.lexsort((-strength, favourite))]


def _halves(axes: Axes, one: pd.Series[float], other: pd.Series[float], name: str) -> None:
    axes.scatter(one, other, s=14, color=BLUE, alpha=0.6, linewidth=0)
    low = float(min(one.min(), other.min()))
    axes.axline((low, low), slope=1, color=GREY, linestyle="--", linewidth=1)
    axes.set_title(f"{name}: {one.rank().corr(other.rank()):.2f}", fontsize=10)
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=8.5)
