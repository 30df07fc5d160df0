"""The project's models beside other people's: one protocol, one table.

    python -m benchmarks.models ratings.csv.gz     # columns userId, movieId, timestamp
    python -m benchmarks.models --listeners notebooks/data/spotify_tracks_sample.csv.gz

Ten folds; a tenth of the users is held out in each, and the newest tenth of their histories is to be
foreseen from the rest. All items are ranked, those of the history left out. SASRec takes hours on a
CPU, so what is measured is kept by fold (`--keep`) and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np
import pandas as pd

from benchmarks import recorded
from benchmarks.peers import Als, AlsConfig, Ease, SasRec
from musicrec.research.evaluation import Evaluation, bootstrap_interval, evaluate, pooled
from musicrec.research.models import Cooccurrence, ItemKnn, LowRankEase, MomentAndTaste, Popularity
from musicrec.research.models.base import Interactions
from musicrec.research.splits import Split, personalize_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicrec.research.models.base import Model

METRIC: Final = "ndcg_at_10"
OURS: Final = "MomentAndTaste"
EVENT_WEIGHTS: Final = {"play": 0.3, "complete": 1.0}
MODELS: Final[dict[str, Callable[[], Model]]] = {
    OURS: MomentAndTaste,
    "Cooccurrence": Cooccurrence,
    "LowRankEase": LowRankEase,
    "Popularity": Popularity,
    "item k-NN": ItemKnn,
    "ALS": Als,
    "ALS, recency-weighted": lambda: Als(AlsConfig(half_life=10)),
    "EASE": Ease,
    "EASE, recency-weighted": lambda: Ease(half_life=10),
    "SASRec": SasRec,
}


def ratings(path: Path) -> Interactions:
    """MovieLens ratings, every rating an interaction."""
    frame = pd.read_csv(path, dtype={"userId": str, "movieId": str})
    return Interactions.from_frame(frame, user="userId", item="movieId", timestamp="timestamp")


def listeners(path: Path) -> Interactions:
    """The demo's simulated listeners, weighted as the project's solution weights events."""
    from musicrec import catalog  # noqa: PLC0415 - ratings need neither
    from musicrec.local.listeners import demo_listeners  # noqa: PLC0415 - as above

    tracks, _ = catalog.read_kaggle(path)
    rows = [
        (event.user_id, event.track_id, event.occurred_at // 1000, EVENT_WEIGHTS[event.event_type])
        for event in demo_listeners(tracks).events()
        if event.event_type in EVENT_WEIGHTS
    ]
    return Interactions.from_columns(*zip(*rows, strict=True))


def measured(name: str, fold: Split, kept: Path) -> Evaluation:
    """One model on one fold, from the kept file if an earlier run left one."""
    if kept.is_file():
        found: Evaluation = pickle.loads(kept.read_bytes())  # noqa: S301 - a file of our own
        return found
    started = time.perf_counter()
    result = evaluate(MODELS[name](), fold, name=name, ks=(10,), repeats=False)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps(result))
    seconds = time.perf_counter() - started
    _say(f"{name}, {kept.stem}: {result.means()[METRIC]:.4f} in {seconds:.0f} s", sys.stderr)
    return result


def ratio_interval(
    ours: Evaluation, theirs: Evaluation, rng: np.random.Generator, resamples: int = 1000
) -> tuple[float, float, float]:
    """Ratio of the means over the users both have, and its 95 % bootstrap interval over users."""
    _, here, there = np.intersect1d(ours.users, theirs.users, return_indices=True)
    pairs = np.stack([ours.metrics[METRIC][here], theirs.metrics[METRIC][there]])
    picks = rng.integers(pairs.shape[1], size=(resamples, pairs.shape[1]))
    means = pairs[:, picks].mean(axis=2)
    low, high = np.quantile(means[0] / means[1], [0.025, 0.975])
    return float(pairs[0].mean() / pairs[1].mean()), float(low), float(high)


def table(results: Sequence[Evaluation]) -> str:
    """A Markdown table, the best first; the ratio is ours to the row's on the same users."""
    rng = np.random.default_rng(0)
    ours = next((result for result in results if result.model == OURS), None)
    lines = [f"| model | users | NDCG@10 | 95 % | {OURS} / it |", "|---|---|---|---|---|"]
    for result in sorted(results, key=lambda each: -each.means()[METRIC]):
        mean = bootstrap_interval(result.metrics[METRIC], rng)
        cells = [result.model, str(len(result.users)), f"{mean.mean:.4f}"]
        cells.append(f"{mean.low:.4f} to {mean.high:.4f}")
        cells.append("" if ours is None or result is ours else _ratio(ours, result, rng))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def figures(results: Sequence[Evaluation]) -> dict[str, Any]:
    """By model: mean, users, and our ratio to it on the same users with its interval."""
    rng = np.random.default_rng(0)
    ours = next((result for result in results if result.model == OURS), None)
    found = {}
    for result in results:
        found[result.model] = {"ndcg_at_10": result.means()[METRIC], "users": len(result.users)}
        if ours is not None and result is not ours:
            ratio, low, high = ratio_interval(ours, result, rng)
            found[result.model] |= {"ratio": ratio, "ratio_low": low, "ratio_high": high}
            shared = np.isin(ours.users, result.users)
            found[result.model]["ours_on_its_users"] = float(ours.metrics[METRIC][shared].mean())
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, help="ratings, or the catalogue of the listeners")
    parser.add_argument("--listeners", action="store_true", help="measure on simulated listeners")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--folds", type=int, default=10, help="measure the first so many of ten")
    parser.add_argument("--keep", type=Path, default=Path("build/bench-models"))
    parser.add_argument("--record", help="keep table and figures under this name in the repository")
    asked = parser.parse_args(arguments)
    data = listeners(asked.file) if asked.listeners else ratings(asked.file)
    folds = list(personalize_folds(data, seed=0))[: asked.folds]
    keep = asked.keep / ("listeners" if asked.listeners else asked.file.stem)
    results = [
        pooled(
            [
                measured(name, fold, keep / name / f"fold {number}.pickle")
                for number, fold in enumerate(folds)
            ]
        )
        for name in asked.models
    ]
    text = table(results)
    _say(text, sys.stdout)
    if asked.record:
        recorded.keep(asked.record, tables={"models": text}, figures=figures(results))


def _ratio(ours: Evaluation, theirs: Evaluation, rng: np.random.Generator) -> str:
    ratio, low, high = ratio_interval(ours, theirs, rng)
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def _say(text: str, stream: TextIO) -> None:
    print(text, file=stream, flush=True)


if __name__ == "__main__":
    main()
