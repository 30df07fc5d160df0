"""Partition projection: which partitions a table has by its properties, with none registered.

Athena computes the partitions and looks into each folder. Here one listing finds the folders that
have objects, and those that the properties leave out are dropped, which gives the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.objects import folder

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Table

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<key>[^}]+)\}")
_NOW: Final = re.compile(r"NOW(?:\s*(?P<sign>[+-])\s*(?P<count>\d+)\s*(?P<unit>[A-Z]+?)S?)?")
_JAVA: Final = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}
_TOKEN: Final = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")
_SECONDS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800}
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}


class Rule(Protocol):
    """Which values a partition key takes."""

    def __contains__(self, value: str) -> bool: ...


class Injected:
    """Any value; the query has to name it."""

    def __contains__(self, value: str) -> bool:
        return True


class Enumerated(Struct, frozen=True):
    """One of a list of values."""

    values: frozenset[str]

    def __contains__(self, value: str) -> bool:
        return value in self.values


class Integers(Struct, frozen=True):
    """Numbers from one to another, in steps, written with at least so many digits."""

    first: int
    last: int
    step: int
    digits: int

    def __contains__(self, value: str) -> bool:
        if not re.fullmatch(r"-?\d+", value):
            return False
        number = int(value)
        written = str(number).zfill(self.digits) == value
        return (
            written and self.first <= number <= self.last and not (number - self.first) % self.step
        )


class Dates(Struct, frozen=True):
    """Times from one to another, in steps, in a format.

    Attributes:
        first: the first of them.
        last: the latest that one may be.
        format: as `strptime` takes it.
        step: how many units lie between two.
        unit: of the steps, e.g. `DAY`.
    """

    first: datetime
    last: datetime
    format: str
    step: int
    unit: str

    def __contains__(self, value: str) -> bool:
        try:
            at = datetime.strptime(value, self.format).replace(tzinfo=UTC)
        except ValueError:
            return False
        canonical = at.strftime(self.format) == value
        return canonical and self.first <= at <= self.last and self._in_step(at)

    def _in_step(self, at: datetime) -> bool:
        if self.unit in _MONTHS:
            months = (at.year - self.first.year) * 12 + at.month - self.first.month
            return months % (self.step * _MONTHS[self.unit]) == 0
        seconds = (at - self.first).total_seconds()
        return seconds % (self.step * _SECONDS[self.unit]) == 0


class Projection(Struct, frozen=True):
    """How a table's partitions lie in S3.

    Attributes:
        root: S3 URI above all partitions.
        pattern: matches the rest of a path in a partition; its groups are the keys.
        rules: of each key.
    """

    root: str
    pattern: re.Pattern[str]
    rules: dict[str, Rule]

    @property
    def injected(self) -> list[str]:
        """The keys whose values a query has to name."""
        return [key for key, rule in self.rules.items() if isinstance(rule, Injected)]

    def values(self, rest: str) -> dict[str, str] | None:
        """The partition that a path below `root` is in; None when the table has no such one."""
        match = self.pattern.match(rest)
        if match is None:
            return None
        values = match.groupdict()
        return values if all(values[key] in rule for key, rule in self.rules.items()) else None


def projection(table: Table, clock: Callable[[], float]) -> Projection | None:
    """How a table's partitions are projected; None when they are registered.

    Args:
        table: whose properties say it.
        clock: epoch seconds, for ranges up to NOW.

    Raises:
        QueryFailedError: the properties are not complete.
    """
    if table.parameters.get("projection.enabled", "").lower() != "true":
        return None
    template = location_template(table)
    fixed = template.split("${", 1)[0]
    root = fixed[: fixed.rindex("/") + 1]
    return Projection(
        root=root,
        pattern=_pattern(table, template[len(root) :]),
        rules={key: _rule(table, key, clock) for key in table.partition_keys.names},
    )


def location_template(table: Table) -> str:
    """Where a partition of a table lies, with `${key}` for each value."""
    hive_style = "".join(f"{key}=${{{key}}}/" for key in table.partition_keys.names)
    return folder(
        table.parameters.get("storage.location.template", f"{folder(table.location)}{hive_style}")
    )


def _pattern(table: Table, template: str) -> re.Pattern[str]:
    seen: set[str] = set()
    text, end = "", 0
    for match in _PLACEHOLDER.finditer(template):
        key = match["key"].lower()
        text += re.escape(template[end : match.start()])
        slashes = _optional(table, key, "format", "").count("/")
        value = f"[^/]+(?:/[^/]+){{{slashes}}}"
        text += f"(?P={key})" if key in seen else f"(?P<{key}>{value})"
        seen.add(key)
        end = match.end()
    return re.compile(text + re.escape(template[end:]))


def _rule(table: Table, key: str, clock: Callable[[], float]) -> Rule:
    kind = _property(table, key, "type")
    if kind == "enum":
        values = _property(table, key, "values").split(",")
        return Enumerated(frozenset(value.strip() for value in values))
    if kind == "integer":
        first, last = _property(table, key, "range").split(",")
        step = int(_optional(table, key, "interval", "1"))
        return Integers(int(first), int(last), step, int(_optional(table, key, "digits", "1")))
    if kind == "date":
        return _dates(table, key, datetime.fromtimestamp(clock(), UTC))
    if kind == "injected":
        return Injected()
    raise _invalid(table, f"projection.{key}.type", kind)


def _dates(table: Table, key: str, now: datetime) -> Dates:
    form = strptime_format(_property(table, key, "format"))
    bounds = [part.strip() for part in _property(table, key, "range").split(",")]
    unit = _optional(table, key, "interval.unit", _finest(form)).upper().removesuffix("S")
    if len(bounds) != 2 or unit not in {*_SECONDS, *_MONTHS}:
        raise _invalid(table, f"projection.{key}.range", ",".join(bounds))
    try:
        first, last = (_bound(text, form, now) for text in bounds)
    except ValueError as error:
        raise _invalid(table, f"projection.{key}.range", ",".join(bounds)) from error
    return Dates(first, last, form, int(_optional(table, key, "interval", "1")), unit)


def _bound(text: str, form: str, now: datetime) -> datetime:
    relative = _NOW.fullmatch(text.upper())
    if relative is None:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    at = now
    if relative["unit"]:
        count = int(f"{relative['sign']}{relative['count']}")
        at = _moved(now, count, relative["unit"])
    return datetime.strptime(at.strftime(form), form).replace(tzinfo=UTC)


def _moved(at: datetime, count: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return at + timedelta(seconds=count * _SECONDS[unit])
    months = at.year * 12 + at.month - 1 + count * _MONTHS[unit]
    return at.replace(year=months // 12, month=months % 12 + 1, day=min(at.day, 28))


def _finest(form: str) -> str:
    units = {"%S": "SECOND", "%M": "MINUTE", "%H": "HOUR", "%d": "DAY", "%m": "MONTH"}
    return next((unit for token, unit in units.items() if token in form), "YEAR")


def strptime_format(java: str) -> str:
    """A date format of Java's in Python's letters, e.g. `yyyy-MM-dd`.

    Raises:
        QueryFailedError: it has letters that are not known here.
    """
    text = ""
    for match in _TOKEN.finditer(java):
        letters = match["letters"]
        if letters and letters not in _JAVA:
            raise QueryFailedError(
                "INVALID_TABLE_PROPERTY",
                f"The embedded Athena does not know {letters!r} in the date format {java!r}",
            )
        text += _JAVA[letters] if letters else (match["quoted"] or match["other"] or "'")
    return text


def _optional(table: Table, key: str, setting: str, default: str) -> str:
    return table.parameters.get(f"projection.{key}.{setting}", default).strip()


def _property(table: Table, key: str, setting: str) -> str:
    value = _optional(table, key, setting, "")
    if not value:
        raise _invalid(table, f"projection.{key}.{setting}", None)
    return value


def _invalid(table: Table, name: str, value: str | None) -> QueryFailedError:
    said = "is missing" if value is None else f"cannot be {value!r}"
    return QueryFailedError(
        "INVALID_TABLE_PROPERTY", f"Table {table.name}: the property '{name}' {said}"
    )
