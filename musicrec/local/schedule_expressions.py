"""EventBridge's schedule expressions, `rate(...)` and `cron(...)`, as times to come."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from cronsim import CronSim, CronSimError

YEARS: Final = (1970, 2199)
"""The years that EventBridge's sixth field may name."""

_UNITS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\(([^()]*)\)")
_YEAR_TERM: Final = re.compile(r"(?:\*|(\d{4})(?:-(\d{4}))?)(?:/(\d+))?")


class ScheduleExpressionError(ValueError):
    """A schedule expression that EventBridge would refuse, or that is not understood here."""


class Schedule(Protocol):
    """When a rule fires."""

    def next_after(self, time: float) -> float | None:
        """The first time to fire after `time` (epoch seconds, both); None when there is none."""


class Rate:
    """Fires at a fixed interval, for the first time one interval after it was seen.

    Args:
        seconds: the interval.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def next_after(self, time: float) -> float:
        """One interval later."""
        return time + self.seconds


class Cron:
    """Fires at wall-clock times in UTC.

    Args:
        fields: EventBridge's six: minutes, hours, day of month, month, day of week, year.

    Raises:
        ScheduleExpressionError: the fields cannot be read.
    """

    def __init__(self, fields: str) -> None:
        parts = fields.upper().split()
        if len(parts) != 6:
            raise ScheduleExpressionError(
                f"cron({fields}) has {len(parts)} fields; EventBridge takes six: minutes, hours, "
                "day of month, month, day of week, year"
            )
        *times, year = parts
        self._times = _five_fields(times, fields)
        self._years = _years(year, fields)
        self._check(fields)

    def next_after(self, time: float) -> float | None:
        """The first matching minute after a time; None when no year that is left has one."""
        start = datetime.fromtimestamp(time, UTC)
        for year in (year for year in self._years if year >= start.year):
            first = max(start, datetime(year, 1, 1, tzinfo=UTC) - timedelta(seconds=1))
            found = next(self._from(first), None)
            if found is not None and found.year == year:
                return found.timestamp()
        return None

    def _from(self, start: datetime) -> CronSim:
        return CronSim(self._times, start)

    def _check(self, fields: str) -> None:
        try:
            self._from(datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ScheduleExpressionError(f"cron({fields}): {error}") from error


def parse(expression: str) -> Schedule:
    """Read a rule's `ScheduleExpression`.

    Raises:
        ScheduleExpressionError: it is neither a rate nor a cron expression that EventBridge takes.
    """
    cron = _CRON.fullmatch(expression.strip())
    if cron is not None:
        return Cron(cron[1])
    rate = _RATE.fullmatch(expression.strip())
    if rate is None:
        raise ScheduleExpressionError(
            f"{expression!r} is neither rate(<number> <minutes|hours|days>) nor cron(<six fields>)"
        )
    count, unit, plural = int(rate[1]), rate[2], rate[3]
    if count < 1 or (count == 1) == bool(plural):
        raise ScheduleExpressionError(
            f"{expression!r}: the number must be positive, and the unit singular for 1 only"
        )
    return Rate(count * _UNITS[unit])


def _five_fields(times: list[str], fields: str) -> str:
    """The fields but the year, in the notation of ordinary cron."""
    minutes, hours, day, month, weekday = times
    if (day == "?") == (weekday == "?"):
        raise ScheduleExpressionError(
            f"cron({fields}): exactly one of day of month and day of week must be ?"
        )
    unsupported = re.search(r"L|W|#", day + re.sub("|".join(_WEEKDAYS), "", weekday))
    if unsupported is not None:
        raise ScheduleExpressionError(
            f"cron({fields}): {unsupported[0]} is not understood by the embedded EventBridge; name "
            "the days"
        )
    return " ".join([minutes, hours, _any(day), month, _named_weekdays(_any(weekday))])


def _any(field: str) -> str:
    return "*" if field == "?" else field


def _named_weekdays(field: str) -> str:
    """EventBridge counts from 1 for Sunday, cron from 0; a number after a slash is a step."""

    def rename(match: re.Match[str]) -> str:
        number = int(match[0])
        if not 1 <= number <= 7:
            raise ScheduleExpressionError(f"day of week {number} is not between 1 and 7")
        return str(number - 1)

    return re.sub(r"(?<![/\d])\d+", rename, field)


def _years(field: str, fields: str) -> list[int]:
    """The years that the sixth field names, in order."""
    years: set[int] = set()
    for term in field.split(","):
        match = _YEAR_TERM.fullmatch(term)
        if match is None:
            raise ScheduleExpressionError(f"cron({fields}): year {term!r} is not understood")
        first = int(match[1] or YEARS[0])
        open_ended = match[1] is None or match[3]
        last = int(match[2] or (YEARS[1] if open_ended else first))
        years.update(range(first, last + 1, int(match[3] or 1)))
    return sorted(years)
