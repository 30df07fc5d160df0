"""Counts of items met near each other, decayed by distance and normalised.

For an interaction at position p of a user's sequence, an item d positions later counts
0.5 ** ((d - 1) / half_life), an item d positions earlier the same times `backward`; both times the
weights of the two interactions. The sum C[i, j] is then divided by a power of row i's and of column
j's totals, so that popular items do not win for being everywhere. Each total is first raised by the
same prior: otherwise two items that met once, and nobody else, would be the closest of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from musicrec.research.models.base import collapse_repeats
from musicrec.research.models.neighbours import stacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


@dataclass(frozen=True, eq=False)
class Sequences:
    """All histories end to end, consecutive repeats within a history made one.

    Attributes:
        users: whose position it is; positions of a user are adjacent, oldest first.
        items: the item at each position.
        weights: the highest weight of the repeats that a position stands for.
        n_items: how many item codes there are.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    n_items: int

    @classmethod
    def of(cls, interactions: Interactions) -> Self:
        """Order by user and collapse."""
        rows = interactions.by_user().rows
        users, items = interactions.users[rows], interactions.items[rows]
        keep = collapse_repeats(items) | collapse_repeats(users)
        starts = np.flatnonzero(keep)
        weights = interactions.weights[rows]
        weights = np.maximum.reduceat(weights, starts) if len(starts) else weights
        return cls(users[keep], items[keep], weights, interactions.n_items)

    def __len__(self) -> int:
        return len(self.items)


def neighbour_matrix(
    sequences: Sequences,
    *,
    window: int,
    half_life: float,
    backward: float,
    power: float,
    prior: float,
    keep: int,
    meetings: int,
) -> sparse.csr_array:
    """The normalised co-occurrences of every item with its `keep` strongest neighbours.

    Args:
        sequences: what was heard in which order.
        window: the largest distance that counts, in positions.
        half_life: distance after which a pair counts half, in positions.
        backward: weight of pairs against the order heard.
        power: of the totals that counts are divided by: 0 leaves the counts, 0.5 is a cosine.
        prior: how often, in meetings with full windows around them, every item is taken to have
            been met besides; 0 trusts the counts.
        keep: neighbours kept for each item.
        meetings: of an item met oftener, so many meetings spread evenly over the users stand for
            all.
    """
    decay = (0.5 ** (np.arange(window) / half_life)).astype(np.float32)
    factors = np.concatenate([backward * decay[::-1], [0], decay]).astype(np.float32)
    bounds = _bounds(sequences.users)
    out_sums, in_sums = _totals(sequences, decay, backward)
    unseen = prior * (1 + backward) * float(decay.sum())
    out_scale, in_scale = _discount(out_sums + unseen, power), _discount(in_sums + unseen, power)
    positions, weights, ends = _sampled(sequences, meetings)

    def block(start: int, stop: int) -> sparse.csr_array:
        rows = slice(ends[start], ends[stop])
        near = _neighbourhood(sequences, positions[rows], bounds, factors)
        indptr = ends[start : stop + 1] - ends[start]
        shape = (stop - start, near.shape[0])
        own = sparse.csr_array((weights[rows], np.arange(shape[1]), indptr), shape=shape)
        product = sparse.csr_array(own @ near)
        product.data *= in_scale[product.indices]
        product.data *= np.repeat(out_scale[start:stop], np.diff(product.indptr))
        return product

    return stacked(np.diff(ends) * len(factors), block, keep)


def _sampled(
    sequences: Sequences, most: int
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.int64]]:
    """Positions by item, what each counts, and where each item's begin and end.

    Of more than `most` positions of an item every so-manyeth is taken, and counts for the others.
    """
    order = np.argsort(sequences.items, kind="stable")
    counts = np.bincount(sequences.items, minlength=sequences.n_items)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    size = np.repeat(np.maximum(counts, most), counts)
    taken = rank * most // size != (rank - 1) * most // size
    weights = sequences.weights[order] * (size / most).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(np.minimum(counts, most))])
    return order[taken], weights[taken], ends


def _totals(
    sequences: Sequences, decay: NDArray[np.float32], backward: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column totals of all co-occurrences.

    The users' sequences are laid out with a window of nothing between them, so that one convolution
    sums what is after each position and one what is before.
    """
    window = len(decay)
    changes = np.concatenate([[0], np.cumsum(sequences.users[1:] != sequences.users[:-1])])
    places = np.arange(len(sequences)) + (changes[: len(sequences)] + 1) * window
    spread = np.zeros(int(places.max(initial=0)) + window + 1, dtype=np.float32)
    spread[places] = sequences.weights
    after = np.convolve(spread, decay[::-1])[places + window]
    before = np.convolve(spread, decay)[places - 1]
    out_sums = np.zeros(sequences.n_items)
    in_sums = np.zeros(sequences.n_items)
    outward = sequences.weights * (after + backward * before)
    inward = sequences.weights * (before + backward * after)
    out_sums += np.bincount(sequences.items, outward, sequences.n_items)
    in_sums += np.bincount(sequences.items, inward, sequences.n_items)
    return out_sums, in_sums


def _bounds(users: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every position the first and the last position of its user."""
    changes = np.flatnonzero(users[1:] != users[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(users)]])
    return np.repeat(edges[:-1], np.diff(edges)), np.repeat(edges[1:] - 1, np.diff(edges))


def _neighbourhood(
    sequences: Sequences,
    chosen: NDArray[np.intp],
    bounds: tuple[NDArray[np.int64], NDArray[np.int64]],
    factors: NDArray[np.float32],
) -> sparse.csr_array:
    """One row a chosen position: the items around it, each with its decayed weight."""
    window = len(factors) // 2
    first = np.maximum(chosen - window, bounds[0][chosen])
    lengths = np.minimum(chosen + window, bounds[1][chosen]) - first + 1
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    near = np.arange(indptr[-1]) + np.repeat(first - indptr[:-1], lengths)
    lags = near - np.repeat(chosen - window, lengths)
    weights = factors[lags] * sequences.weights[near]
    return sparse.csr_array(
        (weights, sequences.items[near], indptr), shape=(len(chosen), sequences.n_items)
    )


def _discount(totals: NDArray[np.float64], power: float) -> NDArray[np.float32]:
    factors = np.power(totals, -power, out=np.zeros_like(totals), where=totals > 0)
    return factors.astype(np.float32)
