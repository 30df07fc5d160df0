"""Values as Athena writes them into its answers and CSV files: always text, null as null."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

Text = Callable[[Any], str]

_PLAIN_FROM: Final = 1e-3
_PLAIN_BELOW: Final = 1e7


def texts(column: pa.Array) -> list[str | None]:
    """A column's values as text; nulls stay None."""
    write = _writer(column.type)
    return [None if value is None else write(value) for value in column.to_pylist()]


def _writer(kind: pa.DataType) -> Text:
    if pa.types.is_struct(kind):
        return _row_writer(kind)
    if pa.types.is_map(kind):
        key, item = _nullable(kind.key_type), _nullable(kind.item_type)
        return lambda entries: _braces(f"{key(k)}={item(v)}" for k, v in entries)
    if pa.types.is_list(kind):
        item = _nullable(kind.value_type)
        return lambda entries: f"[{', '.join(map(item, entries))}]"
    return _SIMPLE.get(kind, str)


def _row_writer(kind: pa.DataType) -> Text:
    members = [(part.name, _nullable(part.type)) for part in kind]
    return lambda row: _braces(f"{name}={write(row[name])}" for name, write in members)


def _braces(entries: Iterable[str]) -> str:
    return f"{{{', '.join(entries)}}}"


def _nullable(kind: pa.DataType) -> Text:
    write = _writer(kind)
    return lambda value: "null" if value is None else write(value)


def double_text(value: float) -> str:
    """A double as Java writes it, e.g. `0.1`, `1.0E7`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        plain = format(Decimal(repr(value)), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)  # NaN and infinities were written above
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + exponent - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"


def _real_text(value: float) -> str:
    """A 32-bit number with the fewest digits that tell it from its neighbours."""
    if math.isfinite(value):
        for digits in range(1, 9):
            candidate = float(format(value, f".{digits}g"))
            if pa.scalar(candidate, pa.float32()).as_py() == value:
                return double_text(candidate)
    return double_text(float(format(value, ".9g")))


def _timestamp_text(value: datetime) -> str:
    return value.isoformat(sep=" ", timespec="milliseconds")


def _zoned_text(value: datetime) -> str:
    return f"{_timestamp_text(value.astimezone(UTC).replace(tzinfo=None))} UTC"


def _time_text(value: time) -> str:
    return value.isoformat(timespec="milliseconds")


def _interval_text(value: Any) -> str:
    seconds, nanoseconds = divmod(value.nanoseconds, 1_000_000_000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    thousandths = nanoseconds // 1_000_000
    return f"{value.days} {hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"


_SIMPLE: Final[dict[pa.DataType, Text]] = {
    pa.bool_(): lambda value: "true" if value else "false",
    pa.float32(): _real_text,
    pa.float64(): double_text,
    pa.binary(): lambda value: value.hex(" "),
    pa.date32(): date.isoformat,
    pa.time64("us"): _time_text,
    pa.timestamp("us"): _timestamp_text,
    pa.timestamp("us", "UTC"): _zoned_text,
    pa.month_day_nano_interval(): _interval_text,
}
