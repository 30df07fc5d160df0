"""Shares rounded to four decimals, many at once, with the very bits of Python's `round`.

The stream sends `round(share, 4)`: the decimal nearest to the exact value of the double, ties to
the even digit. numpy multiplies, rounds and divides, which is off by one now and then, and an
interaction that differs from its streamed twin in one bit counts twice. The steps here are plain
IEEE operations without rounding error, so SQL engines that compute in doubles can take them too
(`musicrec.processor.curated_sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE: Final = 10_000
"""Four decimals."""

SPLIT: Final = 2**26
"""Cuts a double of [0, 1] in two whose products with 20,000 are exact.

The upper part has 26 bits, the lower one at most 41 (a share that rounds to more than nothing is
at least 2^-15, so its last bit is 2^-67 or larger), and 20,000 has 15.
"""


def ten_thousandths(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many ten-thousandths `round(share, 4)` is, for shares from 0 to 1."""
    below = np.floor(shares * SCALE)
    upper = np.floor(shares * SPLIT) / SPLIT
    lower = shares - upper
    past_middle = (upper * (2 * SCALE) - (2 * below + 1)) + lower * (2 * SCALE)
    odd = below % 2
    rounded: NDArray[np.int64] = (below + (past_middle > 0) + (past_middle == 0) * odd).astype(
        np.int64
    )
    return rounded


def rounded_shares(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """`round(share, 4)` of each share from 0 to 1, bit for bit."""
    return ten_thousandths(shares) / SCALE
