"""Glue column types as Arrow types, and the leniency of Firehose's JSON reader towards them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import pyarrow as pa

_SIMPLE: Final = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
    "binary": pa.binary(),
}
_SIZED: Final = re.compile(r"(?P<name>decimal|varchar|char)\((?P<sizes>[\d\s,]+)\)")
_NESTED: Final = re.compile(r"(?P<name>array|map|struct)<(?P<inside>.*)>", re.DOTALL)


class UnknownColumnTypeError(ValueError):
    """A Glue column has a type that is not known here."""


def arrow_schema(columns: list[dict[str, Any]]) -> pa.Schema:
    """The Arrow schema of a Glue table's columns.

    Args:
        columns: `StorageDescriptor.Columns`, with `Name` and `Type`.

    Raises:
        UnknownColumnTypeError: a type is not known.
    """
    return pa.schema([(column["Name"], arrow_type(column["Type"])) for column in columns])


def arrow_type(glue_type: str) -> pa.DataType:
    """The Arrow type of a Glue type, e.g. of `struct<name:string,artists:array<string>>`.

    Raises:
        UnknownColumnTypeError: the type is not known.
    """
    text = glue_type.strip()
    if text.lower() in _SIMPLE:
        return _SIMPLE[text.lower()]
    if sized := _SIZED.fullmatch(text.lower()):
        sizes = [int(size) for size in sized["sizes"].split(",")]
        return pa.decimal128(*sizes) if sized["name"] == "decimal" else pa.string()
    nested = _NESTED.fullmatch(text)
    if nested is None:
        raise UnknownColumnTypeError(
            f"Glue type {glue_type!r} is not known: use {', '.join(_SIMPLE)}, decimal(p,s), "
            "varchar(n), array<>, map<> or struct<>"
        )
    inner = _split(nested["inside"])
    if nested["name"] == "array":
        return pa.list_(arrow_type(inner[0]))
    if nested["name"] == "map":
        return pa.map_(arrow_type(inner[0]), arrow_type(inner[1]))
    fields = [field.partition(":") for field in inner]
    return pa.struct([(name.strip(), arrow_type(kind)) for name, _, kind in fields])


def coerced(value: Any, kind: pa.DataType) -> Any:
    """A JSON value as Firehose's JSON reader takes it for a column: numbers from text and back.

    Raises:
        ValueError: the value cannot be read as the type.
    """
    if value is None:
        return None
    if pa.types.is_struct(kind):
        members = _require(value, dict, kind)
        return {field.name: coerced(members.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind):
        return [coerced(item, kind.value_type) for item in _require(value, list, kind)]
    if pa.types.is_map(kind):
        members = _require(value, dict, kind)
        return [(key, coerced(item, kind.item_type)) for key, item in members.items()]
    return _coerced_primitive(value, kind)


def _coerced_primitive(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list):
        raise ValueError(f"{value!r} is not {kind}")  # noqa: TRY004 - one error for any bad value
    if pa.types.is_boolean(kind):
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if pa.types.is_binary(kind):
        return str(value).encode()
    return _coerced_number(value, kind)


def _coerced_number(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind):
        number = int(value)
        pa.scalar(number, kind)  # out of range raises pa.ArrowInvalid, a ValueError
        return number
    if pa.types.is_floating(kind):
        return float(value)
    if pa.types.is_decimal(kind):
        try:
            return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
        except InvalidOperation as error:
            raise ValueError(f"{value!r} is not {kind}") from error
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    if isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)


def _require(value: Any, wanted: type, kind: pa.DataType) -> Any:
    if not isinstance(value, wanted):
        raise ValueError(f"{value!r} is not {kind}")  # noqa: TRY004 - one error for any bad value
    return value


def _split(inside: str) -> list[str]:
    """Split at the commas that are not inside brackets."""
    parts, depth = [""], 0
    for character in inside:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
