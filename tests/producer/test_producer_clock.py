"""The time axis under suspends, clock steps and restarts."""

import pytest

from musicrec.producer.clock import Heard, Moment, Timeline


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


class TestAnotherClock:
    """What Spotify's clock says, which comes with every answer and which nobody here can set."""

    NOON = 1_767_700_000_000

    @pytest.fixture
    def heard(self, timeline):
        """The axis, after a first answer."""
        timeline.hear(self.NOON)
        return timeline

    def test_the_first_time_only_sets_it(self, clocks, timeline):
        """However far it is off the listener's: the axis runs on as it was."""
        before = timeline.read().t
        timeline.hear(self.NOON)
        clocks.move(10)
        assert timeline.read() == Moment(before + 10_000, before + 10_000, Heard(before, self.NOON))

    @pytest.mark.parametrize("step", [-3600, 6, 3600])
    def test_a_clock_that_is_set_is_no_suspend(self, clocks, heard, step):
        """Neither when it is set, nor when the next answer comes."""
        before = heard.read().t
        clocks.move(10, 10 + step)
        assert heard.read().t - before == 10_000
        heard.hear(self.NOON + 10_000)
        assert heard.read().t - before == 10_000
        assert heard.read().offset_ms == 1000 * step
        assert not heard.take_slept()

    def test_a_suspend_shows_at_the_next_answer(self, clocks, heard):
        """Three hours by the other clock, whatever the listener's says."""
        before = heard.read().t
        clocks.move(1, 5)
        heard.hear(self.NOON + 10_800_000)
        assert heard.read().t - before == 10_800_000
        assert heard.take_slept()
        assert not heard.take_slept()

    def test_whole_seconds_are_not_added_up(self, clocks, heard):
        """A clock that ticks in seconds agrees with one that does not, for as long as it runs."""
        before = heard.read().t
        for number in range(1, 100):
            clocks.move(10.9)
            heard.hear(self.NOON + 1000 * int(10.9 * number))
        assert heard.read().t - before == pytest.approx(99 * 10_900, abs=99)
        assert not heard.take_slept()

    def test_an_answer_of_old_is_left_aside(self, clocks, heard):
        """A cached answer changes nothing, and the next fresh one is no suspend."""
        before = heard.read().t
        for said in (-50_000, 0, 10_000, 20_000, 50_000):
            clocks.move(10)
            heard.hear(self.NOON + said)
        assert heard.read().t - before == 50_000
        assert not heard.take_slept()


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

    @pytest.mark.parametrize("step", [-3600, 0, 3600])
    def test_is_put_right_by_another_clock(self, clocks, step):
        """A wall clock that was set between two runs misleads until the first answer."""
        heard = Heard(7_000, 1_767_700_000_000)
        wall_ms = 1_767_600_000_000 - 60_000 - 1000 * step
        timeline = Timeline(
            lambda: clocks.mono, lambda: clocks.wall, since=Moment(7_000, wall_ms, heard)
        )
        assert timeline.read().t == 7_000 + max(0, 60_000 + 1000 * step)
        timeline.hear(heard.clock_ms + 60_000)
        assert timeline.read().t == 67_000

    def test_never_goes_behind_the_last_answer(self, clocks):
        """Should the other clock have been set back, too."""
        heard = Heard(7_000, 1_767_700_000_000)
        since = Moment(9_000, 1_767_600_000_000, heard)
        timeline = Timeline(lambda: clocks.mono, lambda: clocks.wall, since=since)
        timeline.hear(heard.clock_ms - 3_600_000)
        assert timeline.read().t == 7_000
