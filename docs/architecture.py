"""Draw docs/architecture.png, the picture of the system: `python docs/architecture.py`.

A script and not a drawing, so that a change to the system is a change of a few words here. Positions
are pixels from the upper left corner. The three colours are Okabe and Ito's, which people with any
of the common colour blindnesses can tell apart; names and places say the same without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import matplotlib as mpl

mpl.use("Agg")  # before pyplot, so that no window system is looked for

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

TARGET: Final = Path(__file__).with_suffix(".png")
WIDTH: Final = 1600
HEIGHT: Final = 980
DPI: Final = 100
POINTS_PER_PIXEL: Final = 72 / DPI
INK: Final = "#1f2933"
SOFT_INK: Final = "#52606d"
PAPER: Final = "#ffffff"

Side = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True)
class Part:
    """A part of the system: its line colour, its panel's tint, its name."""

    line: str
    tint: str
    name: str


PRODUCER: Final = Part("#0072B2", "#eaf3f9", "PRODUCER")
PROCESSOR: Final = Part("#B85000", "#fcf1e8", "PROCESSOR")
RECOMMENDER: Final = Part("#00795A", "#e8f5f0", "RECOMMENDER")
NOTEBOOKS: Final = Part("#52606d", "#f3f5f7", "NOTEBOOKS")


