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

_DOUBTFUL: Final = 1e-6
"""As near to the middle of two decimals numpy's way is not trusted; it is off by 1e-12 at most."""


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
    scaled = shares * SCALE
    rounded = np.rint(scaled)
    is_near_middle = np.abs(np.abs(scaled - rounded) - 0.5) < _DOUBTFUL
    rounded[is_near_middle] = ten_thousandths(shares[is_near_middle])
    return rounded / SCALE
