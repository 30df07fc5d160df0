"""Rounding in bulk beside Python's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musicrec.processor.rounding import rounded_shares


def agrees(shares):
    """Whether every share is rounded as Python does, bit for bit."""
    made = rounded_shares(np.array(shares, np.float64)).tolist()
    return made == [round(share, 4) for share in shares]


class TestRoundedShares:
    @given(st.lists(st.floats(0, 1), min_size=1))
    def test_any_share_is_rounded_as_python_does(self, shares):
        """Every double of the range, the smallest included."""
        assert agrees(shares)

    def test_ties_and_their_neighbours(self):
        """Doubles on, just below and just above the middle of two decimals, where others fail."""
        middles = (2 * np.arange(10_000) + 1) / 20_000
        thirty_seconds = np.arange(33) / 32
        shares = [middles, np.nextafter(middles, 0), np.nextafter(middles, 1), thirty_seconds]
        assert agrees(np.concatenate(shares).tolist())

    def test_shares_of_real_lengths(self):
        """Quotients of whole milliseconds, as the producer knows them."""
        random = np.random.default_rng(5)
        length = random.integers(1, 600_000, 50_000)
        assert agrees((random.integers(0, length + 1) / length).tolist())
