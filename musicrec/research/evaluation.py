"""How good a model is on a split, with what the number is worth: intervals and paired differences.

Rankings are over all items, never over a sample, which would flatter weak models most. Numbers are
kept per user, since users and not interactions are what a result has to carry over to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.research.metrics import (
    coverage,
    intra_list_diversity,
    mean_popularity,
    mean_reciprocal_rank,
    ndcg_at_k,
    novelty,
    precision_at_k,
    recall_at_k,
)
from musicrec.research.models.base import distinct_users, top_k

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from musicrec.research.models.base import Model
    from musicrec.research.splits import Case, Split

DEFAULT_KS: Final = (5, 10, 25)
"""The list lengths that Personalize reports."""

RECIPROCAL_RANK_DEPTH: Final = 25
"""Ranks beyond this count as no hit, as in Personalize."""


class NotComparableError(ValueError):
    """Two evaluations do not share users or the metric, so no paired difference exists."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model's results on one split.

    Attributes:
        model: its name in tables and figures.
        users: user codes, one for each case that had something to find.
        history_lengths: how long each user's input was; 0 for a cold one.
        metrics: per-user values by name, e.g. `ndcg_at_10`, aligned with `users`.
        coverage: share of all items that reached anybody's first k, by k.
        lists: what each user was recommended, item codes, best first, aligned with `users`.
    """

    model: str
    users: NDArray[np.int32]
    history_lengths: NDArray[np.int32]
    metrics: dict[str, NDArray[np.float64]]
    coverage: dict[int, float]
    lists: tuple[NDArray[np.intp], ...] = ()

    def means(self) -> dict[str, float]:
        """Mean over users of every metric, and `coverage_at_k`."""
        means = {name: float(values.mean()) for name, values in self.metrics.items()}
        return means | {f"coverage_at_{k}": share for k, share in self.coverage.items()}


@dataclass(frozen=True)
class Interval:
    """A mean over users with its bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """How one model does against another on the same users.

    Attributes:
        difference: mean of the per-user differences; above 0 the first model is better.
        better: share of users for whom the first model is better.
        worse: share of users for whom it is worse; the rest are ties.
    """

    difference: Interval
    better: float
    worse: float


def evaluate(
    model: Model,
    split: Split,
    *,
    name: str | None = None,
    ks: Sequence[int] = DEFAULT_KS,
    repeats: bool = True,
    item_features: NDArray[np.float32] | None = None,
) -> Evaluation:
    """Fit a model on the split's training part and measure it on its cases.

    Args:
        model: fitted here.
        split: what to learn from and what to foresee.
        name: how to call the model; its class by default.
        ks: list lengths.
        repeats: whether items of the history may be recommended and count as targets. Without
            repeats, users who met nothing new drop out.
        item_features: given to the model, and the ground of `diversity_at_k`.
    """
    model.fit(split.train, item_features)
    return measure(model, split, name=name, ks=ks, repeats=repeats, item_features=item_features)


def measure(
    model: Model,
    split: Split,
    *,
    name: str | None = None,
    ks: Sequence[int] = DEFAULT_KS,
    repeats: bool = True,
    item_features: NDArray[np.float32] | None = None,
) -> Evaluation:
    """As `evaluate`, for a model that is fitted already."""
    popularity = distinct_users(split.train)
    n_users = len(np.unique(split.train.users))
    depth = max(*ks, RECIPROCAL_RANK_DEPTH)
    asked = list(_questions(split, repeats=repeats))
    lists = [_recommend(model, case, depth, repeats=repeats) for case, _ in asked]
    rows = [
        _accuracy(ranked, target, ks) | _beyond(ranked, ks, popularity, n_users, item_features)
        for ranked, (_, target) in zip(lists, asked, strict=True)
    ]
    return Evaluation(
        model=name or type(model).__name__,
        users=np.array([case.user for case, _ in asked], dtype=np.int32),
        history_lengths=np.array([len(case.history) for case, _ in asked], dtype=np.int32),
        metrics={key: np.array([row[key] for row in rows]) for key in (rows[0] if rows else ())},
        coverage={k: coverage([ranked[:k] for ranked in lists], split.train.n_items) for k in ks},
        lists=tuple(lists),
    )


