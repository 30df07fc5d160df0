"""EventBridge's rate and cron expressions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.schedule_expressions import ScheduleExpressionError, parse


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def following(expression, text, count=1):
    """The next times, as ISO text to the minute."""
    schedule, time, found = parse(expression), at(text), []
    for _ in range(count):
        time = schedule.next_after(time)
        found.append(time and datetime.fromtimestamp(time, UTC).isoformat()[:16])
    return found


class TestRate:
    @pytest.mark.parametrize(
        ("expression", "seconds"),
        [
            ("rate(1 minute)", 60),
            ("rate(5 minutes)", 300),
            ("rate(2 hours)", 7200),
            ("rate(1 day)", 86400),
        ],
    )
    def test_interval(self, expression, seconds):
        """A rate fires one interval after the time before."""
        assert parse(expression).next_after(1000.0) == 1000.0 + seconds

    @pytest.mark.parametrize(
        "expression",
        ["rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(5 weeks)", "rate(x)"],
    )
    def test_what_eventbridge_refuses(self, expression):
        """Zero, a wrong plural and unknown units are refused, naming the expression."""
        with pytest.raises(ScheduleExpressionError, match="rate"):
            parse(expression)


class TestCron:
    @pytest.mark.parametrize(
        ("fields", "after", "expected"),
        [
            ("0 3 * * ? *", "2026-07-01T02:59:59", "2026-07-01T03:00"),
            ("0 3 * * ? *", "2026-07-01T03:00:00", "2026-07-02T03:00"),
            ("0/15 * * * ? *", "2026-07-01T10:01:00", "2026-07-01T10:15"),
            ("10 8 1 JAN ? *", "2026-07-01T00:00:00", "2027-01-01T08:10"),
            ("0 12 ? * 1 *", "2026-07-01T00:00:00", "2026-07-05T12:00"),  # 1 is Sunday
            ("0 12 ? * 2-6 *", "2026-07-04T00:00:00", "2026-07-06T12:00"),  # Monday to Friday
            ("0 12 ? * MON,WED *", "2026-07-01T12:00:00", "2026-07-06T12:00"),
            ("0 0 1 1 ? 2030", "2026-07-01T00:00:00", "2030-01-01T00:00"),
            ("0 0 1 1 ? 2025/3", "2026-07-01T00:00:00", "2028-01-01T00:00"),
            ("59 23 31 12 ? 2026-2027", "2026-12-31T23:59:00", "2027-12-31T23:59"),
        ],
    )
    def test_next_time(self, fields, after, expected):
        """The six fields mean what EventBridge says they mean."""
        assert following(f"cron({fields})", after) == [expected]

    def test_several_times_in_a_row(self):
        """Each time leads to the next, over the end of a month."""
        assert following("cron(30 9 ? * FRI *)", "2026-07-20T00:00:00", 3) == [
            "2026-07-24T09:30",
            "2026-07-31T09:30",
            "2026-08-07T09:30",
        ]

    def test_years_that_are_over(self):
        """A rule for the past never fires."""
        assert parse("cron(0 0 1 1 ? 2020)").next_after(at("2026-01-01T00:00:00")) is None

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ("0 3 * * *", "5 fields"),
            ("0 3 * * * *", "exactly one"),
            ("0 3 ? * ? *", "exactly one"),
            ("0 3 L * ? *", "L is not understood"),
            ("0 3 15W * ? *", "W is not understood"),
            ("0 3 ? * 6#3 *", "# is not understood"),
            ("0 3 ? * 0 *", "day of week 0"),
            ("0 3 ? * 8 *", "day of week 8"),
            ("61 3 * * ? *", "minute"),
            ("0 3 * * ? soon", "SOON"),
        ],
    )
    def test_what_is_refused(self, fields, named):
        """A field that cannot be read is named in the error."""
        with pytest.raises(ScheduleExpressionError, match=named):
            parse(f"cron({fields})")

    @pytest.mark.parametrize("expression", ["", "at(2026-01-01T00:00:00)", "0 3 * * *"])
    def test_neither_rate_nor_cron(self, expression):
        """Anything else is no schedule of a rule."""
        with pytest.raises(ScheduleExpressionError, match="neither"):
            parse(expression)

    @given(minute=st.integers(0, 59), hour=st.integers(0, 23), time=st.integers(0, 4_000_000_000))
    def test_daily_rule_is_due_within_a_day(self, minute, hour, time):
        """A daily time is always later than now and at most a day away."""
        due = parse(f"cron({minute} {hour} * * ? *)").next_after(float(time))
        moment = datetime.fromtimestamp(due, UTC)
        assert time < due <= time + 86_400
        assert (moment.hour, moment.minute, moment.second) == (hour, minute, 0)
