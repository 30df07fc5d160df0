"""Ranking metrics by Amazon Personalize's definitions, and what accuracy alone does not show.

Every accuracy metric takes one user's ranking and the set of items that the user met afterwards,
both as arrays of codes, and answers a number between 0 and 1. `ranked` is best first and holds each
item once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def hits(ranked: NDArray[np.integer], relevant: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    """Which of the first `k` ranked items are relevant."""
    return np.isin(ranked[:k], relevant)


def dcg(gains: NDArray[np.float64]) -> float:
    """Discounted cumulative gain: the gain at rank r counts 1 / log2(1 + r)."""
    return float(gains @ _discounts(len(gains)))


def ndcg_at_k(ranked: NDArray[np.integer], relevant: NDArray[np.integer], k: int) -> float:
    """DCG of the first `k` against that of a ranking which puts the relevant items first.

    The ideal holds as many hits as fit: min(k, number of distinct relevant items). 0 if nothing is
    relevant.
    """
    possible = min(k, len(np.unique(relevant)))
    if possible == 0:
        return 0.0
    return dcg(hits(ranked, relevant, k).astype(np.float64)) / dcg(np.ones(possible))


def precision_at_k(ranked: NDArray[np.integer], relevant: NDArray[np.integer], k: int) -> float:
    """Hits among the first `k`, divided by `k` (also where fewer than `k` are ranked)."""
    return float(hits(ranked, relevant, k).sum() / k)


def recall_at_k(ranked: NDArray[np.integer], relevant: NDArray[np.integer], k: int) -> float:
    """The share of the distinct relevant items that is among the first `k`; 0 if there are none."""
    count = len(np.unique(relevant))
    return float(hits(ranked, relevant, k).sum() / count) if count else 0.0


def mean_reciprocal_rank(
    ranked: NDArray[np.integer], relevant: NDArray[np.integer], k: int = 25
) -> float:
    """One user's share of the mean: 1 / (rank of the first hit), 0 without a hit in the first `k`."""
    found = np.flatnonzero(hits(ranked, relevant, k))
    return float(1 / (found[0] + 1)) if len(found) else 0.0


def coverage(recommended: Sequence[NDArray[np.integer]], n_items: int) -> float:
    """The share of all items that anybody was recommended."""
    if not recommended or n_items == 0:
        return 0.0
    return len(np.unique(np.concatenate(list(recommended)))) / n_items


def novelty(ranked: NDArray[np.integer], popularity: NDArray[np.floating], n_users: int) -> float:
    """Mean self-information of the ranked items in bits: -log2 of the share of users who met each.

    An item that nobody met counts as if half a user had, so that the mean stays finite.
    """
    if len(ranked) == 0:
        return 0.0
    share = np.maximum(popularity[ranked], 0.5) / max(1, n_users)
    return float(-np.log2(share).mean())


def mean_popularity(
    ranked: NDArray[np.integer], popularity: NDArray[np.floating], n_users: int
) -> float:
    """Mean share of users who met each of the ranked items, 0 to 1; 0 for an empty list."""
    return float(popularity[ranked].mean() / max(1, n_users)) if len(ranked) else 0.0


def gini(counts: NDArray[np.number]) -> float:
    """How unevenly counts are spread: 0 when all are equal, near 1 when one has nearly everything.

    Half the mean absolute difference of two counts, relative to their mean.
    """
    total = counts.sum()
    if len(counts) == 0 or total == 0:
        return 0.0
    ascending = np.sort(counts).astype(np.float64)
    places = np.arange(1, len(counts) + 1)
    return float((2 * places - len(counts) - 1) @ ascending / (len(counts) * total))


def intra_list_diversity(ranked: NDArray[np.integer], features: NDArray[np.floating]) -> float:
    """Mean of 1 - cosine over all pairs of ranked items: 0 for equal items, 1 for unrelated ones."""
    count = len(ranked)
    if count < 2:
        return 0.0
    rows = features[ranked].astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    total = np.square(rows.sum(axis=0)).sum() - np.square(rows).sum()
    return float(1 - total / (count * (count - 1)))


def _discounts(length: int) -> NDArray[np.float64]:
    return 1 / np.log2(np.arange(2, length + 2))