def pooled(folds: Sequence[Evaluation]) -> Evaluation:
    """One evaluation from those of the same model on folds; coverage is their mean."""
    first = folds[0]
    return Evaluation(
        model=first.model,
        users=np.concatenate([fold.users for fold in folds]),
        history_lengths=np.concatenate([fold.history_lengths for fold in folds]),
        metrics={
            key: np.concatenate([fold.metrics[key] for fold in folds]) for key in first.metrics
        },
        coverage={k: float(np.mean([fold.coverage[k] for fold in folds])) for k in first.coverage},
        lists=tuple(ranked for fold in folds for ranked in fold.lists),
    )


def bootstrap_interval(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = 1000,
) -> Interval:
    """The mean of per-user values with its percentile interval over resampled users.

    Raises:
        ValueError: there are no values.
    """
    if len(values) == 0:
        raise ValueError("no users to resample; the split has no case with something to find")
    count = len(values)
    means = [values[rng.integers(count, size=count)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def compare(
    first: Evaluation,
    second: Evaluation,
    metric: str,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
) -> Comparison:
    """The paired difference `first` - `second` over the users that both have.

    Raises:
        NotComparableError: no user in common, or one lacks the metric.
    """
    if metric not in first.metrics or metric not in second.metrics:
        raise NotComparableError(
            f"{metric!r} is not measured for both; they share "
            f"{sorted(first.metrics.keys() & second.metrics.keys())}"
        )
    users, ours, theirs = np.intersect1d(first.users, second.users, return_indices=True)
    if len(users) == 0:
        raise NotComparableError(f"{first.model} and {second.model} have no user in common")
    difference = first.metrics[metric][ours] - second.metrics[metric][theirs]
    return Comparison(
        difference=bootstrap_interval(difference, rng, level=level),
        better=float((difference > 0).mean()),
        worse=float((difference < 0).mean()),
    )


def _questions(split: Split, *, repeats: bool) -> Iterator[tuple[Case, NDArray[np.int32]]]:
    for case in split.cases:
        target = np.unique(case.target) if repeats else np.setdiff1d(case.target, case.history)
        if len(target):
            yield case, target


def _recommend(model: Model, case: Case, depth: int, *, repeats: bool) -> NDArray[np.intp]:
    scores = model.scores(case.history, case.timestamps)
    if not repeats:
        scores[case.history] = -np.inf
    return top_k(scores, depth)


def _accuracy(
    ranked: NDArray[np.intp], target: NDArray[np.int32], ks: Sequence[int]
) -> dict[str, float]:
    depth = RECIPROCAL_RANK_DEPTH
    row = {f"mean_reciprocal_rank_at_{depth}": mean_reciprocal_rank(ranked, target, depth)}
    for k in ks:
        row[f"ndcg_at_{k}"] = ndcg_at_k(ranked, target, k)
        row[f"precision_at_{k}"] = precision_at_k(ranked, target, k)
        row[f"recall_at_{k}"] = recall_at_k(ranked, target, k)
    return row


def _beyond(
    ranked: NDArray[np.intp],
    ks: Sequence[int],
    popularity: NDArray[np.float32],
    n_users: int,
    features: NDArray[np.float32] | None,
) -> dict[str, float]:
    row = {f"novelty_at_{k}": novelty(ranked[:k], popularity, n_users) for k in ks}
    row |= {f"popularity_at_{k}": mean_popularity(ranked[:k], popularity, n_users) for k in ks}
    if features is not None:
        row |= {f"diversity_at_{k}": intra_list_diversity(ranked[:k], features) for k in ks}
    return row
