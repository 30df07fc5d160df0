"""The time axis under suspends, clock steps and restarts."""

import pytest

from musicrec.producer.clock import Moment, Timeline


class Clocks:
    """Two clocks that the test moves."""

    def __init__(self) -> None:
        self.mono = 50.0
        self.wall = 1_767_600_000.0

    def move(self, mono: float, wall: float | None = None) -> None:
        """Advance both clocks; the wall clock by another amount if given."""
        self.mono += mono
        self.wall += mono if wall is None else wall


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def timeline(clocks):
    return Timeline(lambda: clocks.mono, lambda: clocks.wall)


class TestAxis:
    def test_starts_at_the_wall_clock(self, timeline):
        """The first reading is the present in epoch milliseconds."""
        assert timeline.read() == Moment(1_767_600_000_000, 1_767_600_000_000)

    def test_runs_with_the_monotonic_clock(self, clocks, timeline):
        """Ten seconds are ten thousand milliseconds, and nobody slept."""
        before = timeline.read().t
        clocks.move(10)
        assert timeline.read().t - before == 10_000
        assert not timeline.take_slept()

    @pytest.mark.parametrize("step", [-3600, -1, 4])
    def test_a_clock_step_enters_no_duration(self, clocks, timeline, step):
        """A wall clock set back an hour, or corrected a little, changes no elapsed time."""
        before = timeline.read().t
        clocks.move(10, 10 + step)
        moment = timeline.read()
        assert moment.t - before == 10_000
        assert moment.offset_ms == step * 1000
        assert not timeline.take_slept()

    def test_a_suspend_is_elapsed_time(self, clocks, timeline):
        """A monotonic clock that stood still for three hours is made up for, and told once."""
        before = timeline.read().t
        clocks.move(1, 10_800)
        assert timeline.read().t - before == 10_800_000
        assert timeline.take_slept()
        assert not timeline.take_slept()

    def test_a_suspend_is_told_even_if_read_over(self, clocks, timeline):
        """Readings in between do not swallow the suspend."""
        timeline.read()
        clocks.move(1, 100)
        timeline.read()
        clocks.move(1)
        timeline.read()
        assert timeline.take_slept()


class TestRestart:
    def test_continues_by_the_wall_clock(self, clocks):
        """The time between two runs is taken from the wall clock."""
        since = Moment(7_000, 1_767_600_000_000 - 60_000)
        timeline = Timeline(lambda: clocks.mono, lambda: clocks.wall, since=since)
        assert timeline.read() == Moment(67_000, 1_767_600_000_000)

    def test_never_goes_back(self, clocks):
        """A wall clock set back between two runs does not turn the axis."""
        since = Moment(7_000, 1_767_600_000_000 + 60_000)
        timeline = Timeline(lambda: clocks.mono, lambda: clocks.wall, since=since)
        assert timeline.read().t == 7_000
