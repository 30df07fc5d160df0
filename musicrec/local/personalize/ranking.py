"""From a model's scores to a ranked list, and to the scores that the service shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicrec.research.models.base import top_k

if TYPE_CHECKING:
    from numpy.typing import NDArray


def best(
    scores: NDArray[np.float32], count: int, among: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """The codes of the `count` best scores, best first; ties by code, -inf never.

    Linear in the number of items: only the winners are sorted.

    Args:
        scores: by item code.
        count: at most so many.
        among: mask of the codes to choose from; all when None.
    """
    mask = scores > -np.inf if among is None else among
    if mask.all():
        return top_k(scores, count)
    left = np.flatnonzero(mask)  # a filter may leave few
    return left[top_k(scores[left], count)]


def shown_scores(scores: NDArray[np.float32], codes: NDArray[np.int64]) -> list[float]:
    """Soft-max over all scored items, of the given ones, rounded to seven decimals.

    The scores are standardised first, because models differ in scale; the order does not change.
    """
    known = scores if scores.min() > -np.inf else scores[scores > -np.inf]
    top = known.max()
    scaled = known - top
    centred = scaled - scaled.mean()
    spread = np.sqrt(np.dot(centred, centred) / len(centred)) or np.float32(1)
    scaled /= spread
    total = np.exp(scaled, out=scaled).sum()
    shares = np.exp((scores[codes].astype(np.float64) - top) / spread) / total
    return [round(float(share), 7) for share in shares]
