"""One look for all figures: readable at notebook width, safe for colour-blind readers.

Colours are those of Okabe and Ito (2008), told apart under every common colour vision. A figure
function is marked `figure`; the figure that it returns belongs to no pyplot state, so a notebook shows
it once, as the cell's value.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import matplotlib.pyplot as plt
from cycler import cycler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ParamSpec

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    P = ParamSpec("P")

WIDTH: Final = 9.0
"""Inches; at 110 dots an inch, the width of a notebook's output."""

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
VERMILLION: Final = "#D55E00"
SKY: Final = "#56B4E9"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#F0E442"
GREY: Final = "#8A8A8A"
INK: Final = "#222222"

PALETTE: Final = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW, GREY)
"""In the order in which categories take them."""

SEQUENTIAL: Final = "cividis"
"""Colour map for amounts; even in lightness, the same to all readers."""

_RC: Final[Any] = {  # the type of its keys changes with matplotlib's version
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "figure.figsize": (WIDTH, 4.5),
    "figure.titlesize": 13,
    "font.size": 10,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.8,
    "image.cmap": SEQUENTIAL,
    "legend.frameon": False,
    "savefig.dpi": 110,
    "text.color": INK,
    "xtick.color": INK,
    "xtick.major.size": 0,
    "ytick.color": INK,
    "ytick.major.size": 0,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's look within the `with` block, also with pyplot directly."""
    with plt.rc_context(_RC):
        yield


def figure(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a figure function in the project's look and take its figure out of pyplot's hands."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            made = draw(*args, **kwargs)
            made.draw_without_rendering()  # the layout is settled while the look holds
        plt.close(made)
        return made

    return drawn


def headline(made: Figure, title: str) -> None:
    """A title over the whole figure, at its left edge."""
    made.suptitle(title, x=0.01, ha="left", weight="bold")


def only_grid(axes: Axes, axis: str) -> None:
    """Grid lines along one axis: the one that carries numbers."""
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x" if axis == "x" else "y")
