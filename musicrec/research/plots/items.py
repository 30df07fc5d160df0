"""Figures of the catalogue: what is in the file, how tracks spread, where genres lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from musicrec.catalog import AUDIO_FEATURES
from musicrec.research.plots.style import (
    BLUE,
    INK,
    SEQUENTIAL,
    VERMILLION,
    WIDTH,
    figure,
    headline,
    only_grid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from numpy.typing import NDArray

UNITS: Final = {"loudness": "dB", "tempo": "beats a minute", "popularity": "0 to 100"}
"""Units of the columns that have one; the other features lie between 0 and 1."""

_BINS: Final = 40

_SIDES: Final = (
    ((5, 0), "left"),
    ((-5, 0), "right"),
    ((0, 8), "center"),
    ((0, -8), "center"),
    ((4, 7), "left"),
    ((-4, -7), "right"),
)
"""Where a name may stand beside its point (in points), the best first."""


@figure
def raw_findings(findings: pd.DataFrame) -> Figure:
    """How many rows of the raw file have each peculiarity, in one bar each.

    Args:
        findings: as `frames.raw_findings` makes it. Counts run from one to all rows, so the axis is
            logarithmic and every bar carries its number.
    """
    made, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.36 * len(findings)))
    rows = findings["rows"].to_numpy()
    bars = axes.barh(findings.index, np.maximum(rows, 0.5), color=BLUE, height=0.65)
    labels = [
        f"{count:,} ({'< 0.01%' if 0 < share < 0.0001 else f'{share:.2%}'})"
        for count, share in findings.itertuples(index=False)
    ]
    axes.bar_label(bars, labels, padding=4)
    axes.set(xscale="log", xlabel="rows of the file (logarithmic)", xlim=(0.5, rows.max() * 20 + 1))
    axes.invert_yaxis()
    axes.minorticks_off()
    axes.xaxis.set_major_formatter("{x:,.0f}")
    only_grid(axes, "x")
    headline(made, "What the raw file holds")
    return made


@figure
def genres_per_track(items: pd.DataFrame) -> Figure:
    """How many tracks stand under one genre, two, and so on.

    Args:
        items: as `frames.items_frame` makes it.
    """
    counts = items["genres"].map(len).value_counts().sort_index()
    made, axes = plt.subplots(figsize=(WIDTH, 3.2))
    bars = axes.bar(counts.index.astype(str), counts, color=BLUE, width=0.65)
    axes.bar_label(bars, [f"{count:,}\n{count / len(items):.2%}" for count in counts], padding=2)
    axes.set(xlabel="genres of a track", ylabel="tracks")
    axes.margins(y=0.22)
    only_grid(axes, "y")
    headline(made, "Most tracks belong to one genre, some to many")
    return made


@figure
def feature_distributions(
    items: pd.DataFrame,
    features: Sequence[str] = AUDIO_FEATURES,
    columns: int = 3,
    title: str = "How the audio features spread (with the median, dashed)",
) -> Figure:
    """A histogram of each feature with its median; values that are not known are left out.

    Args:
        items: one row a track, a column a feature.
        features: which columns to draw.
        columns: how many histograms stand side by side.
        title: headline of the figure.
    """
    lines = -(-len(features) // columns)
    made, grid = plt.subplots(lines, columns, figsize=(WIDTH, 1.75 * lines + 0.4), squeeze=False)
    for axes, name in zip(grid.flat, features, strict=False):
        _histogram(axes, items[name].dropna(), name)
    for axes in grid.flat[len(features) :]:
        axes.set_axis_off()
    made.supylabel("tracks", size=10)
    headline(made, title)
    return made


@figure
def genre_map(means: pd.DataFrame, features: Sequence[str] = AUDIO_FEATURES) -> Figure:
    """Genres as points in the plane that keeps most of the differences between their mean features.

    The plane is that of the two first principal components of the standardised means. Genres are
    named as far as names do not cover each other, those far out first; colour is mean valence.

    Args:
        means: as `frames.genre_means` makes it.
        features: the columns to compare genres by.
    """
    places, explained, loadings = principal_plane(means[list(features)])
    made, axes = plt.subplots(figsize=(WIDTH, 6.2))
    dots = axes.scatter(
        places["x"], places["y"], s=24, c=means["valence"], cmap=SEQUENTIAL, linewidth=0
    )
    axes.set(
        xlabel=_component_label("First", explained[0], loadings["x"]),
        ylabel=_component_label("Second", explained[1], loadings["y"]),
    )
    axes.margins(0.09)
    made.colorbar(dots, label="mean valence, 0 (sad) to 1 (glad)", shrink=0.6, aspect=30)
    headline(made, f"{len(means)} genres by the sound of their tracks")
    _name_points(axes, places)
    return made


def principal_plane(
    table: pd.DataFrame,
) -> tuple[pd.DataFrame, NDArray[np.float64], pd.DataFrame]:
    """The first two principal components of a table's standardised columns.

    Returns:
        Coordinates `x` and `y` of each row, the share of variance that each explains, and the
        loadings `x` and `y` of each column. The largest loading of a component is positive, so that
        the picture does not flip from machine to machine.
    """
    spread = table.std(ddof=0).replace(0, 1)
    standard = ((table - table.mean()) / spread).to_numpy()
    _, lengths, axes = np.linalg.svd(standard, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][[0, 1], np.abs(axes[:2]).argmax(axis=1)])[:, None]
    explained = np.square(lengths[:2]) / np.square(lengths).sum()
    places = pd.DataFrame(standard @ axes.T, index=table.index, columns=["x", "y"])
    return places, explained, pd.DataFrame(axes.T, index=table.columns, columns=["x", "y"])


def _histogram(axes: Axes, values: pd.Series[float], name: str) -> None:
    axes.hist(values, bins=_BINS, color=BLUE, alpha=0.85)
    if len(values):
        median = float(values.median())
        axes.axvline(median, color=VERMILLION, linestyle="--", linewidth=1.5)
        shown = "< 0.001" if 0 < median < 0.001 else f"{median:.3g}"
        axes.set_title(f"{name}: {shown}", fontsize=10)
    axes.set_xlabel(UNITS.get(name, ""))
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(labelsize=8.5)
    only_grid(axes, "y")


def _component_label(which: str, share: float, loadings: pd.Series[float]) -> str:
    """Name a component by the features that pull hardest each way."""
    ordered = loadings.sort_values(kind="stable")
    low = [name for name in ordered.index[:2] if ordered[name] < -0.2]
    high = [name for name in ordered.index[::-1][:3] if ordered[name] > 0.2]
    ends = [f"← {', '.join(low)}"] if low else []
    ends += [f"{', '.join(high)} →"] if high else []
    return f"{'      '.join(ends)}\n{which} component, {share:.0%} of variance"


def _name_points(axes: Axes, places: pd.DataFrame) -> None:
    """Write names beside points, those far from the middle first, none over another."""
    made = axes.get_figure(root=True)
    assert made
    made.draw_without_rendering()
    outwards = np.argsort(-places.pow(2).sum(axis=1).to_numpy(), kind="stable")
    taken = [axes.transData.transform(point) for point in places.to_numpy()]
    boxes: list[tuple[float, float, float, float]] = [
        (x - 2, y - 2, x + 2, y + 2) for x, y in taken
    ]
    for name, (x, y) in zip(places.index[outwards], places.to_numpy()[outwards], strict=True):
        _name_point(axes, str(name), (float(x), float(y)), boxes)


def _name_point(
    axes: Axes,
    name: str,
    point: tuple[float, float],
    boxes: list[tuple[float, float, float, float]],
) -> None:
    for offset, side in _SIDES:
        text = axes.annotate(
            name, point, xytext=offset, textcoords="offset points",
            ha=side, va="center", fontsize=8, color=INK,
        )  # fmt: skip
        box = _extent(text)
        if not any(_overlap(box, other) for other in boxes):
            boxes.append(box)
            return
        text.remove()


def _extent(text: Annotation) -> tuple[float, float, float, float]:
    box = text.get_window_extent()
    return (box.x0, box.y0, box.x1, box.y1)


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    return not apart
