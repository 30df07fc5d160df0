from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from musicrec import dealing

LISTENERS = [f"listener-{number}" for number in range(20_000)]
NAMES = st.text(min_size=1, max_size=20)


class TestNumber:
    def test_it_stays_what_it_is(self):
        """Arms that were dealt by an earlier version of the code must not move."""
        assert dealing.number("v2-vs-sims", "björk") == 0x949B3518430736B6

    def test_listeners_are_spread_evenly(self):
        """Over sixteen equal parts the chi-square stays below its 99.9 % quantile."""
        for experiment in ("a", "b", "a much longer name"):
            parts = Counter(dealing.number(experiment, one) >> 60 for one in LISTENERS)
            expected = len(LISTENERS) / 16
            chi_square = sum((parts[part] - expected) ** 2 / expected for part in range(16))
            assert chi_square < 37.7  # 15 degrees of freedom

    def test_experiments_are_independent(self):
        """Who is treated in one experiment is treated in another as often as everybody else."""
        first = [one for one in LISTENERS if dealing.is_within(0.5, "first", one)]
        both = sum(dealing.is_within(0.5, "second", one) for one in first)
        assert abs(both / len(first) - 0.5) < 0.02  # four standard deviations


class TestIsWithin:
    @given(NAMES, NAMES, st.floats(0, 1), st.floats(0, 1))
    def test_a_growing_share_moves_nobody_back(self, experiment, listener, one, other):
        """Who is within the smaller share is within the larger one."""
        small, large = sorted((one, other))
        if dealing.is_within(small, experiment, listener):
            assert dealing.is_within(large, experiment, listener)

    @given(NAMES, NAMES)
    def test_nobody_and_everybody(self, experiment, listener):
        """The share 0 has no listener, the share 1 all of them."""
        assert not dealing.is_within(0.0, experiment, listener)
        assert dealing.is_within(1.0, experiment, listener)

    def test_shares_are_kept(self):
        """A tenth of the listeners is a tenth, within four standard deviations."""
        treated = sum(dealing.is_within(0.1, "share", one) for one in LISTENERS)
        assert abs(treated - 2_000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5