@dataclass(frozen=True)
class Box:
    """A thing with a title and small lines under it, centred at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...] = ()

    def at(self, side: Side, shift: float = 0.0) -> tuple[float, float]:
        """The middle of a side, moved along it by `shift`."""
        return {
            "left": (self.x - self.width / 2, self.y + shift),
            "right": (self.x + self.width / 2, self.y + shift),
            "top": (self.x + shift, self.y - self.height / 2),
            "bottom": (self.x + shift, self.y + self.height / 2),
        }[side]


# Rows and columns that boxes share, so that arrows between them are straight.
ASKING, FRESH, DAILY, BUILT, STORED = 122, 330, 493, 575, 656
PLAYING, STREAM, CONSUMERS, STORES, BUILDING = 150, 388, 588, 798, 1005
LEARNING, SERVING = 1238, 1453

APP: Final = Box(PLAYING, ASKING, 196, 84, "Listener's app", ("shows what to play next",))
PLAYER: Final = Box(PLAYING, FRESH, 196, 84, "Spotify player", ("what is playing now",))
TRACKER: Final = Box(
    PLAYING, DAILY, 196, 100, "Producer", ("state machine: play,", "complete, skip; outbox")
)
INGESTION: Final = Box(
    PLAYING, STORED, 196, 100, "API Gateway", ("POST /events, API key,", "OpenAPI checks, VTL")
)
KINESIS: Final = Box(STREAM, DAILY, 140, 100, "Kinesis", ("data stream,", "by listener"))
HOT_PATH: Final = Box(CONSUMERS, FRESH, 168, 84, "hot_path", ("Lambda, in seconds",))
PROFILER: Final = Box(CONSUMERS, DAILY, 168, 84, "profile_builder", ("Lambda",))
FIREHOSE: Final = Box(CONSUMERS, STORED, 168, 84, "Firehose", ("JSON to Parquet",))
DYNAMODB: Final = Box(STORES, DAILY, 164, 84, "DynamoDB", ("musical profiles",))
LAKE: Final = Box(STORES, STORED, 164, 100, "S3 lake", ("Parquet by date,", "Glue table, Glacier"))
BUILDER: Final = Box(
    BUILDING, BUILT, 164, 100, "dataset_builder", ("Lambda, run daily", "by EventBridge")
)
EVENTS: Final = Box(LEARNING, FRESH, 184, 84, "Event tracker", ("PutEvents",))
IMPORTS: Final = Box(
    LEARNING, BUILT, 184, 100, "Datasets", ("interactions, users,", "items: import jobs")
)
SOLUTION: Final = Box(SERVING, BUILT, 186, 100, "Solution", ("trained, evaluated",))
CAMPAIGN: Final = Box(SERVING, FRESH, 186, 84, "Campaign", ("filter: no skips",))
ASKED: Final = Box(LEARNING, ASKING, 184, 84, "API Gateway", ("GET /recommendations",))
ANSWERING: Final = Box(SERVING, ASKING, 186, 84, "recommendations", ("Lambda",))

STEPS: Final = (
    ("01", "explore", "the items"),
    ("02", "design user", "features"),
    ("03", "build", "datasets"),
    ("04", "import", "datasets"),
    ("05", "train and", "evaluate"),
    ("06", "create the", "campaign"),
)


def panel(axes: Axes, part: Part, *, left: float, top: float, right: float, bottom: float) -> None:
    """The tinted ground of a part, with its name in the upper left corner."""
    _rounded(
        axes, (left, top, right - left, bottom - top), radius=14, face=part.tint, edge=part.tint
    )
    axes.text(
        left + 18, top + 24, part.name, color=part.line, va="center", weight="bold",
        size=15 * POINTS_PER_PIXEL,
    )  # fmt: skip


def boxes(axes: Axes, part: Part, things: Sequence[Box]) -> None:
    """Draw the things of a part."""
    for box in things:
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        _rounded(axes, (*corner, box.width, box.height), radius=9, face=PAPER, edge=part.line)
        first = box.y - 10 * len(box.lines)
        _centred(axes, box.x, first, box.title, 16, weight="bold")
        for number, line in enumerate(box.lines):
            _centred(axes, box.x, first + 23 + 18 * number, line, 13.5, color=SOFT_INK)


def arrow(
    axes: Axes,
    path: Sequence[tuple[float, float]],
    color: str = INK,
    style: str = "-",
) -> None:
    """A line along the corners of `path` with a head at its end."""
    for start, end in pairwise(path[:-1]):
        axes.plot(
            *zip(start, end, strict=True), color=color, lw=1.6, ls=style, solid_capstyle="round"
        )
    axes.annotate(
        "",
        xy=path[-1],
        xytext=path[-2],
        arrowprops={
            "arrowstyle": "-|>,head_length=0.55,head_width=0.26", "color": color, "lw": 1.6,
            "linestyle": style, "shrinkA": 0, "shrinkB": 0, "joinstyle": "miter",
        },
    )  # fmt: skip


def draw_parts(axes: Axes) -> None:
    """Panels and boxes."""
    panel(axes, PRODUCER, left=30, top=30, right=270, bottom=738)
    panel(axes, PROCESSOR, left=294, top=228, right=1098, bottom=738)
    panel(axes, RECOMMENDER, left=1122, top=30, right=1570, bottom=738)
    _rounded(axes, (1134, 248, 424, 394), radius=12, face="none", edge=RECOMMENDER.line, style="--")
    _centred(axes, 1346, 662, "Amazon Personalize", 15, color=RECOMMENDER.line)
    boxes(axes, PRODUCER, (APP, PLAYER, TRACKER, INGESTION))
    boxes(axes, PROCESSOR, (KINESIS, HOT_PATH, PROFILER, FIREHOSE, DYNAMODB, LAKE, BUILDER))
    boxes(axes, RECOMMENDER, (EVENTS, IMPORTS, SOLUTION, CAMPAIGN, ASKED, ANSWERING))


def draw_flows(axes: Axes) -> None:
    """The way of an event from the player to a recommendation, and the way of a question."""
    down: tuple[Side, Side] = ("bottom", "top")
    across: tuple[Side, Side] = ("right", "left")
    for start, end, (leaves, enters) in (
        (APP, PLAYER, down),
        (PLAYER, TRACKER, down),
        (TRACKER, INGESTION, down),
        (KINESIS, PROFILER, across),
        (PROFILER, DYNAMODB, across),
        (FIREHOSE, LAKE, across),
        (BUILDER, IMPORTS, across),
        (HOT_PATH, EVENTS, across),
        (IMPORTS, SOLUTION, across),
        (EVENTS, CAMPAIGN, across),
        (ASKED, ANSWERING, across),
        (APP, ASKED, across),
    ):
        arrow(axes, (start.at(leaves), end.at(enters)))
    arrow(axes, (SOLUTION.at("top"), CAMPAIGN.at("bottom")))
    arrow(axes, (ANSWERING.at("bottom"), CAMPAIGN.at("top")))
    arrow(axes, (INGESTION.at("right"), (STREAM, STORED), KINESIS.at("bottom")))
    fork = (STREAM + CONSUMERS - 12) / 2
    for consumer in (HOT_PATH, FIREHOSE):
        y = consumer.y
        arrow(axes, (KINESIS.at("right"), (fork, DAILY), (fork, y), consumer.at("left")))
    arrow(axes, (DYNAMODB.at("right"), (BUILDING, DAILY), BUILDER.at("top")))
    arrow(axes, (LAKE.at("right"), (BUILDING, STORED), BUILDER.at("bottom")))


def draw_labels(axes: Axes) -> None:
    """What moves along the arrows, where the boxes do not say it."""
    for x, y, text, align in (
        (PLAYING + 12, 226, "plays it", "left"),
        (PLAYING + 12, 408, "polled", "left"),
        (PLAYING + 12, 575, "events", "left"),
        (700, ASKING - 16, "asks; ranked tracks with their names come back", "center"),
        (904, FRESH - 16, "play, complete and skip, as they happen", "center"),
        (SERVING - 12, 206, "GetRecommendations", "right"),
        (SERVING - 12, 448, "is deployed", "right"),
    ):
        axes.text(x, y, text, color=SOFT_INK, ha=align, va="center", size=13.5 * POINTS_PER_PIXEL)


def draw_notebooks(axes: Axes) -> None:
    """The notebooks under everything that they read and run."""
    panel(axes, NOTEBOOKS, left=30, top=790, right=1570, bottom=950)
    axes.text(
        174, 814, "in JupyterLab or by papermill; the same cells on a laptop and on AWS",
        color=SOFT_INK, va="center", size=13.5 * POINTS_PER_PIXEL,
    )  # fmt: skip
    centres = [160 + 256 * number for number in range(len(STEPS))]
    for x, (number, first, second) in zip(centres, STEPS, strict=True):
        _rounded(axes, (x - 110, 846, 220, 78), radius=9, face=PAPER, edge=NOTEBOOKS.line)
        axes.text(
            x - 76, 885, number, color=NOTEBOOKS.line, ha="center", va="center", weight="bold",
            size=22 * POINTS_PER_PIXEL,
        )  # fmt: skip
        _centred(axes, x + 24, 875, first, 15)
        _centred(axes, x + 24, 896, second, 15)
    for before, after in pairwise(centres):
        arrow(axes, ((before + 110, 885), (after - 110, 885)), NOTEBOOKS.line)
    for middle in ((294 + 1098) / 2, (1122 + 1570) / 2):
        arrow(axes, ((middle, 790), (middle, 739)), NOTEBOOKS.line, "--")


def draw(target: Path = TARGET) -> None:
    """Write the picture."""
    figure = plt.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    draw_parts(axes)
    draw_flows(axes)
    draw_labels(axes)
    draw_notebooks(axes)
    # Without the version of matplotlib in it, the same drawing is the same file.
    figure.savefig(target, metadata={"Software": None})
    plt.close(figure)


def _rounded(
    axes: Axes,
    corner_and_size: tuple[float, float, float, float],
    *,
    radius: float,
    face: str,
    edge: str,
    style: str = "-",
) -> None:
    x, y, width, height = corner_and_size
    shape = f"round,pad=0,rounding_size={radius}"
    axes.add_patch(
        FancyBboxPatch((x, y), width, height, boxstyle=shape, fc=face, ec=edge, lw=1.8, ls=style)
    )


def _centred(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    weight: str = "normal",
    color: str = INK,
) -> None:
    axes.text(
        x,
        y,
        text,
        size=size * POINTS_PER_PIXEL,
        weight=weight,
        color=color,
        ha="center",
        va="center",
    )


if __name__ == "__main__":
    draw()
