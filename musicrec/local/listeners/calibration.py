"""Do the simulated people listen as real ones do? The published figures, and how to compute them.

The published ranges are aggregates over seven anonymous listeners' extended Spotify exports
(184,486 plays, 2013 to 2026): the lowest, the median and the highest listener. Run as a module,
this prints them beside those of a simulated population:

    python -m musicrec.local.listeners.calibration notebooks/data/spotify_tracks_sample.csv.gz
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.catalog import Track, read_kaggle
from musicrec.local.listeners.figures import figures
from musicrec.local.listeners.simulation import Simulation

POPULATION: Final = 40
POPULATION_DAYS: Final = 120
"""People and days of the population that is measured: some 80,000 plays, in a few seconds."""


class Range(Struct, frozen=True):
    """The lowest, the median and the highest listener; None where it was not published."""

    low: float | None
    median: float | None
    high: float | None


PUBLISHED: Final[Mapping[str, Range]] = {
    "plays on an active day": Range(19, 25, 138),
    "active days": Range(0.26, 0.47, 1.0),
    "plays of a session, median": Range(6, 8, 20),
    "plays of a session, 90th percentile": Range(22, 35, 88),
    "minutes of a session, median": Range(13, 21, 52),
    "ended by complete": Range(0.13, 0.54, 0.64),
    "ended by skip, back button included": Range(0.12, 0.24, 0.67),
    "ended by stop": Range(0.04, 0.13, 0.36),
    "heard under 30 s": Range(0.26, 0.31, 0.67),
    "seconds before a skip, median": Range(0.8, 2.0, 4.3),
    "skips within 30 s": Range(0.72, None, 0.97),
    "share heard, 25th percentile": Range(None, 0.03, None),
    "share heard, median": Range(None, 1.0, None),
    "share heard, 75th percentile": Range(None, 1.0, None),
    "skip after a skip": Range(0.51, 0.68, 0.86),
    "skip after a complete": Range(0.03, 0.13, 0.29),
    "same track again at once": Range(0.01, 0.03, 0.13),
    "track heard before": Range(0.57, 0.80, 0.89),
    "track among the last 50 plays": Range(0.14, 0.26, 0.40),
    "same artist, another track": Range(0.08, 0.21, 0.41),
    "distinct tracks / plays": Range(0.11, 0.21, 0.43),
    "top ten tracks": Range(0.02, None, 0.12),
    "rank-frequency slope": Range(0.47, 0.5, 1.1),
    "genres spread over, exp(entropy)": Range(5, 15, 26),
    "same genre as the play before": Range(0.17, 0.33, 0.57),
    "same genre by chance": Range(0.06, 0.10, 0.25),
    "in the catalogue": Range(0.04, 0.21, 0.34),
}
"""Shares are of plays unless the name says otherwise. The range of skips adds those published for
the Next and the Back button; a stop is what Spotify calls endplay."""


def across(measured: Mapping[str, Mapping[str, float]]) -> dict[str, Range]:
    """The lowest, median and highest listener of each figure that `figures` returned."""
    ranges = {}
    for name in PUBLISHED:
        values = np.array([person[name] for person in measured.values()])
        values = values[~np.isnan(values)]
        low, middle, high = np.percentile(values, (0, 50, 100)).tolist()
        ranges[name] = Range(low, middle, high)
    return ranges


def table(simulated: Mapping[str, Range]) -> str:
    """Published and simulated ranges side by side, as a Markdown table."""
    lines = ["| figure | published | simulated |", "|---|---|---|"]
    lines += [
        f"| {name} | {_shown(PUBLISHED[name])} | {_shown(simulated[name])} |" for name in PUBLISHED
    ]
    return "\n".join(lines)


def population(tracks: Sequence[Track], seed: int = 0) -> Simulation:
    """The people whose figures are compared with the published ones."""
    return Simulation(
        tracks,
        listeners=POPULATION,
        start=datetime(2025, 9, 1, tzinfo=UTC),
        days=POPULATION_DAYS,
        seed=seed,
    )


def measure(simulation: Simulation, tracks: Iterable[Track]) -> dict[str, dict[str, float]]:
    """The figures of a whole simulation, what its listeners knew before it taken into account."""
    people = [person.user_id for person in simulation.listeners]
    known = {user_id: simulation.known(user_id) for user_id in people}
    return figures(
        (event for user_id in people for event in simulation.history(user_id)), tracks, known
    )


def _shown(figure: Range) -> str:
    ends = "" if figure.low is None else f"{_number(figure.low)} to {_number(figure.high)}"
    middle = "" if figure.median is None else f"({_number(figure.median)})"
    return f"{ends} {middle}".strip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def main(arguments: Sequence[str]) -> int:
    """Print the table for a catalogue file."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m musicrec.local.listeners.calibration KAGGLE_FILE\n")
        return 2
    tracks, _ = read_kaggle(arguments[0])
    sys.stdout.write(f"{table(across(measure(population(tracks), tracks)))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
