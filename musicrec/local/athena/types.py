"""One type in four languages: DuckDB's, Arrow's, Athena's answers and Glue's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from msgspec import Struct

from musicrec.local.athena.errors import QueryFailedError

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

VARCHAR_LENGTH: Final = 2_147_483_647

_ARROW: Final = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "utinyint": pa.int16(),
    "usmallint": pa.int32(),
    "uinteger": pa.int64(),
    "ubigint": pa.int64(),
    "hugeint": pa.int64(),  # DuckDB sums bigints into it, Trino stays at bigint and overflows
    "uhugeint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "uuid": pa.string(),
    "enum": pa.string(),
    "blob": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp_s": pa.timestamp("us"),
    "timestamp_ms": pa.timestamp("us"),
    "timestamp_ns": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "interval": pa.month_day_nano_interval(),
    "null": pa.null(),
}
_ATHENA: Final = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "varchar",
    pa.binary(): "varbinary",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.month_day_nano_interval(): "interval day to second",
    pa.null(): "unknown",
}
_HIVE: Final = {"integer": "int", "varchar": "string", "varbinary": "binary"}
"""Where Hive's name of a simple type is not Athena's."""

_PRECISIONS: Final = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varchar": VARCHAR_LENGTH,
    "varbinary": 1_073_741_824,
    "timestamp": 3,
    "timestamp with time zone": 3,
}


class Column(Struct, frozen=True):
    """One column of a result.

    Attributes:
        name: as Athena shows it.
        type: of the values, in Arrow's terms.
        is_json: whether the text is of Trino's type `json`.
    """

    name: str
    type: Any
    is_json: bool = False

    @property
    def athena_type(self) -> str:
        """As `ColumnInfo.Type` names it, e.g. `varchar`, `array` or `decimal`."""
        return "json" if self.is_json else athena_type(self.type)

    def info(self) -> dict[str, Any]:
        """The `ColumnInfo` of an answer."""
        name = self.athena_type
        precision, scale = _PRECISIONS.get(name, 0), 0
        if pa.types.is_decimal(self.type):
            precision, scale = self.type.precision, self.type.scale
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": name,
            "Precision": precision,
            "Scale": scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": name in {"varchar", "json"},
        }


def result_column(name: str, duckdb_type: DuckDBPyType) -> Column:
    """A column as the engine gave it."""
    return Column(name, arrow_type(duckdb_type), str(duckdb_type) == "JSON")


def arrow_type(duckdb_type: DuckDBPyType) -> pa.DataType:
    """The Arrow type in which the engine's values are kept.

    Raises:
        QueryFailedError: Athena has no such type.
    """
    kind = duckdb_type.id
    parts: list[Any] = [] if kind in _ARROW else list(duckdb_type.children)
    if kind in _ARROW:
        return _ARROW[kind]
    if kind in {"list", "array"}:
        return pa.list_(arrow_type(parts[0][1]))
    if kind == "struct":
        return pa.struct([(name, arrow_type(inner)) for name, inner in parts])
    if kind == "map":
        (_, key), (_, value) = parts
        return pa.map_(arrow_type(key), arrow_type(value))
    if kind == "decimal":
        sizes = dict(parts)
        return pa.decimal128(sizes["precision"], sizes["scale"])
    raise QueryFailedError("NOT_SUPPORTED", f"Unsupported type: {duckdb_type}")


def athena_type(arrow: pa.DataType) -> str:
    """The bare name of a type in Athena's answers."""
    if arrow in _ATHENA:
        return _ATHENA[arrow]
    if pa.types.is_decimal(arrow):
        return "decimal"
    if pa.types.is_struct(arrow):
        return "row"
    return "map" if pa.types.is_map(arrow) else "array"


def full_name(arrow: pa.DataType) -> str:
    """The type with what it is made of, as Trino's messages name it, e.g. `array(varchar)`."""
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    if pa.types.is_struct(arrow):
        return f"row({', '.join(f'{part.name} {full_name(part.type)}' for part in arrow)})"
    if pa.types.is_map(arrow):
        return f"map({full_name(arrow.key_type)}, {full_name(arrow.item_type)})"
    if pa.types.is_list(arrow):
        return f"array({full_name(arrow.value_type)})"
    if arrow == pa.timestamp("us", "UTC"):
        return "timestamp(3) with time zone"
    return {"timestamp": "timestamp(3)", "float": "real"}.get(
        athena_type(arrow), athena_type(arrow)
    )


def hive_type(arrow: pa.DataType) -> str:
    """The Glue column type that holds a result's column.

    Raises:
        QueryFailedError: Hive tables cannot hold it, e.g. a timestamp with a time zone.
    """
    if pa.types.is_struct(arrow):
        return f"struct<{','.join(f'{part.name}:{hive_type(part.type)}' for part in arrow)}>"
    if pa.types.is_map(arrow):
        return f"map<{hive_type(arrow.key_type)},{hive_type(arrow.item_type)}>"
    if pa.types.is_list(arrow):
        return f"array<{hive_type(arrow.value_type)}>"
    name = full_name(arrow).replace("timestamp(3)", "timestamp").replace("real", "float")
    if name in {"timestamp with time zone", "time", "interval day to second", "unknown"}:
        raise QueryFailedError("NOT_SUPPORTED", f"Unsupported Hive type: {full_name(arrow)}")
    return _HIVE.get(name, name)
