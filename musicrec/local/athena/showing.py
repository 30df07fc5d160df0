"""A table's description in Hive's words."""

from __future__ import annotations

from typing import Any, Final

_HEADER: Final = ("# col_name", "data_type", "comment")


def description(described: dict[str, Any]) -> list[list[str]]:
    """The lines of DESCRIBE, three cells each; partition keys come twice, as Hive has it."""
    keys = described.get("PartitionKeys", [])
    rows = [_cells(column) for column in described["StorageDescriptor"]["Columns"] + keys]
    if keys:
        blank = [" "] * 3
        rows += [blank, ["# Partition Information", " ", " "], _padded(*_HEADER), blank]
        rows += [_cells(key) for key in keys]
    return rows


def create_statement(described: dict[str, Any]) -> list[str]:
    """The lines of the statement that makes the table."""
    storage = described["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    lines = [f"CREATE EXTERNAL TABLE `{described['Name']}`(", *_listed(storage["Columns"])]
    if described.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *_listed(described["PartitionKeys"])]
    lines += ["ROW FORMAT SERDE ", f"  '{serde.get('SerializationLibrary', '')}' "]
    if serde.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_pairs(serde["Parameters"])]
    if storage.get("InputFormat"):
        lines += ["STORED AS INPUTFORMAT ", f"  '{storage['InputFormat']}' "]
        lines += ["OUTPUTFORMAT ", f"  '{storage.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{storage.get('Location', '')}'"]
    properties = {k: v for k, v in described.get("Parameters", {}).items() if k != "EXTERNAL"}
    return [*lines, "TBLPROPERTIES (", *_pairs(properties)] if properties else lines


def _cells(column: dict[str, str]) -> list[str]:
    return _padded(column["Name"], column["Type"], column.get("Comment", ""))


def _padded(*cells: str) -> list[str]:
    return [f"{cell:<20}" for cell in cells]


def _listed(columns: list[dict[str, str]]) -> list[str]:
    shown = [f"  `{column['Name']}` {column['Type']}" for column in columns]
    return [*(f"{line}, " for line in shown[:-1]), f"{shown[-1]})"]


def _pairs(values: dict[str, str]) -> list[str]:
    shown = [f"  '{name}'='{value}'" for name, value in values.items()]
    return [*(f"{line}, " for line in shown[:-1]), f"{shown[-1]})"]
