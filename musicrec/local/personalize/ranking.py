"""From a model's scores to a ranked list, and to the scores that the service shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The codes of the `count` best scores, best first; ties by code, -inf never.

    Linear in the number of items: only the winners are sorted.
    """
    left = np.flatnonzero(np.isfinite(scores))  # a filter may leave few
    count = min(count, len(left))
    if count <= 0:
        return np.empty(0, dtype=np.int64)
    known = scores[left]
    last = np.partition(known, len(known) - count)[len(known) - count]
    above = np.flatnonzero(known > last)
    ties = np.flatnonzero(known == last)[: count - len(above)]
    chosen: NDArray[np.int64] = left[np.concatenate([above, ties])]
    return chosen[np.lexsort((chosen, -scores[chosen]))]


def shown_scores(scores: NDArray[np.float32], codes: NDArray[np.int64]) -> list[float]:
    """Soft-max over all scored items, of the given ones, rounded to seven decimals.

    The scores are standardised first, because models differ in scale; the order does not change.
    """
    finite = scores[np.isfinite(scores)]
    top = finite.max()
    spread = finite.std(dtype=np.float64) or 1.0
    scaled = (finite - top) / np.float32(spread)
    total = np.exp(scaled, out=scaled).sum(dtype=np.float64)
    shares = np.exp((scores[codes].astype(np.float64) - top) / spread) / total
    return [round(float(share), 7) for share in shares]
