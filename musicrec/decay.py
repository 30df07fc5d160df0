"""Forgetting that no order can change: decayed weights as whole numbers, and sums of them.

Forward decay (Cormode and others, "Forward decay: a practical time decay model for streaming
systems", ICDE 2009): an event weighs 2 ** ((t - LANDMARK) / HALF_LIFE) for ever, and a read at
time T divides by the weight of T. Nothing is rescaled, so no order of arrival shows.

Weights are whole numbers (fixed point), because floating sums depend on their order, and a tie
between two genres would fall differently after a rebuild.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from musicrec.events import DAY_MS, MIN_OCCURRED_AT

LANDMARK: Final = MIN_OCCURRED_AT
"""Where weights are 1, epoch milliseconds. No event is older, so no weight is below 1."""

HALF_LIFE_MS: Final = 60 * DAY_MS
"""After 60 days an event counts half; a float holds weights for 160 years at this pace."""

WEIGHT_BITS: Final = 32
"""Fraction bits of a weight as a whole number."""

FEATURE_BITS: Final = 20
"""Fraction bits of an audio feature as a whole number: a step of one millionth."""


class FeatureSums(Struct, frozen=True, array_like=True):
    """Weighted sums of one audio feature: of 1, of the value, of its square (fixed point)."""

    weight: int
    value: int
    square: int

    @classmethod
    def of(cls, weight: int, value: float) -> FeatureSums:
        """The sums of one value with a `fixed` weight."""
        scaled = round(math.ldexp(value, FEATURE_BITS))
        return cls(weight, weight * scaled, weight * scaled * scaled)

    def __add__(self, other: FeatureSums) -> FeatureSums:
        return FeatureSums(
            self.weight + other.weight, self.value + other.value, self.square + other.square
        )

    @property
    def mean(self) -> float:
        """Weighted mean, in the feature's unit."""
        return self.value / (self.weight << FEATURE_BITS)

    @property
    def spread(self) -> float:
        """Weighted standard deviation, in the feature's unit."""
        variance = self.weight * self.square - self.value * self.value
        return math.sqrt(variance / (self.weight * self.weight << 2 * FEATURE_BITS))


NOTHING: Final = FeatureSums(0, 0, 0)
"""The sums of no value."""


def weight_at(at: int) -> float:
    """What an event at `at` (epoch milliseconds) weighs; 1 or more, doubling each half-life."""
    return math.exp2((at - LANDMARK) / HALF_LIFE_MS)


def fixed(at: int, share: float = 1.0) -> int:
    """The weight of `share` (0 to 1) of an event at `at`, as a whole number to be summed."""
    return int(math.ldexp(weight_at(at) * share, WEIGHT_BITS))


def value_at(total: int, at: int) -> float:
    """What a sum of `fixed` weights is worth at `at`: events of that moment count 1 each."""
    return total / (1 << WEIGHT_BITS) / weight_at(at)


def add(sums: dict[str, int], key: str, amount: int) -> None:
    """Add to one sum, which begins at 0."""
    sums[key] = sums.get(key, 0) + amount


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Two sets of sums as one, key by key."""
    sums = dict(one)
    for key, amount in other.items():
        add(sums, key, amount)
    return sums


def shares_of(sums: Mapping[str, int], limit: int) -> list[tuple[str, float]]:
    """The largest sums as shares of the whole; by name where they tie."""
    total = sum(sums.values())
    positive = (item for item in sums.items() if item[1] > 0)
    largest = heapq.nsmallest(limit, positive, key=lambda item: (-item[1], item[0]))
    return [(name, amount / total) for name, amount in largest]
